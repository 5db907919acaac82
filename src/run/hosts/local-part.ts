import { hostOf } from '../../core/model/host-names.js';
import type { Plan } from '../../core/model/plan.js';

/** What of a plan is on the orchestrator's own host. */
export function localPart(plan: Plan): Plan {
  return {
    ...plan,
    bridges: plan.bridges.filter(({ name }) => hostOf(name) === null),
    endpoints: plan.endpoints.filter(({ bridge }) => hostOf(bridge) === null),
  };
}
