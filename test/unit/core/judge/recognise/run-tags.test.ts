import { describe, expect, it } from 'vitest';
import { createRunTags } from '../../../../../src/core/judge/recognise/run-tags.js';
import { tagLength, tagsFor } from '../../../../../src/core/wire/token.js';
import { key } from '../../../../support/judge/perfect-run.js';

const count = 1_048_600;
/** Indices in several blocks of tags, some of which take one another's place. */
const indices = [
  0,
  1,
  1023,
  1024,
  1025,
  2047,
  5000,
  523_264,
  524_287,
  524_288,
  524_289,
  1,
  525_312,
  1024,
  1_048_576,
  0,
  count - 1,
];
const wordsOf = (tag: Uint8Array, at: number): Int32Array => {
  const words = new Int32Array(at + 2);
  new Uint8Array(words.buffer).set(tag, 4 * at);
  return words;
};

describe('the tags of a run', () => {
  it('are those that its key gives, byte by byte and by words, in whatever order they are asked for', () => {
    const [tags, byWords] = [createRunTags(key, count), createRunTags(key, count)];
    for (const index of indices) {
      const tag = tagsFor(key, index, 1);
      const among = new Uint8Array(3 + tagLength);
      among.set(tag, 3);
      expect([index, tags.holds(among, 3, index), byWords.holdsWords(wordsOf(tag, 2), 2, index)]).toEqual([
        index,
        true,
        true,
      ]);
    }
  });
  it('are none of another index, and none with another byte', () => {
    const tags = createRunTags(key, count);
    for (const index of indices) {
      const tag = tagsFor(key, index, 1);
      for (const another of [index + 1, index + 1024, index + 524_288].filter((candidate) => candidate < count))
        expect([tags.holds(tag, 0, another), tags.holdsWords(wordsOf(tag, 0), 0, another)]).toEqual([false, false]);
      for (const at of [0, 3, 4, 7]) {
        const changed = Uint8Array.from(tag, (byte, place) => (place === at ? byte ^ 1 : byte));
        expect([tags.holds(changed, 0, index), tags.holdsWords(wordsOf(changed, 0), 0, index)]).toEqual([false, false]);
      }
    }
  });
  it('end with the tokens of the run', () => {
    const tags = createRunTags(key, 1500);
    const holds = (index: number): readonly boolean[] => [
      tags.holds(tagsFor(key, index, 1), 0, index),
      tags.holdsWords(wordsOf(tagsFor(key, index, 1), 0), 0, index),
    ];
    expect([holds(1499), holds(1500), holds(1400), holds(1501), holds(2048)]).toEqual([
      [true, true],
      [false, false],
      [true, true],
      [false, false],
      [false, false],
    ]);
    expect([tags.holds(new Uint8Array(8), 0, -1), tags.holdsWords(new Int32Array(2), 0, -1)]).toEqual([false, false]);
  });
  it('are none where the key is not known', () => {
    const tags = createRunTags(null, 10);
    expect([
      tags.holds(tagsFor(key, 3, 1), 0, 3),
      tags.holdsWords(wordsOf(tagsFor(key, 3, 1), 0), 0, 3),
      tags.holds(new Uint8Array(8), 0, 3),
    ]).toEqual([false, false, false]);
  });
});
