import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createTokenRanges } from '../../src/judge/token-ranges.js';

it('ranges count what a set of single tokens would, in any order and overlapping', () => {
  const range = fc.tuple(fc.nat(60), fc.nat(12));
  fc.assert(fc.property(fc.array(range, { maxLength: 20 }), range, (added, [first, count]) => {
    const ranges = createTokenRanges();
    const set = new Set<number>();
    for (const [from, length] of added) {
      ranges.add(from, length);
      for (let token = from; token < from + length; token += 1) set.add(token);
    }
    const expected = Array.from({ length: count }, (_, at) => first + at).filter((token) => set.has(token)).length;
    expect(ranges.overlap(first, count)).toBe(expected);
  }));
});
