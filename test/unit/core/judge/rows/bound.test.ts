import { describe, expect, it } from 'vitest';
import { upperBound95 } from '../../../../../src/core/judge/rows/probe-row.js';

describe('upperBound95', () => {
  it('is the exact binomial bound, rounded up', () => {
    expect(upperBound95(300)).toBe(0.00994);
    expect(upperBound95(1)).toBe(0.95);
    expect(upperBound95(1_000_000)).toBe(0.000003);
  });

  it('says nothing where nothing was sent', () => {
    expect(upperBound95(0)).toBeNull();
  });

  it('never falls below the bound that it rounds', () => {
    for (let n = 1; n < 5000; n += 7) expect(upperBound95(n)).toBeGreaterThanOrEqual(1 - 0.05 ** (1 / n) - 1e-12);
  });
});
