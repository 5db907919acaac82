import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenBits } from '../../../../../src/core/judge/count/token-bits.js';

const [observers, tokens] = [70, 9000] as const;
const ranges = fc.array(
  fc.record({
    observer: fc.nat(observers - 1),
    first: fc.nat(tokens),
    count: fc.integer({ min: 1, max: 100 }),
  }),
  { maxLength: 60 },
);

/** No token has a first observer, half of them, and all. */
const withFirst = fc.constantFrom(0, tokens / 2, tokens + 200);

it('says who saw tokens of a range, in order, as a list of all sightings does', () => {
  fc.assert(
    fc.property(withFirst, ranges, fc.nat(tokens), fc.integer({ min: 1, max: 200 }), (most, seen, first, count) => {
      const bits = new TokenBits(most);
      for (const { observer, first: from, count: many } of seen) bits.setAll(observer, from, many);
      const expected = new Set(
        seen.flatMap((range) =>
          range.first < first + count && first < range.first + range.count ? [range.observer] : [],
        ),
      );
      const named: number[] = [];
      bits.eachObserver(first, count, (observer) => named.push(observer));
      expect(named).toEqual([...new Set(named)].sort((a, b) => a - b));
      expect(named.filter((observer) => bits.count(observer, first, count) > 0)).toEqual(
        [...expected].sort((a, b) => a - b),
      );
    }),
  );
});

it('counts what an observer had not seen, and each token once', () => {
  fc.assert(
    fc.property(withFirst, ranges, (most, seen) => {
      const bits = new TokenBits(most);
      const known = new Set<string>();
      for (const { observer, first, count } of seen) {
        const before = known.size;
        for (let token = first; token < first + count; token += 1) known.add(`${observer} ${token}`);
        expect(bits.setAll(observer, first, count)).toBe(known.size - before);
      }
      for (const { observer, first, count } of seen)
        for (let other = 0; other < observers; other += observer + 1) {
          const tokensSeen = Array.from({ length: count }, (_, at) => first + at).filter((token) =>
            known.has(`${other} ${token}`),
          );
          expect(bits.count(other, first, count)).toBe(tokensSeen.length);
          expect(bits.has(other, first)).toBe(known.has(`${other} ${first}`));
        }
      expect(bits.observers).toBe(seen.reduce((most, { observer }) => Math.max(most, observer + 1), 0));
    }),
  );
});
