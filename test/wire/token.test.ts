import { createCipheriv } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findToken, sameTag, tagsFor, tokenAt, tokenIndex, tokenLength, tokensFor, writeToken } from '../../src/wire/token.js';

const key = new Uint8Array(32).map((_, i) => i);

describe('token', () => {
  it('is 18 octets: VI, run tag, index, tag', () => {
    const bytes = new Uint8Array(20);
    writeToken(bytes, 1, { runTag: 0x01020304, index: 0xfffffffe, tag: new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]) });
    expect(Buffer.from(bytes).toString('hex')).toBe('00' + '5649' + '01020304' + 'fffffffe' + '0102030405060708' + '00');
  });

  it('refuses to be cut', () => {
    expect(() => writeToken(new Uint8Array(17), 0, { runTag: 0, index: 0, tag: new Uint8Array(8) })).toThrow(RangeError);
  });

  it('has the octets [8·index, 8·index+8) of the AES-256-CTR keystream as tag', () => {
    const whole = createCipheriv('aes-256-ctr', key, new Uint8Array(16)).update(new Uint8Array(8 * 1000));
    for (const [first, count] of [[0, 3], [1, 1], [2, 5], [7, 100], [999, 1]] as const) {
      expect(tagsFor(key, first, count)).toEqual(whole.subarray(8 * first, 8 * (first + count)));
    }
  });

  it('has tags to the last index of 32 bits', () => {
    expect(tagsFor(key, 2 ** 32 - 2, 2)).toHaveLength(16);
    expect(tagsFor(key, 2 ** 32 - 1, 1)).toEqual(tagsFor(key, 2 ** 32 - 2, 2).subarray(8));
  });

  it('is found wherever it is, at the expected place first', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(200), fc.integer({ min: -5, max: 300 }), fc.integer({ min: 0, max: 0xffffffff }), (before, after, expectedAt, index) => {
        const frame = new Uint8Array(before + tokenLength + after);
        frame.set(tokensFor(key, 7, index, 1), before);
        const found = findToken(frame, 0, frame.length, 7, expectedAt);
        expect(found).toEqual({ at: before, runTag: 7, index, tagAt: before + 10 });
        expect(sameTag(frame, before + 10, tagsFor(key, index, 1), 0)).toBe(true);
      }),
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
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.integer({ min: -9, max: 99 }), fc.integer({ min: -9, max: 999 }), fc.integer({ min: -9, max: 999 }), (bytes, start, end, expectedAt) => {
        const at = tokenAt(bytes, start, end, null, expectedAt);
        expect(at === -1 || (at >= Math.max(0, start) && at + tokenLength <= Math.min(end, bytes.length))).toBe(true);
      }),
    );
  });

  it('with another tag is not authentic', () => {
    const tags = tagsFor(key, 0, 2);
    expect(sameTag(tags, 0, tags, 0)).toBe(true);
    expect(sameTag(tags, 8, tags, 0)).toBe(false);
    expect(sameTag(tags, 9, tags, 0)).toBe(false);
    expect(sameTag(tags, 0, tags, 9)).toBe(false);
  });
});
