import { copiesElsewhere } from '../../audit/copies-elsewhere.js';
import { unheardPorts } from '../../bridge/ovs.js';
import type { Plan, StepPlan } from '../../model/plan.js';
import type { Result } from '../../model/result.js';
import type { HostState, StepStates } from '../../model/state.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { StepFacts } from './step-facts.js';

interface Ports {
  readonly found: Set<string>;
  readonly observed: Set<string>;
  /** Why nobody listened, by port. */
  readonly unobserved: Map<string, string>;
}

/** Ports as the kernel listed them before a step's probes. */
function addPortsBefore(ports: Ports, plan: Plan, step: StepPlan, seen: ReadonlySet<string>, before: HostState): void {
  const bridges = bridgesOf(step);
  const routed = new Set(
    step.observers.filter((observer) => observer.routed === true).map((observer) => observer.interface),
  );
  const reasons = new Map((plan.unobservable ?? []).map(({ port, reason }) => [port, reason]));
  for (const { name, master } of before.links) {
    if (!bridges.has(master ?? '') && !routed.has(name)) continue;
    ports.found.add(name);
    if (seen.has(name)) ports.observed.add(name);
    else ports.unobserved.set(name, reasons.get(name) ?? `not observed in step ${step.index + 1}, ${step.name}`);
  }
  for (const { bridge, port, reason } of [...unheardPorts(before), ...copiesElsewhere(before)]) {
    if (!bridges.has(bridge) || seen.has(port)) continue;
    ports.found.add(port);
    ports.unobserved.set(port, reason);
  }
}

/** A guest that an event lets start may hear what nobody sees it hear. */
function addPortsMeanwhile(ports: Ports, step: StepPlan, states: StepStates | undefined): void {
  if (step.during.length === 0) return;
  const bridges = bridgesOf(step);
  for (const { name, master } of [...(states?.during ?? []), states?.after].flatMap((state) => state?.links ?? [])) {
    if (!bridges.has(master ?? '') || ports.found.has(name)) continue;
    ports.found.add(name);
    ports.unobserved.set(name, `joined ${master ?? ''} in the middle of step ${step.index + 1}, ${step.name}`);
  }
}

function bridgesOf({ observers }: StepPlan): ReadonlySet<string> {
  return new Set(observers.map(({ bridge }) => bridge));
}

/**
 * Which ports of the bridges under test were observed, over all steps that listened; ports as the kernel listed them
 * before the probes, and where something was to happen meanwhile, around that and after them.
 */
export function coverageOf(plan: Plan, facts: readonly StepFacts[], states: readonly StepStates[]): Result['coverage'] {
  const ports: Ports = { found: new Set(), observed: new Set(), unobserved: new Map() };
  for (const step of plan.steps) {
    const listening = facts[step.index]?.listening;
    const seen = new Set(
      step.observers.filter(({ name }) => listening?.has(name) === true).map((observer) => observer.interface),
    );
    const before = states[step.index]?.before ?? null;
    if (before !== null) addPortsBefore(ports, plan, step, seen, before);
    addPortsMeanwhile(ports, step, states[step.index]);
  }
  const listened = new Set(plan.steps.flatMap((step) => [...bridgesOf(step)]));
  for (const { bridge, port, reason } of plan.unobservable ?? []) {
    if (!listened.has(bridge)) continue;
    ports.found.add(port);
    ports.unobserved.set(port, reason);
  }
  const { found, observed, unobserved } = ports;
  return {
    complete: unobserved.size === 0 && found.size > 0,
    observed: [...observed].filter((port) => !unobserved.has(port)).length,
    ports: found.size,
    unobserved: [...unobserved].map(([port, text]) => ({ port, reason: text })),
  };
}

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
