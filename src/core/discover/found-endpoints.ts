import { linkNamed, portsOf } from '../bridge/host.js';
import type { GuestRecord, Inventory } from '../model/host-config.js';
import { type FdbState, type HostState, type LinkState, pairKinds, type SenderBehind } from '../model/state.js';
import { isSharedMac } from '../probe/addresses.js';
import { type FoundVlan, foundVlans } from './found-vlans.js';
import { guestOfPort } from './guests.js';
import { type Hops, hopsOf, portEnds } from '../bridge/hops.js';
import { deafness, isDeafToSources, isOutward, macsBehind } from '../bridge/view.js';
import { endpointName, type Neighbour } from './host-topology.js';
import { ipsOf } from './recorded-addresses.js';
import { filled } from '../text/collections.js';
import { word } from '../text/escape.js';

/** An endpoint with one MAC. */
export interface WrittenEndpoint {
  readonly bridge: string;
  readonly port: string;
  readonly role?: 'uplink';
  readonly zone?: string;
  readonly mac?: string;
  readonly ip?: string | readonly string[];
  readonly vlans?: readonly FoundVlan[];
  readonly owner?: string;
  readonly netns?: string;
  readonly observed_only?: true;
}

/** An endpoint of a scenario file. */
export type FileEndpoint = Omit<WrittenEndpoint, 'mac'> & { readonly mac?: string | readonly string[] };

/** The host on a bridge; its MAC is the bridge's. */
export interface WrittenHost {
  readonly bridge: string;
  readonly attach: 'host';
  readonly ip: readonly string[];
}

/** A guest behind a bridge device. */
export interface WrittenBehind {
  readonly bridge: string;
  readonly attach: 'promiscuous';
  readonly mac: string;
  readonly ip?: string;
}

export interface FoundBehind {
  readonly name: string;
  readonly endpoint: WrittenBehind;
}

export interface AnyFound {
  readonly name: string;
  readonly near?: string;
  readonly endpoint: Pick<WrittenEndpoint, 'bridge' | 'role' | 'zone'> & { readonly port?: string };
}

export interface BridgeInput {
  readonly state: HostState;
  readonly neighbours: readonly Neighbour[];
  readonly inventory: Inventory;
  readonly bridge: string;
  /** Absent: found by links, without the host's addresses. */
  readonly hops?: Hops;
  /** MACs heard at ports that do not learn, by port: of a port with entries one that it has no entry for. */
  readonly heard?: ReadonlyMap<string, string>;
  /** In the lab a guest without a known MAC speaks too. */
  readonly inLab?: boolean;
}

/** A port of a bridge with the record of its guest. */
export interface FoundEntry {
  readonly name: string;
  readonly guest: GuestRecord | null;
  /** The bridge has its MAC on its port. */
  readonly spoke: boolean;
  /** Its MAC is on record, not in the bridge, which delivers to it or learns it from its first frame. */
  readonly isSilent?: boolean;
  /** The port to which a static entry sends its frames instead. */
  readonly elsewhere?: string;
  /** More MACs of its port; absent = none. */
  readonly others?: readonly string[];
  /** The guest's own port, behind a hop; absent = on the bridge. */
  readonly near?: string;
  readonly endpoint: WrittenEndpoint;
}

/** Tested MACs of a guest: each takes a frame of each other guest. */
const maxMacs = 4;

/** A guest's MACs beyond the first: tested ones, and the rest. Uplinks have none. */
function otherMacs({ others = [], endpoint }: FoundEntry): {
  readonly tested: readonly string[];
  readonly remaining: readonly string[];
} {
  const ofGuest = endpoint.role === 'uplink' ? [] : others;
  return { tested: ofGuest.slice(0, maxMacs - 1), remaining: ofGuest.slice(maxMacs - 1) };
}

/** The endpoint for a file, with all tested MACs. */
export function forFile<E extends FoundEntry>(
  entry: E,
  isOnlyObserved = false,
): Omit<E, 'endpoint'> & { readonly endpoint: FileEndpoint } {
  const { mac } = entry.endpoint;
  const { tested } = otherMacs(entry);
  return {
    ...entry,
    endpoint: {
      ...entry.endpoint,
      ...(entry.near === undefined ? {} : { port: entry.near }),
      ...(mac === undefined || tested.length === 0 ? {} : { mac: [mac, ...tested] }),
      ...(isOnlyObserved ? { observed_only: true } : {}),
    },
  };
}

/** Untested MACs of a guest; empty if it has few. */
export function otherMacsNote(entry: FoundEntry): readonly string[] {
  const { tested, remaining } = otherMacs(entry);
  const [first] = remaining;
  return first === undefined
    ? []
    : [
        `${entry.name}: its port has ${tested.length + remaining.length + 1} MACs, and ${tested.length + 1} of them are asked, not ${first}${remaining.length > 1 ? ` and ${remaining.length - 1} more` : ''}: add them in a file (verify-isolation init)`,
      ];
}

interface NotedPlace {
  readonly isUnlearned: boolean;
  /** Absent: the bridge's table has room. */
  readonly isFull?: boolean;
  readonly isRouted: boolean;
}

/** Why no frames can be sent as a guest. */
export function observedOnlyNote(
  { name, guest, endpoint, isSilent = false, elsewhere }: FoundEntry,
  { isUnlearned, isFull = false, isRouted }: NotedPlace,
): string {
  if (isSilent)
    return `${name}: ${endpoint.bridge} does not know its MAC: the run sends with the one that ${guest !== null && guest.mac === endpoint.mac ? guest.manager : 'the host'} reports`;
  if (elsewhere !== undefined)
    return `${name}: a static entry of the bridge points its MAC at ${elsewhere}. The run sends to this guest, not as it`;
  if (isUnlearned)
    return `${name}: ${isFull ? `the MAC table of ${endpoint.bridge} is full` : `learning is off at ${endpoint.port}`}; ${guest !== null && guest.mac === endpoint.mac ? guest.manager : 'the host'} reports its MAC. The run sends to this guest, not as it`;
  if (isRouted) return `${name}: the host does not know its MAC. It is observed only; ping from it once`;
  if (isFull)
    return `${name}: the MAC table of ${endpoint.bridge} is full, and has no MAC on its port. It is observed only; raise the limit (ip link set dev ${word(endpoint.bridge)} type bridge fdb_max_learned 0)`;
  return endpoint.mac === undefined
    ? `${name}: the bridge has learned no MAC on its port. It is observed only; ping from it once`
    : `${name}: the bridge does not have its MAC on its port now. It is observed only; ping from it once`;
}

/** What is not known of a guest behind a bridge device. */
export function behindNote({ name, endpoint: { bridge, mac } }: FoundBehind): string {
  return `${name}: ${mac} sends out of ${bridge} itself. It is on no port, and no observer hears what reaches it`;
}

/**
 * Every observable port of a bridge (`ports`; `members`: all) as an endpoint with its guest's name, zone, VLANs, MAC
 * and address, if on record. Names go into `taken`, zones into `zones`: two tenants never become one.
 */
export function foundEndpoints(
  around: BridgeInput,
  taken: Set<string>,
  zones = new Map<string, string>(),
): {
  readonly members: readonly LinkState[];
  readonly ports: readonly LinkState[];
  readonly entries: readonly FoundEntry[];
} {
  const { state, inventory, bridge, inLab = false, hops = hopsOf(state) } = around;
  const members = portEnds(state, bridge, hops);
  const ports = members.filter(({ link, end }) => (deafness(link) ?? deafness(end)) === null);
  const zoneName = (text: string): string => {
    const name = zones.get(text) ?? endpointName(text, new Set(zones.values()));
    zones.set(text, name);
    return name;
  };
  // which learns nothing from anybody
  const hub = linkNamed(state, bridge)?.bridge?.['ageing_time'] === 0;
  const portAt = new Map(members.map(({ link, end }) => [end.name, link.name]));
  const portOf = new Map(
    inventory.guests.flatMap(({ mac, port }) => {
      const holder = portAt.get(port ?? '');
      return mac === null || holder === undefined ? [] : [[mac, holder] as const];
    }),
  );
  // To speak with its MAC would take it from the machine that still has it
  const arriving = new Set(inventory.guests.flatMap(({ port, isArriving = false }) => (isArriving ? [port] : [])));
  const entries = ports.map(({ link, end, between }): FoundEntry => {
    const isOwn = (mac: string): boolean => !isSharedMac(mac) && (portOf.get(mac) ?? link.name) === link.name;
    // behind it are the guests of another bridge, which speak there
    const isJoined = end === link && joinedBridge(link, state) !== null;
    const behind = isJoined ? [] : macsBehind(state, bridge, link.name).filter(isOwn);
    const learned = behind.filter((mac) => !between.has(mac));
    // Guests of other hosts speak out there, and further interfaces of guests of this one: an uplink is none of them.
    const macs = isOutward(end) ? guestsLast(learned, inventory.guests) : learned;
    const guest = isOutward(end) ? null : guestOfPort(inventory.guests, end.name, macs);
    const name = endpointName(guest?.name ?? end.name, taken);
    taken.add(name);
    const endpoint = writtenEndpoint(
      link,
      { guest, macs, zoneName, end, isUplink: isJoined || isOutward(end) },
      around,
    );
    const spoke = inLab || isPlaced(endpoint.mac, macs, hub);
    const others = spoke ? macs.filter((mac) => mac !== endpoint.mac) : [];
    return {
      name,
      guest,
      spoke,
      endpoint,
      ...(spoke ? {} : unlearnedPlace(link, endpoint, state, (mac) => isOwn(mac) && !arriving.has(end.name))),
      ...(others.length === 0 ? {} : { others }),
      ...(end === link || inLab ? {} : { near: end.name }),
    };
  });
  return { members: members.map(({ link }) => link), ports: ports.map(({ link }) => link), entries };
}

function isPlaced(mac: string | undefined, macs: readonly string[], isHub: boolean): boolean {
  return mac !== undefined && (isHub || macs.includes(mac));
}

function unlearnedPlace(
  link: LinkState,
  endpoint: WrittenEndpoint,
  state: Pick<HostState, 'fdb' | 'links'>,
  isOwn: (mac: string) => boolean,
): Pick<FoundEntry, 'elsewhere' | 'isSilent'> {
  const { mac, role, bridge } = endpoint;
  const { fdb } = state;
  const stray = fdb.find((entry) => isStatic(entry, endpoint));
  if (stray !== undefined) return { elsewhere: stray.port };
  const isKnown = fdb.some((entry) => entry.mac === mac && entry.master === bridge);
  const isSilent = mac !== undefined && role === undefined && isOwn(mac) && !isDeafToSources(link, state) && !isKnown;
  return isSilent ? { isSilent } : {};
}

/** Guests behind a bridge device, named by their managers or addresses. Names go into `taken`. */
export function foundBehind(
  { inventory, bridge }: Pick<BridgeInput, 'inventory' | 'bridge'>,
  strangers: readonly SenderBehind[],
  taken: Set<string>,
): readonly FoundBehind[] {
  return strangers
    .filter((sender) => sender.bridge === bridge && !isSharedMac(sender.mac))
    .map(({ mac, address }) => {
      const guest = inventory.guests.find((record) => record.mac === mac);
      const name = endpointName(guest?.name ?? `behind-${address ?? mac}`, taken);
      taken.add(name);
      const ip = address === undefined ? {} : { ip: `${address}/24` };
      return { name, endpoint: { bridge, attach: 'promiscuous', mac, ...ip } };
    });
}

function guestsLast(macs: readonly string[], guests: readonly GuestRecord[]): readonly string[] {
  const isGuests = (mac: string): boolean => guests.some((guest) => guest.mac === mac);
  return [...macs.filter((mac) => !isGuests(mac)), ...macs.filter(isGuests)];
}

/** True if frames can be sent as it. */
export function canSpeak({ spoke, isSilent = false }: Pick<FoundEntry, 'spoke' | 'isSilent'>): boolean {
  return spoke || isSilent;
}

/**
 * Stations in no forwarding database that the host talks to at a bridge or its VLAN. Those at another or unknown device
 * are behind no port.
 */
function orphansOf({ state, neighbours, bridge }: BridgeInput): readonly Neighbour[] {
  const devices = new Set([
    bridge,
    ...state.links.flatMap(({ name, kind, lower }) => (kind === 'vlan' && lower === bridge ? [name] : [])),
  ]);
  const known = new Set([...state.fdb.map(({ mac }) => mac), ...state.links.map(({ mac }) => mac)]);
  const orphans = new Map(
    neighbours
      .filter(({ mac, device }) => device !== undefined && devices.has(device) && !known.has(mac))
      .map((neighbour) => [neighbour.mac, neighbour]),
  );
  return [...orphans.values()];
}

/** Entries of a bridge; if one port does not learn and one station has no place, it is there. */
export function withOrphan(entries: readonly FoundEntry[], around: BridgeInput): readonly FoundEntry[] {
  const withoutMac = entries.filter(
    ({ endpoint }) =>
      endpoint.mac === undefined && isDeafToSources(linkNamed(around.state, endpoint.port), around.state),
  );
  const [orphan, second] = orphansOf(around);
  if (orphan === undefined || second !== undefined || withoutMac.length !== 1) return entries;
  const ip = orphan.address.includes(':') ? {} : { ip: `${orphan.address}/24` };
  return entries.map((entry) =>
    entry === withoutMac[0] ? { ...entry, endpoint: { ...entry.endpoint, mac: orphan.mac, ...ip } } : entry,
  );
}

/**
 * The bridge at a pair's other end; null = none. One without other ports leads nowhere: a stranger gets the frames
 * there.
 */
export function joinedBridge({ kind, lower, master }: LinkState, state: Pick<HostState, 'links'>): string | null {
  const joined = (pairKinds.includes(kind) ? linkNamed(state, lower) : undefined)?.master ?? null;
  if (joined === null || joined === master || linkNamed(state, joined)?.kind !== 'bridge') return null;
  return portsOf(state, joined).some(({ name }) => name !== lower) ? joined : null;
}

/** In the VLAN of the guest's untagged frames, if the bridge filters VLANs. */
function isStatic(entry: FdbState, { bridge, mac, vlans = [] }: WrittenEndpoint): boolean {
  const native = vlans.find(({ pvid }) => pvid === true)?.vid ?? null;
  return entry.master === bridge && entry.state === 'static' && entry.mac === mac && entry.vlan === native;
}

/**
 * The reported MAC, else one of the port's. One that the host talks to counts more: to speak with its address from
 * another MAC would draw the answers away.
 */
function macOf(
  guestMac: string | undefined,
  macs: readonly string[],
  neighbours: readonly Neighbour[],
): string | undefined {
  if (guestMac !== undefined && macs.length === 0) return guestMac;
  const talking = macs.filter((mac) => neighbours.some((neighbour) => neighbour.mac === mac));
  const likely = talking.length > 0 ? talking : macs;
  return guestMac !== undefined && likely.includes(guestMac) ? guestMac : likely[0];
}

function zoneOf(
  guest: GuestRecord | null,
  vlans: readonly FoundVlan[],
  zoneName: (text: string) => string,
): Pick<WrittenEndpoint, 'zone'> {
  const pvid = vlans.find((vlan) => vlan.pvid === true)?.vid;
  const zone = guest?.zone?.name ?? (pvid === undefined ? undefined : `vlan${pvid}`);
  return zone === undefined ? {} : { zone: zoneName(zone) };
}

/** `end`: as of `PortEnds`; `isUplink`: a NIC, or another bridge. */
interface FoundAtPort {
  readonly guest: GuestRecord | null;
  readonly macs: readonly string[];
  readonly zoneName: (text: string) => string;
  readonly end: LinkState;
  readonly isUplink: boolean;
}

function writtenEndpoint(
  link: LinkState,
  { guest, macs, zoneName, end, isUplink }: FoundAtPort,
  { state, neighbours, bridge, heard }: BridgeInput,
): WrittenEndpoint {
  const [atHop] = end === link ? [] : macsBehind(state, end.master ?? '', end.name);
  const heardHere = heard?.get(link.name);
  const isFurther = macs.length > 0 && heardHere !== undefined && !isUplink;
  const mac = isFurther ? heardHere : macOf(guest?.mac ?? heardHere ?? atHop, macs, neighbours);
  const ips = ipsOf(guest, mac, neighbours);
  const vlans = foundVlans(state, bridge, link.name);
  return {
    bridge,
    port: link.name,
    ...(isUplink ? { role: 'uplink' as const } : zoneOf(guest, vlans, zoneName)),
    ...filled({ mac, ip: ips.length === 1 ? ips[0] : ips, vlans }),
  };
}
