import type { Flow, StepPlan } from '../../model/plan.js';
import type { Endpoint } from '../../model/scenario.js';
import type { StepStates } from '../../model/state.js';

/** Share of traffic that intended observers must get. */
export const deliveryShare = 0.99;

/** Input on a step's deliveries. */
export interface DeliveryInput {
  readonly step: StepPlan;
  readonly states: StepStates;
  readonly endpoints: readonly Endpoint[];
}

/** All probes but the kernel's drops on the way: one missing of two hundred may be stolen. */
export type LeastDelivered = (flow: Flow, addressee: string, sent: number) => number;

/** The rule for a step. */
export function leastDelivered({ step, states, endpoints }: DeliveryInput): LeastDelivered {
  const [before, after] = [states.before?.drops ?? null, states.after?.drops ?? null];
  if (before === null || after === null) return (_, __, sent) => sent;
  const backlog = Math.max(0, after.backlog - before.backlog);
  const hasDropped = Object.entries(after.devices).some(([port, drops]) => drops > (before.devices[port] ?? 0));
  // Mostly nothing was dropped, and a mesh asks a million times.
  if (backlog === 0 && !hasDropped) return (_, __, sent) => Math.max(1, sent);
  const ports = new Map<string, string>([
    ...endpoints.flatMap(({ name, port }): [string, string][] => (port === null ? [] : [[name, port]])),
    ...step.observers.map((observer): [string, string] => [observer.name, observer.interface]),
  ]);
  const dropsAt = (name: string): number => {
    const port = ports.get(name) ?? '';
    return Math.max(0, (after.devices[port] ?? 0) - (before.devices[port] ?? 0));
  };
  const known = new Map<string, number>();
  const dropsOf = (name: string): number => {
    const drops = known.get(name) ?? dropsAt(name);
    known.set(name, drops);
    return drops;
  };
  return ({ sender }, addressee, sent) => Math.max(1, sent - backlog - dropsOf(sender) - dropsOf(addressee));
}
