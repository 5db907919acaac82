import { entriesOf, linkNamed, portVlans } from '../../bridge/host.js';
import { dropsWithin } from '../../bridge/bypass/forward-rules.js';
import { entriesBehind, isSettingOn } from '../../bridge/view.js';
import { filtersInState } from '../../judge/rows/filters-in-state.js';
import type { IsolatedPort } from '../../model/host-config.js';
import type { Carrier } from '../../model/scenario.js';
import type { HostState, LinkState } from '../../model/state.js';
import type { FoundBehind, FoundEntry } from '../found-endpoints.js';
import { endpointName } from '../host-topology.js';
import { type FoundVlan, vlanRange, vlansInState } from '../found-vlans.js';
import { addTo } from '../../text/collections.js';

/** Guests of a bridge that are meant to reach each other. */
export interface Segment {
  /** Of untagged frames; null = no VLAN, or one for all. */
  readonly vid: number | null;
  readonly guests: readonly FoundEntry[];
  /** Those that send and are sent to; others only listen. */
  readonly tested: readonly FoundEntry[];
  /** Trunks that carry its VLAN tagged, and may see its frames. */
  readonly trunks: readonly FoundEntry[];
  /** Guests behind the bridge device, if it is in this VLAN. */
  readonly behind: readonly FoundBehind[];
  /** The bridge knows the host's MAC in it. */
  readonly hasHost: boolean;
}

/** A bridge with its guests, and barriers by its settings. */
export interface FoundBridge {
  readonly name: string;
  readonly segments: readonly Segment[];
  /** Ports that serve guests, and are not compared. */
  readonly serving: readonly FoundEntry[];
  readonly uplinks: readonly FoundEntry[];
  /** The host with an address there; null = none, or several VLANs. */
  readonly host: FoundPartyHost | null;
  /** Most guests' ports are isolated, or a manager says so: none is meant to reach another. */
  readonly isolated: boolean;
  /** Guests with isolated ports by their manager. */
  readonly promised: readonly FoundEntry[];
  /** By these a rule of the IP firewall lets no guest reach another. */
  readonly dropped: readonly Carrier[];
  /** By filters, some isolated ports or permanent entries: unicast need not arrive. */
  readonly filtered: boolean;
  /** It learns nothing: every frame goes everywhere. */
  readonly hub: boolean;
  readonly floodsOut: boolean;
  readonly claims: readonly string[];
}

export interface FoundPartyHost {
  readonly name: string;
  readonly ips: readonly string[];
}

/** Neutron's namespaces (NS_PREFIX in neutron/agent): DHCP, routers, metadata. */
const servingNames = /^(qdhcp|qrouter|snat|fip|ovnmeta)-/;

/**
 * Ports of DHCP, routers and the like: by name of their namespace, or if most others are guests of a manager, whose
 * filters are at these. They are meant to reach all, and are not compared.
 */
function servingAmong(guests: readonly FoundEntry[]): readonly FoundEntry[] {
  const managed = guests.filter(({ guest }) => guest !== null && guest.manager !== 'namespace');
  return guests.filter(
    ({ guest }) =>
      guest?.manager === 'namespace' && (servingNames.test(guest.name) || isMost(managed.length, guests.length)),
  );
}

function isMost(part: number, total: number): boolean {
  return total > 1 && part * 2 > total;
}

function carries(vlans: readonly FoundVlan[], vid: number, untagged: boolean): boolean {
  return vlans.some((vlan) => {
    const [first, last] = vlanRange(vlan);
    return (vlan.untagged === true) === untagged && first <= vid && vid <= last;
  });
}

/** By the VLAN of untagged frames, also of a port that is an untagged member of another. */
function segmentsOf(
  guests: readonly FoundEntry[],
  vlansOf: (entry: FoundEntry) => readonly FoundVlan[],
): readonly Omit<Segment, 'tested' | 'behind' | 'hasHost'>[] {
  const byVid = new Map<number | null, FoundEntry[]>();
  for (const guest of guests) {
    const vid = vlansOf(guest).find(({ pvid }) => pvid === true)?.vid;
    addTo(byVid, vid === undefined ? null : Number(vid), guest);
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

/** Kernel: the bridge is a member of the VLAN; Open vSwitch: the host spoke in it (null = in none). */
function isHostKnown(state: HostState, bridge: string, vid: number | null): boolean {
  const device = linkNamed(state, bridge);
  const isSwitched = state.ovs?.bridges.some(({ name }) => name === bridge) === true;
  if (isSwitched && device?.flags.includes('UP') !== true) return false;
  if (vid === null) return true;
  return entriesOf(state, device?.mac ?? null).some(({ master, vlan }) => master === bridge && vlan === vid);
}

/** Endpoints of a bridge, and ports' configuration; `tested`: those of `entries` that send and are sent to. */
export interface OnBridge {
  readonly entries: readonly FoundEntry[];
  readonly tested: readonly FoundEntry[];
  readonly behind?: readonly FoundBehind[];
  readonly declared: readonly IsolatedPort[];
}

/** Compared guests, and ports that serve them. */
export function apartFrom(
  { serving }: Pick<FoundBridge, 'serving'>,
  guests: readonly FoundEntry[],
): readonly [compared: readonly FoundEntry[], serving: readonly FoundEntry[]] {
  return [guests.filter((entry) => !serving.includes(entry)), guests.filter((entry) => serving.includes(entry))];
}

/** By libvirt or Proxmox VE. */
function isPromised({ endpoint: { port, mac } }: FoundEntry, declared: readonly IsolatedPort[]): boolean {
  return declared.some(({ device, mac: isolated }) => device === port || (isolated !== null && isolated === mac));
}

/** A rule takes no raw frames. */
function droppedWithin(state: HostState, bridge: string): readonly Carrier[] {
  const families = dropsWithin(state, bridge).map(({ family }) => family);
  const carriers = [
    ['ip', 'ipv4-udp'],
    ['ip6', 'ipv6-udp'],
  ] as const;
  return carriers.flatMap(([family, carrier]) =>
    families.includes(family) || families.includes('inet') ? [carrier] : [],
  );
}

/** A bridge by the host's state and configuration. Pure. */
export function foundBridge(
  state: HostState,
  name: string,
  { entries, tested, behind = [], declared }: OnBridge,
  host: FoundPartyHost | null,
): FoundBridge {
  const portOf = ({ endpoint }: FoundEntry): LinkState['port'] => linkNamed(state, endpoint.port)?.port ?? null;
  const guests = entries.filter(({ endpoint }) => endpoint.role === undefined);
  const uplinks = entries.filter(({ endpoint }) => endpoint.role === 'uplink');
  const settings = linkNamed(state, name)?.bridge ?? null;
  const serving = servingAmong(guests);
  const compared = guests.filter((guest) => !serving.includes(guest));
  const isolated = compared.filter((guest) => isSettingOn(portOf(guest) ?? {}, 'isolated') === true).length;
  const segments = segmentsOf(
    guests,
    // Where the bridge ignores VLANs they are what is meant all the same
    ({ endpoint }) => endpoint.vlans ?? vlansInState(state, endpoint.port),
  ).map((segment) => ({
    ...segment,
    tested: segment.guests.filter((guest) => tested.includes(guest)),
    behind: segment.vid === null || segment.vid === portVlans(state, name)?.native ? behind : [],
    hasHost: isHostKnown(state, name, segment.vid),
  }));
  const { link, ip } = filtersInState(state);
  const promised = compared.filter((guest) => isPromised(guest, declared));
  const dropped = droppedWithin(state, name);
  const permanent = guests.filter(({ endpoint: { port } }) =>
    entriesBehind(state, name, port).some((entry) => entry.state === 'permanent'),
  ).length;
  const [isSet, isDeclared] = [isMost(isolated, compared.length), isMost(promised.length, compared.length)];
  return {
    name,
    segments,
    serving,
    uplinks,
    // Which of them are the host's is not known
    host: segments.length > 1 ? null : host,
    isolated: isSet || isDeclared,
    promised,
    dropped,
    // One flow is the switch's own: NORMAL
    filtered: link.length + ip.bridged.length + permanent > 0 || isolated > 1 || flowsOf(state, name) > 1,
    hub: settings?.['ageing_time'] === 0,
    floodsOut: uplinks.some((uplink) => portOf(uplink)?.['flood'] !== false),
    claims: [
      ...(promised.length > 1
        ? [
            `${name}: ${promised.length} ports of guests are to be isolated, says ${[...new Set(declared.map(({ by }) => by))].join(' and ')}.`,
          ]
        : []),
      ...(isSet
        ? [
            `${name}: ${isolated} of ${compared.length} ports of guests are isolated, so that no guest is to reach another.`,
          ]
        : []),
      ...(dropped.length > 0 && compared.length > 1
        ? [`${name}: the firewall drops what goes from ${name} to ${name}, so that no guest is to reach another by IP.`]
        : []),
      ...(permanent > 0
        ? [
            `${name}: ${permanent} of ${guests.length} guests have a permanent entry: the host takes the frames that others send them. A static entry is meant: bridge fdb replace MAC dev PORT master static.`,
          ]
        : []),
      ...(segments.length > 1
        ? [`${name}: its ports have ${segments.length} VLANs, so that no guest is to reach one of another VLAN.`]
        : []),
    ],
  };
}

interface HostOnInput {
  readonly state: HostState;
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  readonly wishes: { readonly guests: readonly string[]; readonly zones: readonly string[] };
}

/**
 * The host on a kernel bridge with an address, unless options are narrower; null = none. Its name goes into `taken`.
 */
export function hostOn(
  bridge: string,
  { state, addresses, wishes }: HostOnInput,
  isAlone: boolean,
  taken: Set<string>,
): FoundPartyHost | null {
  const ips = addresses[bridge] ?? [];
  const isOfKernel = linkNamed(state, bridge)?.kind === 'bridge';
  if (ips.length === 0 || !isOfKernel || wishes.guests.length + wishes.zones.length > 0) return null;
  const name = endpointName(isAlone ? 'host' : `host-${bridge}`, taken);
  taken.add(name);
  return { name, ips };
}
