import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';

const codes = (result: Result): readonly string[] =>
  result.steps.flatMap(({ reasons }) => reasons.map(({ code }) => code));

function probeFrame(evidence: Evidence, sequence: number): Uint8Array {
  const flow = evidence.plan.steps[0]?.flows.at(0);
  if (flow === undefined) throw new Error('the plan has no flow');
  return buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first + sequence, 1));
}

describe('expectations', () => {
  const claims = (seen: 'none' | 'some' | 'all' | number, expected: 'holds' | 'broken'): ReturnType<typeof scenario> =>
    scenario([
      step({
        expect: {
          expected,
          maySee: null,
          mustSee: null,
          observers: null,
          seen: [{ observer: 'c', from: null, to: null, carrier: null, seen }],
        },
      }),
    ]);
  const leaking = (of: ReturnType<typeof scenario>, frames: number): Result => {
    const evidence = perfectRun(of);
    for (let i = 0; i < frames; i += 1)
      addFrames(evidence, { observer: 'c', outgoing: true, bytes: probeFrame(evidence, i) });
    return judge(evidence);
  };

  it('an expected leak that shows is as expected', () =>
    expect(leaking(claims('all', 'broken'), 20)).toMatchObject({ verdict: 'broken', asExpected: true, exitCode: 0 }));
  it('an expected leak that does not show is exit 4', () =>
    expect(leaking(claims('all', 'broken'), 0)).toMatchObject({ verdict: 'holds', asExpected: false, exitCode: 4 }));
  it('an expected leak that shows in part is exit 4 where all was claimed', () =>
    expect(leaking(claims('all', 'broken'), 7)).toMatchObject({ verdict: 'broken', exitCode: 4 }));
  it('more than was claimed is exit 2', () =>
    expect(leaking(claims(3, 'broken'), 4)).toMatchObject({ verdict: 'broken', exitCode: 2 }));
  it('a claim that failed stands in the result beside the leak that decides', () => {
    const unmet = (seen: Parameters<typeof claims>[0], frames: number) =>
      leaking(claims(seen, 'holds'), frames).steps[0]?.unmet;
    expect(unmet('all', 7)).toEqual([{ claim: 'c sees all', probe: null, outcome: 'short' }]);
    expect(unmet(3, 4)).toEqual([{ claim: 'c sees 3', probe: null, outcome: 'beyond' }]);
    expect(unmet('all', 20)).toBeUndefined();
  });
  it('an accepted leak does not break, until its day has passed', () => {
    const accept = (until: string) =>
      scenario([
        step({ accept: [{ observer: 'c', class: 'known-unicast', reason: 'known', owner: 'x', ticket: null, until }] }),
      ]);
    expect(leaking(accept('2026-01-01'), 2)).toMatchObject({ verdict: 'holds', exitCode: 0 });
    expect(leaking(accept('2025-12-31'), 2)).toMatchObject({ verdict: 'broken', exitCode: 2 });
  });
  it('a claim that fits no row is no silent success', () => {
    const result = judge(
      perfectRun(
        scenario([
          step({
            expect: {
              expected: 'holds',
              maySee: null,
              mustSee: null,
              observers: null,
              seen: [{ observer: 'c', from: 'lan', to: null, carrier: null, seen: 'none' }],
            },
          }),
        ]),
      ),
    );
    expect(result.asExpected).toBe(false);
    expect(codes(result)).toContain('claim-unmatched');
  });
});
