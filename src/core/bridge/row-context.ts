import { segmentOf } from './bypass/segment.js';
import { portsOf, portVlans } from './host.js';
import { isRoutedTo } from '../model/attach.js';
import { hostOf } from '../model/host-names.js';
import type { Flow, FrameSpec, Observer, StepPlan } from '../model/plan.js';
import type { Finding } from '../model/result.js';
import type { Endpoint, Mac } from '../model/scenario.js';
import type { FdbState, HostState, LinkState } from '../model/state.js';
import { isOff, isOn } from './setting-value.js';
import { isOutward } from './view.js';
import { once } from '../text/collections.js';
import { isGroupMacText } from '../wire/ethernet.js';

/** A row with flow and kernel state, to explain why frames arrived. */
export interface RowContext {
  readonly finding: Finding;
  readonly step: StepPlan;
  /** Null for traffic. */
  readonly flow: Flow | null;
  readonly dstMac: Mac | null;
  readonly from: Endpoint | null;
  readonly to: Endpoint | null;
  readonly observer: Observer | null;
  /** Null for a bridge or an unlisted port. */
  readonly listener: Endpoint | null;
  readonly endpoints: readonly Endpoint[];
  /** With routing, the observer's port under the segment's name. */
  readonly bridge: LinkState;
  /** Null for a bridge or an endpoint behind one. */
  readonly port: LinkState | null;
  /** Port of entry; null = none. */
  readonly fromPort: LinkState | null;
  /** For the destination, before the probes. */
  readonly entries: readonly FdbState[];
  readonly before: HostState;
  readonly after: HostState;
}

/** True if the frame is for one station. */
export function isUnicast({ dstMac }: Pick<RowContext, 'dstMac'>): boolean {
  return dstMac !== null && !isGroupMacText(dstMac);
}

/** The group of a frame, as `bridge mdb` names it: its IP group, else its group MAC; null for broadcast and unicast. */
export function groupAddress({ dstIp, dstMac }: FrameSpec): string | null {
  if (dstMac === 'ff:ff:ff:ff:ff:ff' || !isGroupMacText(dstMac)) return null;
  return dstIp ?? dstMac;
}

export function routedSender({ from }: Pick<RowContext, 'from'>): Endpoint | null {
  return from !== null && isRoutedTo(from.attach) ? from : null;
}

const throughHost: readonly (string | null)[] = ['known-unicast', 'ip-spoof', 'mac-spoof'];

/** True if the host routes: for its own MAC, or from a routed guest. */
export function isRouted(row: Pick<RowContext, 'finding' | 'from'>): boolean {
  const { finding } = row;
  if (finding.class === 'routed-bounce') return true;
  return routedSender(row) !== null && throughHost.includes(finding.class) && finding.carrier.startsWith('ip');
}

const toKnownMacs: readonly string[] = ['known-unicast', 'mac-spoof', 'ip-spoof'];

/**
 * True if the table sent known unicast to another port, so that a rule, mirror or relay carried it. A hub has no table,
 * a VLAN-filtering bridge one for each VLAN.
 */
export function isSteeredAway({ finding, bridge, port, fromPort, entries, before }: RowContext): boolean {
  if (!toKnownMacs.includes(finding.class) || port === null || bridge.bridge?.['ageing_time'] === 0) return false;
  const vlan = isOn(bridge.bridge?.['vlan_filtering'])
    ? (finding.vlan[0] ?? portVlans(before, fromPort?.name ?? '')?.native ?? null)
    : null;
  const deciding = entries.filter((entry) => vlan === null || entry.vlan === null || entry.vlan === vlan);
  return deciding.length > 0 && !deciding.some((entry) => entry.port === port.name);
}

function isKeptApart({ port, fromPort }: Pick<RowContext, 'port' | 'fromPort'>): boolean {
  return isOn(fromPort?.port?.['isolated']) && isOn(port?.port?.['isolated']);
}

/** Needed for each of thousands of leaks. A state never changes. */
const segmentsOfState = once((_: HostState) => new Map<string, ReadonlySet<string>>());

function isOneNetwork(first: string, second: string, state: HostState): boolean {
  if (first === second || hostOf(first) !== hostOf(second)) return true;
  const known = segmentsOfState(state);
  const segment = known.get(first) ?? segmentOf(new Set([first]), state);
  known.set(first, segment);
  // Beyond two uplinks may be one network
  return segment.has(second) || [first, second].every((name) => portsOf(state, name).some(isOutward));
}

/** True if bridges may forward from the sender to the observer: one network, and not both ports are isolated. */
export function mayForward(row: RowContext): boolean {
  const { from, fromPort, bridge, before } = row;
  return !isKeptApart(row) && isOneNetwork(fromPort?.master ?? from?.bridge ?? bridge.name, bridge.name, before);
}

/** True if the bridge may flood to the observer, and that is not the addressee, who gets the frame anyway. */
export function takesFloods(row: RowContext): boolean {
  const { finding, port } = row;
  return (port === null || !isOff(port.port?.['flood'])) && finding.observer !== finding.to && mayForward(row);
}

/** The flag of a port that takes group frames. */
export function groupFlag(dstMac: Mac | null): 'bcast_flood' | 'mcast_flood' {
  return dstMac === 'ff:ff:ff:ff:ff:ff' ? 'bcast_flood' : 'mcast_flood';
}

/** True if the bridge had reason to forward: group frames, or unicast known there or unknown. */
export function isBridged(row: RowContext): boolean {
  const { entries, port, dstMac } = row;
  if (port === null) return !isUnicast(row);
  const isTaken = isUnicast(row)
    ? (entries.length === 0 || entries.some((entry) => entry.port === port.name)) && isOn(port.port?.['flood'])
    : !isOff(port.port?.[groupFlag(dstMac)]);
  return isTaken && mayForward(row);
}
