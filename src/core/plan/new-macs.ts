import type { Mac } from '../model/scenario.js';
import { isOnDevice } from '../model/attach.js';
import { sameSegment } from '../model/host-names.js';
import type { Plan } from '../model/plan.js';

/**
 * Source MACs of probes that no endpoint has, if an uplink of the sender's segment or a lower device could carry them
 * out: the switch there would learn them. Uplinks send with the MACs that live beyond them.
 */
export function describeNewMacs({ endpoints, bridgeMacs, steps }: Plan): readonly string[] {
  const known = new Set([...endpoints.flatMap(({ macs }) => macs), ...Object.values(bridgeMacs)]);
  const uplinks = endpoints.filter(({ role }) => role === 'uplink');
  const senders = new Set(
    endpoints
      .filter(
        (endpoint) =>
          endpoint.role !== 'uplink' &&
          (isOnDevice(endpoint.below) || uplinks.some((uplink) => sameSegment(uplink, endpoint))),
      )
      .map(({ name }) => name),
  );
  const lines = steps.flatMap((step) =>
    step.flows
      .filter(({ sender, frame }) => senders.has(sender) && (!known.has(frame.srcMac) || frame.form === 'source-sweep'))
      .map(({ class: name, sender }) => `step ${step.index + 1}: ${name} by ${sender}`),
  );
  return [...new Set(lines)];
}

/**
 * Frames that a scenario writes itself and that an uplink or a lower device sends, or could carry out: those that are
 * not for the MAC of a guest on a bridge.
 */
export function describeFramesOut({ endpoints, steps }: Plan): readonly string[] {
  const byName = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  const uplinks = endpoints.filter(({ role }) => role === 'uplink');
  const guests = new Set(endpoints.filter(({ role }) => role !== 'uplink').flatMap(({ macs }) => macs));
  const mayLeave = (sender: string, dstMac: Mac): boolean => {
    const from = byName.get(sender);
    if (from === undefined || from.role === 'uplink' || isOnDevice(from.below)) return true;
    return !guests.has(dstMac) && uplinks.some((uplink) => sameSegment(uplink, from));
  };
  const lines = steps.flatMap(({ index, flows }) =>
    flows
      .filter(({ class: name, sender, frame }) => name === 'frame' && mayLeave(sender, frame.dstMac))
      .map(({ sender, frame }) => `step ${index + 1}: a frame by ${sender} to ${frame.dstMac}`),
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
