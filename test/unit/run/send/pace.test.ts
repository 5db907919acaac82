import { describe, expect, it } from 'vitest';
import { paceText } from '../../../../src/run/send/pace.js';

describe('paceText', () => {
  it('tells a rate and what is left once a second has passed', () => {
    expect(paceText(500, 0, 3000, 900)).toBe('500 of 3,000 frames');
    expect(paceText(4000, 0, 300_000, 2000)).toBe('4,000 of 300,000 frames, 2,000/s, 3 min left');
    expect(paceText(3000, 1500, 3000, 3000)).toBe('3,000 of 3,000 frames, 500/s');
  });

  it('counts from where this part began, not from the beginning', () => {
    expect(paceText(2000, 1000, 3000, 1000)).toBe('2,000 of 3,000 frames, 1,000/s, 1 s left');
  });
});
