import { copiesElsewhere } from '../../audit/copies-elsewhere.js';
import { unheardPorts } from '../../bridge/ovs.js';
import type { Plan } from '../../model/plan.js';
import type { Result } from '../../model/result.js';
import type { StepStates } from '../../model/state.js';
import type { StepFacts } from './step-facts.js';

/**
 * Which ports of the bridges under test were observed, over all steps that listened; ports as the kernel listed them
 * before the probes, and where something was to happen meanwhile, around that and after them.
 */
export function coverageOf(plan: Plan, facts: readonly StepFacts[], states: readonly StepStates[]): Result['coverage'] {
  const ports = new Set<string>();
  const observed = new Set<string>();
  const unobserved = new Map<string, string>();
  const reasons = new Map((plan.unobservable ?? []).map(({ port, reason }) => [port, reason]));
  for (const step of plan.steps) {
    const bridges = new Set(step.observers.map((observer) => observer.bridge));
    const seen = new Set(
      step.observers
        .filter((observer) => facts[step.index]?.listening.has(observer.name))
        .map((observer) => observer.interface),
    );
    const before = states[step.index]?.before ?? null;
    for (const link of before?.links ?? []) {
      if (!bridges.has(link.master ?? '')) continue;
      ports.add(link.name);
      if (seen.has(link.name)) observed.add(link.name);
      else unobserved.set(link.name, reasons.get(link.name) ?? `not observed in step ${step.index + 1}, ${step.name}`);
    }
    for (const { bridge, port, reason } of before === null
      ? []
      : [...unheardPorts(before), ...copiesElsewhere(before)]) {
      if (!bridges.has(bridge) || seen.has(port)) continue;
      ports.add(port);
      unobserved.set(port, reason);
    }
    // A guest that an event lets start may hear what nobody sees it hear
    const meanwhile = [...(states[step.index]?.during ?? []), states[step.index]?.after ?? null];
    for (const link of step.during.length === 0 ? [] : meanwhile.flatMap((state) => state?.links ?? [])) {
      if (!bridges.has(link.master ?? '') || ports.has(link.name)) continue;
      ports.add(link.name);
      unobserved.set(link.name, `joined ${link.master ?? ''} in the middle of step ${step.index + 1}, ${step.name}`);
    }
  }
  const listened = new Set(plan.steps.flatMap(({ observers }) => observers.map(({ bridge }) => bridge)));
  for (const { bridge, port, reason } of plan.unobservable ?? []) {
    if (!listened.has(bridge)) continue;
    ports.add(port);
    unobserved.set(port, reason);
  }
  return {
    complete: unobserved.size === 0 && ports.size > 0,
    observed: [...observed].filter((port) => !unobserved.has(port)).length,
    ports: ports.size,
    unobserved: [...unobserved].map(([port, text]) => ({ port, reason: text })),
  };
}
