import type { Mac } from '../model/scenario.js';
import { isOnDevice } from '../model/attach.js';
import type { Plan } from '../model/plan.js';

/**
 * Source MACs of probes that nobody on the bridges has, where an uplink or a lower device could carry them out: the
 * switch there would learn them. Uplinks speak as who lives beyond them.
 */
export function describeNewMacs(plan: Plan): readonly string[] {
  const uplinks = new Set(plan.endpoints.filter(({ role }) => role === 'uplink').map(({ name }) => name));
  const known = new Set([...plan.endpoints.flatMap(({ macs }) => macs), ...Object.values(plan.bridgeMacs)]);
  const above = new Set(plan.endpoints.filter(({ below }) => isOnDevice(below)).map(({ name }) => name));
  if (uplinks.size + above.size === 0) return [];
  const lines = plan.steps.flatMap((step) =>
    step.flows
      .filter(
        ({ sender, frame }) =>
          !uplinks.has(sender) &&
          (uplinks.size > 0 || above.has(sender)) &&
          (!known.has(frame.srcMac) || frame.form === 'source-sweep'),
      )
      .map(({ class: name, sender }) => `step ${step.index + 1}: ${name} by ${sender}`),
  );
  return [...new Set(lines)];
}

const indexOf = (mac: Mac): number => Number.parseInt(mac.slice(6).replaceAll(':', ''), 16);

/**
 * For each port on which the plan sends with MACs that nobody has: whether a MAC is one of these. A sweep of sources
 * has one for each token (probe/frames/forms/source-sweep.ts).
 */
export function inventedMacs(plan: Plan): ReadonlyMap<string, (mac: Mac) => boolean> {
  const known = new Set([...plan.endpoints.flatMap(({ macs }) => macs), ...Object.values(plan.bridgeMacs)]);
  const sweepStart = `06:${(plan.runTag & 0xff).toString(16).padStart(2, '0')}:`;
  const byPort = new Map<
    string,
    { readonly macs: Set<Mac>; readonly sweeps: { readonly first: number; readonly end: number }[] }
  >();
  for (const flow of plan.steps.flatMap((step) => [...step.flows])) {
    const port = plan.endpoints.find(({ name }) => name === flow.sender)?.port ?? null;
    const swept = flow.frame.form === 'source-sweep';
    if (port === null || (known.has(flow.frame.srcMac) && !swept)) continue;
    const sources = byPort.get(port) ?? { macs: new Set<Mac>(), sweeps: [] };
    if (swept) sources.sweeps.push({ first: flow.first, end: flow.first + flow.count });
    else sources.macs.add(flow.frame.srcMac);
    byPort.set(port, sources);
  }
  return new Map(
    [...byPort].map(([port, { macs, sweeps }]) => [
      port,
      (mac) =>
        macs.has(mac) ||
        (mac.startsWith(sweepStart) && sweeps.some(({ first, end }) => first <= indexOf(mac) && indexOf(mac) < end)),
    ]),
  );
}
