import { portVlans } from './host.js';
import { isRoutedTo } from '../model/attach.js';
import type { Flow, FrameSpec, Observer, StepPlan } from '../model/plan.js';
import type { Finding } from '../model/result.js';
import type { Endpoint, Mac } from '../model/scenario.js';
import type { FdbState, HostState, LinkState } from '../model/state.js';
import { isOff, isOn } from './setting-value.js';
import { isGroupMacText } from '../wire/ethernet.js';

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
  /** All that the plan lists. */
  readonly endpoints: readonly Endpoint[];
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

/** True if the frame is for one station: then a table decides where it goes. */
export function isUnicast({ dstMac }: Pick<RowContext, 'dstMac'>): boolean {
  return dstMac !== null && !isGroupMacText(dstMac);
}

/**
 * The group that a frame is for, as `bridge mdb` names it: its IP group, else its group MAC; null for broadcast and
 * unicast.
 */
export function groupAddress({ dstIp, dstMac }: FrameSpec): string | null {
  if (dstMac === 'ff:ff:ff:ff:ff:ff' || !isGroupMacText(dstMac)) return null;
  return dstIp ?? dstMac;
}

/** The sender, where the host routes to it. */
export function routedSender({ from }: Pick<RowContext, 'from'>): Endpoint | null {
  return from !== null && isRoutedTo(from.attach) ? from : null;
}

/** Classes whose packets a guest without a bridge sends to the host, to be routed. */
const throughHost: readonly (string | null)[] = ['known-unicast', 'ip-spoof', 'mac-spoof'];

/** True if its frames are packets that the host is to route: for its own MAC, or from a guest that it routes to. */
export function isRouted(row: Pick<RowContext, 'finding' | 'from'>): boolean {
  const { finding } = row;
  if (finding.class === 'routed-bounce') return true;
  return routedSender(row) !== null && throughHost.includes(finding.class) && finding.carrier.startsWith('ip');
}

/** Classes whose frames are for a MAC that stays where the table has it. */
const toKnownMacs: readonly string[] = ['known-unicast', 'mac-spoof', 'ip-spoof'];

/**
 * True if the bridge's own table sent known unicast to another port than the observer's: then what carried it there is
 * a rule, a mirror or a relay, and no setting of the bridge. A hub goes by no table, a bridge that filters VLANs by the
 * entries of one.
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

/** True if floods of unicast come to the observer: not where flood is off, nor from one isolated port to another. */
export function takesFloods(row: Pick<RowContext, 'port' | 'fromPort'>): boolean {
  return row.port === null || !(isKeptApart(row) || isOff(row.port.port?.['flood']));
}

/**
 * True if the bridge itself had reason to hand the frames to the observer's port: as group frames, or as unicast that
 * its table sends there or knows no place for.
 */
export function isBridged(row: RowContext): boolean {
  const { entries, port } = row;
  if (!isUnicast(row)) return true;
  return (
    port !== null &&
    !isKeptApart(row) &&
    (entries.length === 0 || entries.some((entry) => entry.port === port.name)) &&
    isOn(port.port?.['flood'])
  );
}
