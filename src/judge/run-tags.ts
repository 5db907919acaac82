import { sameTag, tagLength, tagsFor } from '../wire/token.js';

/** The tags of a run's tokens, made when they are asked for. */
export interface RunTags {
  /** Is the tag at `tagAt` (8 octets) the one that only the run's key gives for `index`? */
  holds(bytes: Uint8Array, tagAt: number, index: number): boolean;
  /** The same, with the tag as the two words from `words[at]` on, in this machine's order. */
  holdsWords(words: Int32Array, at: number, index: number): boolean;
}

/** Tags that are made at once, and how many such blocks are kept: powers of two, 4 MiB in all. Tokens come almost in their order. */
const perBlock = 1024;
const blocks = 512;

interface Block {
  readonly number: number;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/** `key` null (it was never revealed): no tag is known. `count`: tokens of the run; beyond them there are none. */
export function createRunTags(key: Uint8Array | null, count: number): RunTags {
  const made: Block[] = [];
  let last: Block | null = null;

  function blockOf(index: number): Block | null {
    if (key === null || index < 0 || index >= count) return null;
    const number = Math.floor(index / perBlock);
    let block = made[number & (blocks - 1)];
    if (block?.number !== number) {
      const bytes = tagsFor(key, number * perBlock, perBlock).slice(); // begins at a word
      block = { number, bytes, words: new Int32Array(bytes.buffer) };
      made[number & (blocks - 1)] = block;
    }
    return block;
  }

  return {
    holds(bytes, tagAt, index) {
      const block = blockOf(index);
      return block !== null && sameTag(bytes, tagAt, block.bytes, (index % perBlock) * tagLength);
    },
    holdsWords(words, at, index) {
      if (last === null || index >>> 10 !== last.number || index >= count) last = blockOf(index);
      if (last === null) return false;
      const expected = 2 * (index & (perBlock - 1));
      return words[at] === last.words[expected] && words[at + 1] === last.words[expected + 1];
    },
  };
}
