import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTokenRanges } from '../../../../../src/core/judge/count/token-ranges.js';

it('ranges count what a set of single tokens would, in any order and overlapping', () => {
  const range = fc.tuple(fc.nat(60), fc.nat(12));
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), range, (added, [first, count]) => {
      const ranges = createTokenRanges();
      const set = new Set<number>();
      for (const [from, length] of added) {
        ranges.add(from, length);
        for (let token = from; token < from + length; token += 1) set.add(token);
      }
      const expected = Array.from({ length: count }, (_, at) => first + at).filter((token) => set.has(token)).length;
      expect(ranges.overlap(first, count)).toBe(expected);
    }),
  );
});

it.each<[string, readonly (readonly [first: number, count: number])[], readonly number[]]>([
  ['none', [], []],
  ['one', [[3, 2]], [3, 4]],
  [
    'ones that follow one another',
    [
      [3, 2],
      [5, 2],
    ],
    [3, 4, 5, 6],
  ],
  [
    'ones with a gap',
    [
      [3, 1],
      [6, 1],
    ],
    [3, 6],
  ],
  [
    'ones in the other order',
    [
      [6, 2],
      [3, 2],
    ],
    [3, 4, 6, 7],
  ],
  [
    'ones that touch in the other order',
    [
      [5, 2],
      [3, 2],
    ],
    [3, 4, 5, 6],
  ],
  [
    'ones that overlap',
    [
      [3, 4],
      [5, 4],
    ],
    [3, 4, 5, 6, 7, 8],
  ],
  [
    'one within another',
    [
      [3, 6],
      [4, 1],
      [20, 1],
    ],
    [3, 4, 5, 6, 7, 8, 20],
  ],
  [
    'the same twice',
    [
      [3, 2],
      [3, 2],
    ],
    [3, 4],
  ],
  [
    'ones of no length',
    [
      [3, 0],
      [4, -2],
      [5, 1],
    ],
    [5],
  ],
  [
    'three, of which the last is first',
    [
      [10, 1],
      [20, 1],
      [0, 1],
    ],
    [0, 10, 20],
  ],
])('ranges of %s hold their tokens, asked one by one and in any stretch', (_, added, tokens) => {
  const ranges = createTokenRanges();
  for (const [first, count] of added) ranges.add(first, count);
  for (let first = 0; first < 24; first += 1)
    for (let count = 0; count < 24; count += 1)
      expect([first, count, ranges.overlap(first, count)]).toEqual([
        first,
        count,
        tokens.filter((token) => token >= first && token < first + count).length,
      ]);
});

it('ranges that were asked take more', () => {
  const ranges = createTokenRanges();
  ranges.add(10, 5);
  ranges.add(0, 5);
  expect(ranges.overlap(0, 20)).toBe(10);
  ranges.add(4, 8);
  expect(ranges.overlap(0, 20)).toBe(15);
  ranges.add(15, 2);
  expect(ranges.overlap(0, 20)).toBe(17);
});
