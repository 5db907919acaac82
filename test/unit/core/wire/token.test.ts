import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  findToken,
  sameTag,
  tagsFor,
  tokenAt,
  tokenIndex,
  tokenLength,
  tokensFor,
  writeToken,
} from '../../../../src/core/wire/token.js';

const key = new Uint8Array(32).map((_, i) => i);

describe('token', () => {
  it('is 18 bytes: VI, run tag, index, tag', () => {
    const bytes = new Uint8Array(20);
    writeToken(bytes, 1, { runTag: 0x01020304, index: 0xfffffffe, tag: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) });
    expect(Buffer.from(bytes).toString('hex')).toBe(
      '00' + '5649' + '01020304' + 'fffffffe' + '0102030405060708' + '00',
    );
  });

  it('refuses to be cut', () => {
    expect(() => writeToken(new Uint8Array(17), 0, { runTag: 0, index: 0, tag: new Uint8Array(8) })).toThrow(
      RangeError,
    );
  });

  it('has the bytes [8·index, 8·index+8) of the AES-256-CTR keystream as tag', () => {
    const whole = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(8 * 1000));
    for (const [first, count] of [
      [0, 3],
      [1, 1],
      [2, 5],
      [7, 100],
      [999, 1],
    ] as const) {
      expect(tagsFor(key, first, count)).toEqual(whole.subarray(8 * first, 8 * (first + count)));
    }
  });

  it('has tags to the last index of 32 bits', () => {
    expect(tagsFor(key, 2 ** 32 - 2, 2)).toHaveLength(16);
    expect(tagsFor(key, 2 ** 32 - 1, 1)).toEqual(tagsFor(key, 2 ** 32 - 2, 2).subarray(8));
  });

  it('is found wherever it is, at the expected place first', () => {
    fc.assert(
      fc.property(
        fc.nat(200),
        fc.nat(200),
        fc.integer({ min: -5, max: 300 }),
        fc.integer({ min: 0, max: 0xffffffff }),
        (before, after, expectedAt, index) => {
          const frame = new Uint8Array(before + tokenLength + after);
          frame.set(tokensFor(key, 7, index, 1), before);
          const found = findToken(frame, 0, frame.length, 7, expectedAt);
          expect(found).toEqual({ at: before, runTag: 7, index, tagAt: before + 10 });
          expect(sameTag(frame, before + 10, tagsFor(key, index, 1), 0)).toBe(true);
        },
      ),
    );
    const two = new Uint8Array(60);
    two.set(tokensFor(key, 7, 1, 1), 0);
    two.set(tokensFor(key, 7, 2, 1), 30);
    expect(tokenIndex(two, tokenAt(two, 0, 60, 7, 30))).toBe(2);
    expect(tokenIndex(two, tokenAt(two, 0, 60, 7, -1))).toBe(1);
    expect(tokenIndex(two, tokenAt(two, 1, 60, 7, -1))).toBe(2);
  });

  it('of another run is no token', () => {
    const frame = tokensFor(key, 7, 0, 1);
    expect(findToken(frame, 0, frame.length, 8, 0)).toBeNull();
    expect(findToken(frame, 0, frame.length, null, 0)?.runTag).toBe(7);
  });

  it('that is cut by the end of the frame is no token', () => {
    const frame = new Uint8Array(40);
    frame.set(tokensFor(key, 7, 0, 1), 10);
    for (let end = 0; end < 28; end += 1) expect(tokenAt(frame, 0, end, 7, 10)).toBe(-1);
    expect(tokenAt(frame, 0, 28, 7, 10)).toBe(10);
  });

  it('search never throws and never leaves its bounds', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 80 }),
        fc.integer({ min: -9, max: 99 }),
        fc.integer({ min: -9, max: 999 }),
        fc.integer({ min: -9, max: 999 }),
        (bytes, start, end, expectedAt) => {
          const at = tokenAt(bytes, start, end, null, expectedAt);
          expect(at === -1 || (at >= Math.max(0, start) && at + tokenLength <= Math.min(end, bytes.length))).toBe(true);
        },
      ),
    );
  });

  it('with another tag is not authentic', () => {
    const tags = tagsFor(key, 0, 2);
    expect(sameTag(tags, 0, tags, 0)).toBe(true);
    expect(sameTag(tags, 8, tags, 0)).toBe(false);
    expect(sameTag(tags, 9, tags, 0)).toBe(false);
    expect(sameTag(tags, 0, tags, 9)).toBe(false);
  });

  it('refuses a place before the array, past its end, and a tag that is too short', () => {
    const tag = new Uint8Array(8);
    for (const at of [-1, 3, 20])
      expect(() => writeToken(new Uint8Array(20), at, { runTag: 0, index: 0, tag })).toThrow(RangeError);
    expect(() => writeToken(new Uint8Array(20), 0, { runTag: 0, index: 0, tag: tag.subarray(1) })).toThrow(RangeError);
  });

  it('takes eight bytes of its tag, whatever comes behind', () => {
    const bytes = new Uint8Array(20);
    writeToken(bytes, 0, { runTag: 0, index: 0, tag: new Uint8Array(9).fill(0xee) });
    expect([...bytes.subarray(17)]).toEqual([0xee, 0, 0]);
  });

  it('is taken from the expected place at the very first and the very last offset only within the frame', () => {
    const array = new Uint8Array(3 * tokenLength);
    for (const at of [0, 1, 2]) array.set(tokensFor(key, 7, at, 1), at * tokenLength);
    expect(tokenAt(array, tokenLength, array.length, 7, 0)).toBe(tokenLength);
    expect(tokenAt(array, 0, array.length, 7, 2 * tokenLength)).toBe(2 * tokenLength);
    expect(tokenAt(array, 1, array.length, 7, tokenLength)).toBe(tokenLength);
    expect(tokenAt(array, 0, 2 * tokenLength, 7, 2 * tokenLength)).toBe(0);
    expect(tokenAt(array, 2 * tokenLength, array.length, 7, 2 * tokenLength)).toBe(2 * tokenLength);
  });

  it('needs both bytes of its magic', () => {
    for (const at of [0, 1]) {
      const frame = Uint8Array.from(tokensFor(key, 7, 0, 1));
      frame[at] = 0;
      expect(tokenAt(frame, 0, frame.length, 7, 0)).toBe(-1);
      expect(tokenAt(frame, 0, frame.length, 7, -1)).toBe(-1);
    }
  });

  it('is never authentic where either tag is not whole, nothing being equal to nothing', () => {
    const tags = tagsFor(key, 0, 1);
    const none = new Uint8Array(0);
    for (const [frame, tagAt, expected, expectedAt] of [
      [none, 0, none, 0],
      [none, -8, none, -8],
      [tags, 100, tags, 100],
      [tags, -9, tags, -9],
      [tags, 0, none, 0],
      [none, 0, tags, 0],
      [tags, 1, tags, 1],
      [tags.subarray(0, 7), 0, tags.subarray(0, 7), 0],
      [tags, -1, tags, -1],
      [tags, 0, tags.subarray(0, 7), 0],
      [tags.subarray(0, 7), 0, tags, 0],
    ] as const)
      expect(
        sameTag(frame, tagAt, expected, expectedAt),
        `${frame.length} ${tagAt} ${expected.length} ${expectedAt}`,
      ).toBe(false);
  });

  it("differs in every byte's place, not at the first and last alone", () => {
    const tags = tagsFor(key, 0, 1);
    for (let at = 0; at < 8; at += 1) {
      const bytes = Uint8Array.from(tags);
      bytes[at] = (bytes[at] ?? 0) ^ 0x80;
      expect(sameTag(bytes, 0, tags, 0)).toBe(false);
    }
  });

  it('comes one after the other, each with its index and its own tag', () => {
    const tokens = tokensFor(key, 7, 5, 4);
    expect(tokens).toHaveLength(4 * tokenLength);
    for (let i = 0; i < 4; i += 1)
      expect(tokens.subarray(i * tokenLength, (i + 1) * tokenLength)).toEqual(tokensFor(key, 7, 5 + i, 1));
    expect([0, 1, 2, 3].map((i) => tokenIndex(tokens, i * tokenLength))).toEqual([5, 6, 7, 8]);
    expect(sameTag(tokens, 3 * tokenLength + 10, tagsFor(key, 8, 1), 0)).toBe(true);
  });

  it('goes on with the counter beyond 32 bits of blocks', () => {
    expect(tagsFor(key, 2 ** 33, 1)).not.toEqual(tagsFor(key, 0, 1));
    const counter = Buffer.alloc(16);
    counter.writeBigUInt64BE(2n ** 32n, 8);
    expect(
      Buffer.from(tagsFor(key, 2 ** 33, 2)).equals(
        createCipheriv('aes-256-ctr', key, counter).update(new Uint8Array(16)),
      ),
    ).toBe(true);
  });
});
