import { sameTag, type TagSource, tagLength, tagSource } from '../../wire/token.js';

/** A run's tags, made on demand. */
export interface RunTags {
  holds(bytes: Uint8Array, tagAt: number, index: number): boolean;
  /** The same for the words from `at` on, in this machine's byte order. */
  holdsWords(words: Int32Array, at: number, index: number): boolean;
}

/** Tags a block and blocks kept, powers of two: 4 MiB in all. Tokens come almost in order. */
const perBlock = 1024;
const blocks = 512;

interface Block {
  number: number;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
}

/** `key` null (never revealed): no tag is known. `count`: tokens of the run. */
export function createRunTags(key: Uint8Array | null, count: number): RunTags {
  const cache: Block[] = [];
  let last: Block | null = null;
  /** Starting a cipher takes as long as a block, so this continues behind the last one. */
  let source: TagSource | null = null;
  let sourceAt = -1;

  function blockOf(index: number): Block | null {
    if (key === null || index < 0 || index >= count) return null;
    const number = Math.floor(index / perBlock);
    let block: Block | undefined = cache[number & (blocks - 1)];
    if (block?.number === number) return block;
    if (source === null || sourceAt !== number) source = tagSource(key, number * perBlock);
    sourceAt = number + 1;
    if (block === undefined) {
      const words = new Int32Array((perBlock * tagLength) / 4);
      block = { number, bytes: new Uint8Array(words.buffer), words };
      cache[number & (blocks - 1)] = block;
    }
    block.number = number;
    block.bytes.set(source(perBlock));
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
