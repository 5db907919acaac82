import { isRoutedTo } from '../../model/attach.js';
import type { Mac } from '../../model/mac.js';
import type { Flow, Flows, FrameSpec, Observer, Plan, StepPlan } from '../../model/plan.js';
import type { Finding } from '../../model/result.js';
import type { Endpoint, SettingValue } from '../../model/scenario.js';
import type { FdbState, HostState, LinkState, StepStates } from '../../model/state.js';
import { ofSender } from '../../plan/flows/shortcuts.js';

/**
 * A row with what the plan says of its frames and the kernel said around them: all that explains why they got there, or
 * did not.
 */
export interface RowContext {
  readonly finding: Finding;
  readonly step: StepPlan;
  /** Null for traffic. */
  readonly flow: Flow | null;
  readonly dstMac: Mac | null;
  readonly from: Endpoint | null;
  readonly to: Endpoint | null;
  readonly observer: Observer | null;
  /** The observer as the author wrote it; null for a bridge or a port that is not listed. */
  readonly listener: Endpoint | null;
  /** The observer's bridge; where the host routes, the observer's port, under the name of the segment. */
  readonly bridge: LinkState;
  /** The observer's port; null for a bridge or what is behind one. */
  readonly port: LinkState | null;
  /** The port on which the frames came in; null where it is none. */
  readonly fromPort: LinkState | null;
  /** Entries of the bridge's table for the destination, before the probes. */
  readonly entries: readonly FdbState[];
  readonly before: HostState;
  readonly after: HostState;
}

function isRowOf(flow: Flow, finding: Finding): boolean {
  return (
    flow.to === finding.to &&
    flow.probe === finding.probe &&
    flow.class === finding.class &&
    flow.carrier === finding.carrier &&
    flow.variant === finding.variant &&
    (flow.vlan === finding.vlan || flow.vlan.join() === finding.vlan.join())
  );
}

/**
 * Finds the first flow of a step that a row is of; null = of none. Rows come in the plan's order and only the first are
 * explained, so that of the million flows of a mesh only as many are looked at as are asked for: who they are from is
 * kept by positions, and for the sender that was asked for last the flows themselves.
 */
function flowFinder(flows: Flows): (finding: Finding) => Flow | null {
  const positions = new Map<string, number[]>();
  const flowsOf = ofSender((sender) => (positions.get(sender) ?? []).flatMap((at) => flows.at(at) ?? []));
  let looked = 0;
  return (finding) => {
    const own = flowsOf(finding.from);
    for (const flow of own) if (isRowOf(flow, finding)) return flow;
    while (looked < flows.length) {
      const flow = flows.at(looked);
      looked += 1;
      if (flow === undefined) continue;
      const known = positions.get(flow.from);
      if (known === undefined) positions.set(flow.from, [looked - 1]);
      else known.push(looked - 1);
      if (flow.from !== finding.from) continue;
      own.push(flow);
      if (isRowOf(flow, finding)) return flow;
    }
    return null;
  };
}

function byMac(entries: readonly FdbState[]): ReadonlyMap<Mac | null, readonly FdbState[]> {
  const ofMac = new Map<Mac | null, FdbState[]>();
  for (const entry of entries) {
    const known = ofMac.get(entry.mac);
    if (known === undefined) ofMac.set(entry.mac, [entry]);
    else known.push(entry);
  }
  return ofMac;
}

/**
 * Gathers the context of a step's rows; null where the state around the step was not read, or a row's bridge is not in
 * it.
 */
export function rowContexts(
  plan: Plan,
  step: StepPlan,
  { before, after }: StepStates,
): (finding: Finding) => RowContext | null {
  if (before === null || after === null) return () => null;
  const endpoints = new Map(plan.endpoints.map((endpoint) => [endpoint.name, endpoint]));
  const endpointOf = (name: string | null): Endpoint | null => endpoints.get(name ?? '') ?? null;
  const observers = new Map(step.observers.map((observer) => [observer.name, observer]));
  const links = new Map(before.links.map((link) => [link.name, link]));
  const portOf = (name: string | null | undefined): LinkState | null => {
    const link = links.get(name ?? '');
    return link === undefined || link.port === null ? null : link;
  };
  const bridgeOf = (observer: Observer | null, name: string): LinkState | undefined => {
    const link = links.get(observer?.routed === true ? observer.interface : (observer?.bridge ?? name));
    return link !== undefined && observer?.routed === true ? { ...link, name: observer.bridge } : link;
  };
  const flowOf = flowFinder(step.flows);
  const table = byMac(before.fdb);
  return (finding) => {
    const to = endpointOf(finding.to);
    const observer = observers.get(finding.observer) ?? null;
    const bridge = bridgeOf(observer, finding.observer);
    if (bridge === undefined) return null;
    const flow = flowOf(finding);
    const dstMac = flow?.frame.dstMac ?? to?.macs[0] ?? null;
    const entries = (table.get(dstMac) ?? []).filter(({ master, port }) => [master, port].includes(bridge.name));
    const from = endpointOf(flow?.sender ?? finding.from);
    return {
      finding,
      step,
      flow,
      dstMac,
      from,
      to,
      observer,
      listener: endpointOf(finding.observer),
      bridge,
      port: portOf(observer?.interface),
      fromPort: portOf(from?.port),
      entries,
      before,
      after,
    };
  };
}

/** Whether the frame is for one station: then a table decides where it goes. */
export function isUnicast({ dstMac }: Pick<RowContext, 'dstMac'>): boolean {
  return dstMac !== null && (Number.parseInt(dstMac.slice(0, 2), 16) & 1) === 0;
}

/** A switch as ports (true) and bridges (1) print it. */
export function isSwitchedOn(value: SettingValue | undefined): boolean {
  return value === true || value === 1;
}

/** Known to be off: what this kernel does not report is neither on nor off. */
export function isSwitchedOff(value: SettingValue | undefined): boolean {
  return value === false || value === 0;
}

/**
 * The group that a frame is for, as `bridge mdb` names it: its IP group, else its group MAC; null for broadcast and
 * unicast.
 */
export function groupAddress({ dstIp, dstMac }: FrameSpec): string | null {
  if (dstMac === 'ff:ff:ff:ff:ff:ff' || (Number.parseInt(dstMac.slice(0, 2), 16) & 1) === 0) return null;
  return dstIp ?? dstMac;
}

/** The sender, where the host routes to it. */
export function routedSender({ from }: Pick<RowContext, 'from'>): Endpoint | null {
  return from !== null && isRoutedTo(from.attach) ? from : null;
}

/** Classes whose packets a guest without a bridge sends to the host, to be routed. */
const throughHost: readonly (string | null)[] = ['known-unicast', 'ip-spoof', 'mac-spoof'];

/** Whether its frames are packets that the host is to route: for its own MAC, or from a guest that it routes to. */
export function isRouted(row: Pick<RowContext, 'finding' | 'from'>): boolean {
  const { finding } = row;
  if (finding.class === 'routed-bounce') return true;
  return routedSender(row) !== null && throughHost.includes(finding.class) && finding.carrier.startsWith('ip');
}
