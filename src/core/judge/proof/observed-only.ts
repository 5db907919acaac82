import type { Plan, StepPlan } from '../../model/plan.js';
import type { Reason, Result } from '../../model/result.js';
import { reason } from '../reasons.js';

/** The guests that were only observed, and of how many: of these and of those that sent or were sent to. */
export function observedOnly({ endpoints, steps }: Plan): Pick<Result, 'observedOnly'> {
  const names = endpoints.filter((endpoint) => endpoint.observedOnly !== undefined).map(({ name }) => name);
  if (names.length === 0) return {};
  const guests = new Set(endpoints.filter(({ role }) => role === 'guest').map(({ name }) => name));
  const examined = new Set(names);
  for (const { flows } of steps)
    flows.forEach(({ from, to }) => {
      for (const name of [from, to]) if (name !== null && guests.has(name)) examined.add(name);
    });
  return { observedOnly: { guests: names, of: examined.size } };
}

/** Why a step is not proven where no guest may be left out (`run --strict`). */
export function observedOnlyReasons({ endpoints }: Plan, { observers }: StepPlan): readonly Reason[] {
  return endpoints
    .filter(({ name, observedOnly: how }) => how === 'missing' && observers.some((observer) => observer.name === name))
    .map(({ name }) =>
      reason('observed-only', name, 'its bridge does not know its MAC: nothing was sent to it or in its name'),
    );
}
