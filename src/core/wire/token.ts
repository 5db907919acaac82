import { createCipheriv } from 'node:crypto';
import { readU32, writeU32 } from './bytes.js';

/**
 * The token of every frame of a run: 18 bytes, so that a 60-byte frame has room for Ethernet, IPv4, UDP and it.
 *
 *     0      2          6          10               18
 *     | "VI" | runTag   | index    | tag            |     big-endian
 *
 * `index` numbers every frame of the run; only the holder of the run's key can write `tag`.
 */
export const tokenLength = 18;
/** The magic and the run's tag. */
export const markLength = 6;
export const tagLength = 8;
export const magicHigh = 0x56;
export const magicLow = 0x49;

/** `tag` holds 8 bytes. */
export interface Token {
  readonly runTag: number;
  readonly index: number;
  readonly tag: Uint8Array;
}

/** Not authenticated yet; `at` and `tagAt` are offsets into the array. */
export interface FoundToken {
  readonly at: number;
  readonly runTag: number;
  readonly index: number;
  readonly tagAt: number;
}

/** 6 bytes. */
export function writeMark(into: Uint8Array, at: number, runTag: number): void {
  into[at] = magicHigh;
  into[at + 1] = magicLow;
  writeU32(into, at + 2, runTag);
}

/** RangeError without 18 bytes at `at`. */
export function writeToken(into: Uint8Array, at: number, token: Token): void {
  if (at < 0 || at + tokenLength > into.length || token.tag.length < tagLength)
    throw new RangeError(`no room for a token at ${at} of ${into.length}`);
  writeMark(into, at, token.runTag);
  writeU32(into, at + 6, token.index);
  for (let i = 0; i < tagLength; i += 1) into[at + 10 + i] = token.tag[i] ?? 0;
}

/**
 * Offset of a token in `frame[start, end)`, or -1: at `expectedAt` (-1 = none), else the first. `runTag` null: any
 * run's. Total over arbitrary bytes, one pass, no allocation.
 */
export function tokenAt(
  frame: Uint8Array,
  start: number,
  end: number,
  runTag: number | null,
  expectedAt: number,
): number {
  const from = Math.max(0, start);
  const last = Math.min(end, frame.length) - tokenLength;
  if (expectedAt >= from && expectedAt <= last && isTokenAt(frame, expectedAt, runTag)) return expectedAt;
  for (let at = from; at <= last; at += 1) {
    if (frame[at] === magicHigh && isTokenAt(frame, at, runTag)) return at;
  }
  return -1;
}

/** As `tokenAt`, with content; null = none. */
export function findToken(
  frame: Uint8Array,
  start: number,
  end: number,
  runTag: number | null,
  expectedAt: number,
): FoundToken | null {
  const at = tokenAt(frame, start, end, runTag, expectedAt);
  return at < 0 ? null : { at, runTag: readU32(frame, at + 2), index: tokenIndex(frame, at), tagAt: at + 10 };
}

/** Of the token at `at`. */
export function tokenIndex(frame: Uint8Array, at: number): number {
  return readU32(frame, at + 6);
}

/** Offsets in bytes; missing bytes differ. */
export function sameTag(frame: Uint8Array, tagAt: number, expected: Uint8Array, expectedAt: number): boolean {
  if (expectedAt < 0 || expectedAt + tagLength > expected.length) return false;
  for (let i = 0; i < tagLength; i += 1) if (frame[tagAt + i] !== expected[expectedAt + i]) return false;
  return true;
}

/** The next `count` tags, 8 bytes each. */
export type TagSource = (count: number) => Uint8Array;

/**
 * Tag `index` is bytes [8·index, 8·index+8) of the AES-256-CTR keystream under the run's 32-byte key with a zero IV
 * (NIST SP 800-38A, 6.5). A million take 0.01 s.
 */
export function tagSource(key: Uint8Array, first: number): TagSource {
  const counter = new Uint8Array(16);
  const block = Math.floor(first / 2); // a block of keystream is two tags
  writeU32(counter, 8, Math.floor(block / 2 ** 32));
  writeU32(counter, 12, block % 2 ** 32);
  const cipher = createCipheriv('aes-256-ctr', key, counter);
  cipher.update(new Uint8Array((first % 2) * tagLength));
  let zeros = new Uint8Array(0);
  return (count) => {
    if (zeros.length !== count * tagLength) zeros = new Uint8Array(count * tagLength);
    return cipher.update(zeros);
  };
}

/** Indices first … first+count−1. */
export function tagsFor(key: Uint8Array, first: number, count: number): Uint8Array {
  return tagSource(key, first)(count);
}

/** Indices first … first+count−1, 18 bytes each. */
export function tokensFor(key: Uint8Array, runTag: number, first: number, count: number): Uint8Array {
  const tags = tagsFor(key, first, count);
  const tokens = new Uint8Array(count * tokenLength);
  for (let i = 0, at = 0, tagAt = 0; i < count; i += 1, at += tokenLength) {
    writeMark(tokens, at, runTag);
    writeU32(tokens, at + 6, first + i);
    for (let end = tagAt + tagLength, to = at + 10; tagAt < end; tagAt += 1, to += 1) tokens[to] = tags[tagAt] ?? 0;
  }
  return tokens;
}

function isTokenAt(frame: Uint8Array, at: number, runTag: number | null): boolean {
  return (
    frame[at] === magicHigh && frame[at + 1] === magicLow && (runTag === null || readU32(frame, at + 2) === runTag)
  );
}
