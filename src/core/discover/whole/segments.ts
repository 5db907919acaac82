import { areChainsRead, forwardChains, routedGuests } from '../../bridge/beside.js';
import { isSettingOn, portVlans } from '../../bridge/view.js';
import { filtersInState } from '../../judge/rows/filters-in-state.js';
import type { Inventory } from '../../model/host-config.js';
import type { Beside, HostState, LinkState } from '../../model/state.js';
import type { FoundBehind, FoundEntry } from '../found-endpoints.js';
import { guestOfPort } from '../guests.js';
import { endpointName, type Neighbour } from '../host-topology.js';
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
): readonly Omit<Segment, 'asked' | 'behind'>[] {
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
    filtered: link.length + ip.bridged.length > 0,
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

/** Guests of a host that are on no bridge, to which it routes. */
export interface RoutedSegment {
  /** As a scenario calls it: no device has the name. */
  readonly name: string;
  /** `spoke`: the host has a MAC of the guest at its device now. */
  readonly entries: readonly FoundEntry[];
}

/** What is known of a host with guests that it routes to. */
export interface RoutedInput {
  readonly state: HostState;
  readonly beside: Beside;
  readonly neighbours: readonly Neighbour[];
  readonly inventory: Inventory;
}

/** Whether an address, with its prefix or without, is one of IPv6. */
export function isIpv6Address(address: string): boolean {
  return address.includes(':');
}

/**
 * The guests that the host routes to, with the MAC and the addresses at which it talks to them. Names go into `taken`.
 * Null = fewer than two of them can be spoken for, so that nothing can be asked.
 */
export function routedSegment(
  { state, beside, neighbours, inventory }: RoutedInput,
  taken: Set<string>,
): RoutedSegment | null {
  const devices = new Set([...state.links.map(({ name }) => name), ...taken]);
  const segment = endpointName('routes', devices);
  const names = new Set([...taken, segment]);
  const entries = routedGuests(state, beside).map(({ device }): FoundEntry => {
    const known = neighbours.filter((neighbour) => neighbour.device === device);
    const [first] = known;
    const addresses = known.filter(({ mac }) => mac === first?.mac).map(({ address }) => address);
    const guest = guestOfPort(inventory.guests, device, first === undefined ? [] : [first.mac]);
    const name = endpointName(guest?.name ?? device, names);
    names.add(name);
    return {
      name,
      guest,
      spoke: first !== undefined,
      endpoint: {
        bridge: segment,
        port: device,
        ...(first === undefined
          ? {}
          : { mac: first.mac, ip: addresses.map((address) => `${address}/${isIpv6Address(address) ? 128 : 32}`) }),
      },
    };
  });
  if (entries.filter(({ spoke }) => spoke).length < 2) return null;
  for (const name of names) taken.add(name);
  return { name: segment, entries };
}

/** What the host does between them, in a sentence for the head of the file. */
export function routedClaim({ name, entries }: RoutedSegment, state: HostState): string {
  const { forward } = forwardChains(state);
  const among = `${name}: ${entries.length} guests are on no bridge`;
  if (state.sysctl['net.ipv4.ip_forward'] !== '1')
    return `${among}, and the host forwards no IPv4: none is to reach another by it.`;
  if (!areChainsRead(state))
    return `${among}; the host forwards between them, and the chains of nft could not be read: whether they are to reach each other is not known. Write a policy.`;
  return forward.length === 0
    ? `${among}; the host forwards between them, and no chain of nft decides: that they reach each other is no fault here. Write a policy where it is one.`
    : `${among}; the host forwards between them as far as ${forward.map((chain) => `nft ${chain}`).join(', ')} lets it.`;
}
