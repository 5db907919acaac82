import { bypassReasons } from '../../../src/core/judge/proof/bypass.js';
import type { Plan, StepPlan } from '../../../src/core/model/plan.js';
import type { HostState } from '../../../src/core/model/state.js';

/** What a state that does not change in the step leaves to doubt, without endpoints. */
export function bypassesOf(
  state: HostState,
  step: StepPlan,
  provider: Plan['provider'] = 'host',
): ReturnType<typeof bypassReasons> {
  return bypassReasons({
    step,
    plan: { endpoints: [], provider },
    states: { before: state, after: state },
    day: '2026-11-27',
    isDecided: () => false,
  });
}
