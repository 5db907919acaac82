import type { OutwardPort } from '../bridge/beside.js';
import type { Endpoint, Mac } from '../model/scenario.js';
import { isOnDevice, placeOf } from '../model/attach.js';
import { sameSegment } from '../model/host-names.js';
import type { Flow, Plan } from '../model/plan.js';
import { VerifyError } from '../model/verify-error.js';
import { mapByName } from '../text/collections.js';
import { isGroupMacText } from '../wire/ethernet.js';

interface Ways {
  readonly outward?: readonly OutwardPort[];
  readonly pinned?: readonly string[];
}

/**
 * Probes' source MACs without endpoint that the sender's uplink or a lower device could carry to a switch, which would
 * learn them. Uplinks send as MACs beyond them.
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

/** null = the frame cannot leave this host. */
function wayOut({ endpoints, hosts, steps }: Plan, { outward = [], pinned = [] }: Ways): (flow: Flow) => string | null {
  const byName = mapByName(endpoints);
  const portsOut = [...outward, ...endpoints.filter(({ role }) => role === 'uplink')];
  const isGuest = ({ role, attach, port }: Endpoint): boolean =>
    role === 'guest' && placeOf(attach) === 'port' && !portsOut.some((out) => out.port === port);
  const isChanged = steps.some(({ changes, during }) => changes.length > 0 || during.length > 0);
  return ({ sender, frame: { dstMac } }) => {
    const from = byName.get(sender);
    if (hosts !== undefined || from === undefined || !isGuest(from)) return `${sender} is no guest on a port here`;
    const { bridge } = from;
    const to = endpoints.find((guest) => guest.bridge === bridge && guest.macs.includes(dstMac) && isGuest(guest));
    if (to === undefined && !isGroupMacText(dstMac)) return `no guest of ${bridge} has that MAC`;
    const out = portsOut.find((port) => port.bridge === bridge);
    if (out === undefined || (to?.macs[0] === dstMac && pinned.includes(to.name) && !isChanged)) return null;
    return `${out.port ?? bridge} of ${bridge} may lead out of this host, and no static entry keeps the frame from there`;
  };
}

/**
 * Throws VerifyError (69) for scenario-written frames that may leave this host. They go between guests of one bridge,
 * if a port may lead out only to one with a static entry: others age, and frames flood.
 */
export function refuseFramesOut(plan: Plan, ways: Ways): void {
  const reasonOf = wayOut(plan, ways);
  const lines = plan.steps.flatMap(({ index, flows }) =>
    flows
      .filter((flow) => flow.class === 'frame')
      .flatMap((flow) => {
        const reason = reasonOf(flow);
        return reason === null
          ? []
          : [`step ${index + 1}: a frame by ${flow.sender} to ${flow.frame.dstMac} may leave: ${reason}`];
      }),
  );
  if (lines.length > 0)
    throw new VerifyError(
      'frames-not-allowed',
      69,
      [...new Set(lines)].join('\n'),
      'send it in the lab, or to a guest with `bridge fdb add MAC dev PORT master static`; nothing was sent',
    );
}

const indexOf = (mac: Mac): number => Number.parseInt(mac.slice(6).replaceAll(':', ''), 16);

/**
 * By port sending with unused MACs, a test for these. Source sweeps have one a token
 * (probe/frames/forms/source-sweep.ts).
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
