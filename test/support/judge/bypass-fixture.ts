import { bypassReasons } from '../../../src/core/judge/proof/bypass.js';
import type { StepPlan } from '../../../src/core/model/plan.js';
import type { HostState } from '../../../src/core/model/state.js';

/** What a state that does not change in the step leaves to doubt, without endpoints. */
export function bypassesOf(state: HostState, step: StepPlan): ReturnType<typeof bypassReasons> {
  return bypassReasons({
    step,
    plan: { endpoints: [] },
    states: { before: state, after: state },
    day: '2026-11-27',
    isDecided: () => false,
  });
}
