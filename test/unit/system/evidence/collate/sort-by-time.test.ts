import fc from 'fast-check';
import { expect, it } from 'vitest';
import { sortByTime } from '../../../../../src/system/evidence/collate/raw-frames.js';

it('frames come in the order of their times, and those of one time in the order of the file', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20), { maxLength: 200 }), (times) => {
      const expected = times.map((_, at) => at).sort((a, b) => (times[a] ?? 0) - (times[b] ?? 0) || a - b);
      expect([...sortByTime(Float64Array.from(times))]).toEqual(expected);
    }),
  );
});
