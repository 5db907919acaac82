import { createTallies, type StepTally } from '../../../src/core/judge/count/tally.js';
import { stepFacts } from '../../../src/core/judge/proof/step-facts.js';
import type { RowInput } from '../../../src/core/judge/rows/probe-row.js';
import type { Flow, StepPlan } from '../../../src/core/model/plan.js';
import { there } from '../there.js';
import { perfectRun } from './perfect-run.js';
import { flow, host, plan, step } from './row-fixture.js';

export function input(fill: (tally: StepTally) => void, over: Partial<StepPlan> = {}): RowInput {
  const { steps, parties } = createTallies({ ...plan, steps: [{ ...step, ...over }] }, true);
  const tally = there(steps[0]);
  const facts = there(stepFacts(plan, perfectRun().timeline)[0]);
  fill(tally);
  return {
    plan,
    step: { ...step, ...over },
    facts,
    tally,
    states: { before: host(), after: host() },
    parties,
    day: '2026-01-15',
  };
}
export const sees =
  (name: string, frames: number, of: Flow = flow) =>
  (tally: StepTally): void => {
    for (let sequence = 0; sequence < frames; sequence += 1)
      tally.sightings.addToken(of, sequence, name, {
        frame: sequence + 5,
        high: Number(1_700_000_000_123_456_789n >> 32n),
        low: Number(1_700_000_000_123_456_789n & 0xffff_ffffn),
      });
  };
