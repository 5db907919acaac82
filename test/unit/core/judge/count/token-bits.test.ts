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

it('says who saw tokens of a range, in order, as a list of all sightings does', () => {
  fc.assert(
    fc.property(ranges, fc.nat(tokens), fc.integer({ min: 1, max: 200 }), (seen, first, count) => {
      const bits = new TokenBits();
      for (const { observer, first: from, count: many } of seen) bits.setAll(observer, from, many);
      const expected = new Set(
        seen.flatMap((range) =>
          range.first < first + count && first < range.first + range.count ? [range.observer] : [],
        ),
      );
      const named: number[] = [];
      bits.eachObserver(first, count, (observer) => named.push(observer));
      expect(named).toEqual([...named].sort((a, b) => a - b));
      expect(named.filter((observer) => bits.count(observer, first, count) > 0)).toEqual(
        [...expected].sort((a, b) => a - b),
      );
    }),
  );
});
