import { tokenLength, writeMark } from './token.js';

/** Excludes one run's tokens. */
export interface TokenSearch {
  mayHold(bytes: Uint8Array, start: number, end: number): boolean;
}

/**
 * Searches consecutive frames at once by the C library's memory search. Frames that go back are searched alone. An
 * array's bytes must not change.
 */
export function createTokenSearch(runTag: number): TokenSearch {
  const magic = new Uint8Array(6);
  writeMark(magic, 0, runTag);
  let searched: Uint8Array | null = null;
  let wanted: Buffer = Buffer.alloc(0);
  /** No magic begins in [from, next); one begins at `next`, unless that is the end. */
  let from = 0;
  let next = 0;
  return {
    mayHold(bytes, start, end) {
      if (bytes !== searched) {
        searched = bytes;
        wanted = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        from = start;
        next = start - 1;
      }
      if (start < from) return wanted.subarray(start, end).indexOf(magic) >= 0;
      if (start > next) {
        const magicAt = wanted.indexOf(magic, start);
        from = start;
        next = magicAt < 0 ? wanted.length : magicAt;
      }
      return next + tokenLength <= end;
    },
  };
}
