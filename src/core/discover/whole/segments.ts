import { isSettingOn, portVlans } from '../../bridge/view.js';
import { filtersInState } from '../../judge/rows/filters-in-state.js';
import type { HostState, LinkState } from '../../model/state.js';
import type { FoundBehind, FoundEntry } from '../found-endpoints.js';
import { endpointName } from '../host-topology.js';
import { type FoundVlan, vlanRange, vlansInState } from '../found-vlans.js';

/** Guests of one bridge that are meant to reach each other. */
export interface Segment {
  /** VLAN of their untagged frames; null = the bridge has none, or one for all. */
  readonly vid: number | null;
  readonly guests: readonly FoundEntry[];
  /** Those of them that send and are sent to; the others only listen. */
  readonly asked: readonly FoundEntry[];
  /** Others that may see what is sent in it: trunks that carry its VLAN with a tag. */
  readonly trunks: readonly FoundEntry[];
  /** Guests behind the bridge device, if it is in this VLAN. */
  readonly behind: readonly FoundBehind[];
  /** The bridge knows where the host's own MAC is in it. */
  readonly hasHost: boolean;
}

/** A bridge with its guests, and what its settings claim to keep apart. */
export interface FoundBridge {
  readonly name: string;
  readonly segments: readonly Segment[];
  readonly uplinks: readonly FoundEntry[];
  /** The host as a party on it, which has an address there; null = it is not one, or the bridge has several VLANs. */
  readonly host: FoundPartyHost | null;
  /** Most ports of guests are isolated: no guest is meant to reach another. */
  readonly isolated: boolean;
  /** Filters may act on its frames: what one guest sends another need not arrive. */
  readonly filtered: boolean;
  /** It learns nothing: every frame goes everywhere. */
  readonly hub: boolean;
  /** Frames that are flooded may leave the machine. */
  readonly floodsOut: boolean;
  /** What was concluded, in sentences. */
  readonly claims: readonly string[];
}

/** The host on a bridge. */
export interface FoundPartyHost {
  readonly name: string;
  /** Its addresses there, with their prefix. */
  readonly ips: readonly string[];
}

function isMost(part: number, whole: number): boolean {
  return whole > 1 && part * 2 > whole;
}

/** VLANs by `vid`, ranges included. */
function carries(vlans: readonly FoundVlan[], vid: number, untagged: boolean): boolean {
  return vlans.some((vlan) => {
    const [first, last] = vlanRange(vlan);
    return (vlan.untagged === true) === untagged && first <= vid && vid <= last;
  });
}

/**
 * Guests by the VLAN of their untagged frames. A port that is an untagged member of a second VLAN belongs to its own
 * all the same: that is what is asked about.
 */
function segmentsOf(
  guests: readonly FoundEntry[],
  vlansOf: (entry: FoundEntry) => readonly FoundVlan[],
): readonly Omit<Segment, 'asked' | 'behind' | 'hasHost'>[] {
  const byVid = new Map<number | null, FoundEntry[]>();
  for (const guest of guests) {
    const vid = vlansOf(guest).find(({ pvid }) => pvid === true)?.vid;
    const key = vid === undefined ? null : Number(vid);
    byVid.set(key, [...(byVid.get(key) ?? []), guest]);
  }
  if (byVid.size < 2) return [{ vid: null, guests, trunks: [] }];
  return [...byVid].map(([vid, members]) => ({
    vid,
    guests: members,
    trunks:
      vid === null
        ? guests.filter((guest) => !members.includes(guest))
        : guests.filter((guest) => !members.includes(guest) && carries(vlansOf(guest), vid, false)),
  }));
}

function flowsOf({ ovs }: HostState, bridge: string): number {
  return ovs?.bridges.find(({ name }) => name === bridge)?.flows.length ?? 0;
}

/**
 * Whether a bridge has the host's own MAC in a VLAN: one of the kernel where it is a member, Open vSwitch where the
 * host spoke in it (null = in none).
 */
function isHostKnown({ links, fdb, ovs }: HostState, bridge: string, vid: number | null): boolean {
  const device = links.find(({ name }) => name === bridge);
  const isSwitched = ovs?.bridges.some(({ name }) => name === bridge) === true;
  if (isSwitched && device?.flags.includes('UP') !== true) return false;
  if (vid === null) return true;
  return fdb.some(({ master, mac, vlan }) => master === bridge && mac === device?.mac && vlan === vid);
}

/** Who is on a bridge; `asked`: who of `entries` sends and is sent to. */
export interface OnBridge {
  readonly entries: readonly FoundEntry[];
  readonly asked: readonly FoundEntry[];
  readonly behind?: readonly FoundBehind[];
}

/** What the state of a host says of one of its bridges. Pure. */
export function foundBridge(
  state: HostState,
  name: string,
  { entries, asked, behind = [] }: OnBridge,
  host: FoundPartyHost | null,
): FoundBridge {
  const links = new Map(state.links.map((link) => [link.name, link]));
  const portOf = ({ endpoint }: FoundEntry): LinkState['port'] => links.get(endpoint.port)?.port ?? null;
  const guests = entries.filter(({ endpoint }) => endpoint.role === undefined);
  const uplinks = entries.filter(({ endpoint }) => endpoint.role === 'uplink');
  const settings = links.get(name)?.bridge ?? null;
  const isolated = guests.filter((guest) => isSettingOn(portOf(guest) ?? {}, 'isolated') === true).length;
  const segments = segmentsOf(
    guests,
    // Where the bridge ignores VLANs they are what is meant all the same
    ({ endpoint }) => endpoint.vlans ?? vlansInState(state, endpoint.port),
  ).map((segment) => ({
    ...segment,
    asked: segment.guests.filter((guest) => asked.includes(guest)),
    behind: segment.vid === null || segment.vid === portVlans(state.vlan, name)?.native ? behind : [],
    hasHost: isHostKnown(state, name, segment.vid),
  }));
  const { link, ip } = filtersInState(state);
  const isClaimed = isMost(isolated, guests.length);
  return {
    name,
    segments,
    uplinks,
    // Which of them are the host's is not known
    host: segments.length > 1 ? null : host,
    isolated: isClaimed,
    // One flow is the switch's own: NORMAL
    filtered: link.length + ip.bridged.length > 0 || flowsOf(state, name) > 1,
    hub: settings?.['ageing_time'] === 0,
    floodsOut: uplinks.some((uplink) => portOf(uplink)?.['flood'] !== false),
    claims: [
      ...(isClaimed
        ? [
            `${name}: ${isolated} of ${guests.length} ports of guests are isolated, so that no guest is to reach another.`,
          ]
        : []),
      ...(segments.length > 1
        ? [`${name}: its ports have ${segments.length} VLANs, so that no guest is to reach one of another VLAN.`]
        : []),
    ],
  };
}

/** What decides whether the host is asked as a party. */
interface HostOnInput {
  readonly state: HostState;
  /** By device, with their prefix. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly wishes: { readonly guests: readonly string[]; readonly zones: readonly string[] };
}

/**
 * The host as a party on a bridge of the kernel's, where it has an address and nothing narrower is asked; null = it is
 * none. Its name goes into `taken`.
 */
export function hostOn(
  bridge: string,
  { state, addresses, wishes }: HostOnInput,
  isAlone: boolean,
  taken: Set<string>,
): FoundPartyHost | null {
  const ips = addresses[bridge] ?? [];
  const isOfKernel = state.links.some(({ name, kind }) => name === bridge && kind === 'bridge');
  if (ips.length === 0 || !isOfKernel || wishes.guests.length + wishes.zones.length > 0) return null;
  const name = endpointName(isAlone ? 'host' : `host-${bridge}`, taken);
  taken.add(name);
  return { name, ips };
}
