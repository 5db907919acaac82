import { describe, expect, it } from 'vitest';
import { timeText } from '../../../../src/core/text/time.js';

describe('a time', () => {
  it.each([
    [0n, '1970-01-01T00:00:00.000000000Z'],
    [1_700_000_000_000_000_001n, '2023-11-14T22:13:20.000000001Z'],
    [2n ** 63n, '2262-04-11T23:47:16.854775808Z'],
    [9_000_000_000_000_000_000_000_000n, 'unknown.000000000Z'],
  ])('of %s ns is text to the nanosecond', (ns, text) => expect(timeText(ns)).toBe(text));
});
