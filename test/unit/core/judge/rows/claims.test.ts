import { describe, expect, it } from 'vitest';
import { claimOutcome, claimText } from '../../../../../src/core/judge/rows/claims.js';
import type { PlannedClaim } from '../../../../../src/core/model/plan.js';
import type { Finding } from '../../../../../src/core/model/result.js';
import { zero } from '../../../../support/judge/row-fixture.js';

const claim = (over: Partial<PlannedClaim> = {}): PlannedClaim => ({
  observer: 'c',
  from: null,
  to: null,
  carrier: null,
  probe: null,
  seen: 'none',
  ...over,
});
const seen = (frames: number, over: Partial<Finding> = {}): Finding => ({ ...zero, sent: 20, seen: frames, ...over });

describe('a claim', () => {
  it.each<[PlannedClaim['seen'], Finding, string]>([
    ['none', seen(0), 'held'],
    ['none', seen(1), 'beyond'],
    ['some', seen(1), 'held'],
    ['some', seen(0), 'short'],
    ['all', seen(20), 'held'],
    ['all', seen(21), 'held'],
    ['all', seen(19), 'short'],
    ['all', seen(0), 'short'],
    ['all', seen(0, { sent: 0 }), 'short'],
    ['all', seen(1, { sent: null }), 'held'],
    [3, seen(3), 'held'],
    [3, seen(4), 'beyond'],
    [3, seen(2), 'short'],
    [0, seen(0), 'held'],
    [3, seen(30, { grouped: 10 }), 'held'],
    [3, seen(31, { grouped: 10 }), 'beyond'],
    [30, seen(30, { grouped: 10 }), 'short'],
  ])('of %s is judged by what was seen', (wanted, row, outcome) =>
    expect(claimOutcome(claim({ seen: wanted }), [row])).toBe(outcome),
  );

  it('has to hold for every row that it selects, and more than claimed weighs most', () => {
    expect(claimOutcome(claim({ seen: 2 }), [seen(2), seen(2)])).toBe('held');
    expect(claimOutcome(claim({ seen: 2 }), [seen(2), seen(1)])).toBe('short');
    expect(claimOutcome(claim({ seen: 2 }), [seen(1), seen(3), seen(2)])).toBe('beyond');
  });

  it.each<[string, Partial<PlannedClaim>, Partial<Finding>]>([
    ['observer', { observer: 'lan' }, { observer: 'lan' }],
    ['probe', { probe: 1 }, { probe: 1 }],
    ['sender', { from: 'b' }, { from: 'b' }],
    ['addressee', { to: 'a' }, { to: 'a' }],
    ['carrier', { carrier: 'ipv4-udp' }, { carrier: 'ipv4-udp' }],
    ['variant', { variant: 'root' }, { variant: 'root' }],
  ])('on one %s selects its rows alone', (_, narrowed, row) => {
    expect(claimOutcome(claim(narrowed), [seen(0)])).toBe('unmatched');
    expect(claimOutcome(claim(narrowed), [seen(5), seen(0, row)])).toBe('held');
  });

  it('without a variant selects rows of all', () =>
    expect(claimOutcome(claim(), [seen(0), seen(1, { variant: 'root' })])).toBe('beyond'));

  it('is told in words, with what narrows it', () => {
    expect(claimText(claim())).toBe('c sees none');
    expect(claimText(claim({ seen: 3, from: 'a' }))).toBe('c sees 3 from a');
    expect(claimText(claim({ seen: 'all', to: 'b', carrier: 'raw', variant: 'root' }))).toBe(
      'c sees all to b as raw as root',
    );
  });
});
