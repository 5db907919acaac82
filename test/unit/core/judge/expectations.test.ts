import { describe, expect, it } from 'vitest';
import type { Scenario, Step } from '../../../../src/core/model/scenario.js';
import { receives, judgedOf } from '../../../support/judge/judged.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';

type Claim = Step['expect']['seen'][number];
const claiming = (over: Partial<Claim>, expected: 'holds' | 'broken'): Scenario => {
  const claim: Claim = { observer: 'c', from: null, to: null, carrier: null, seen: 'none', ...over };
  return scenario([step({ expect: { ...step().expect, expected, seen: [claim] } })]);
};
const claims = (seen: Claim['seen'], expected: 'holds' | 'broken') => claiming({ seen }, expected);
const leaking = (of: Scenario, frames: number) =>
  judgedOf(of, ...Array.from({ length: frames }, (_, sequence) => receives('c', sequence)));

describe('expectations', () => {
  it.each([
    ['an expected leak that shows is as expected', claims('all', 'broken'), 20, 'broken', 0],
    ['an expected leak that does not show is exit 4', claims('all', 'broken'), 0, 'holds', 4],
    ['an expected leak that shows in part is exit 4 where all was claimed', claims('all', 'broken'), 7, 'broken', 4],
    ['more than was claimed is exit 2', claims(3, 'broken'), 4, 'broken', 2],
  ] as const)('%s', (_, of, frames, verdict, exitCode) =>
    expect(leaking(of, frames)).toMatchObject({ verdict, asExpected: exitCode === 0, exitCode }),
  );
  it('a claim that failed stands in the result beside the leak that decides', () => {
    const unmet = (seen: Claim['seen'], frames: number) => leaking(claims(seen, 'holds'), frames).steps[0]?.unmet;
    expect(unmet('all', 7)).toEqual([{ claim: 'c sees all', probe: null, outcome: 'short' }]);
    expect(unmet(3, 4)).toEqual([{ claim: 'c sees 3', probe: null, outcome: 'beyond' }]);
    expect(unmet('all', 20)).toBeUndefined();
  });
  it('an accepted leak does not break, until its day has passed', () => {
    const accept = (until: string): Scenario =>
      scenario([
        step({ accept: [{ observer: 'c', class: 'known-unicast', reason: 'known', owner: 'x', ticket: null, until }] }),
      ]);
    expect(leaking(accept('2026-01-01'), 2)).toMatchObject({ verdict: 'holds', exitCode: 0 });
    expect(leaking(accept('2025-12-31'), 2)).toMatchObject({ verdict: 'broken', exitCode: 2 });
  });
  it('a claim that fits no row is no silent success', () => {
    const { asExpected, codes } = judgedOf(claiming({ from: 'lan' }, 'holds'));
    expect(asExpected).toBe(false);
    expect(codes).toContain('claim-unmatched');
  });
});
