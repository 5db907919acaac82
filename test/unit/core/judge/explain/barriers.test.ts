import { describe, expect, it } from 'vitest';
import { barrierOf, barriers, lastBarriers } from '../../../../../src/core/judge/explain/barriers.js';

describe('a barrier', () => {
  it('is explained by its code, a filter as well, and another code is none', () => {
    expect(barrierOf('isolated')).toBe(barriers.isolated);
    expect(barrierOf('filter')).toBe(lastBarriers.filter);
    expect(barrierOf('unexplained')).toBeNull();
    expect(barrierOf('toString')).toBeNull();
  });
  it('that nothing explains is found anywhere', () => expect(lastBarriers.unexplained.find()).toBe(''));
});
