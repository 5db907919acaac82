import { linkNamed } from './host.js';
import { netnsFolder } from '../model/fabric.js';
import type { Beside, ForeignBridge, HostState, LinkedDevice, LinkState } from '../model/state.js';
import { isMacvlanMode, placeOf } from '../model/attach.js';
import type { Topology } from '../model/scenario.js';
import { word } from '../text/escape.js';
import { unheardPorts } from './ovs.js';
import { type BridgeView, tunnelKinds } from './view.js';
import { given, groupBy, namesIn } from '../text/collections.js';
import { nftRules } from './rules.js';
import { someText } from '../text/names.js';

/** Guests or a bridge outside this namespace's bridges. */
export interface UnbridgedSegment {
  /** `eth0`, `routes of the host`, `br0 in /run/netns/web`. */
  readonly place: string;
  readonly value: string;
  /** How the kernel treats their frames, and why nothing is sent there. */
  readonly text: string;
  /** null = none examines it. */
  readonly command: string | null;
}

/** A guest that the host routes to, by its device here. */
export interface RoutedGuest {
  readonly device: string;
  readonly destinations: readonly string[];
}

const maxNames = 6;

function list(names: readonly string[]): string {
  return someText(names, maxNames);
}

/**
 * ip-link(8), "MACVLAN and MACVTAP Type Support" and "IPVLAN Type Support". See also macvlan_queue_xmit,
 * drivers/net/macvlan.c.
 */
const manners: Readonly<Record<string, string>> = {
  bridge: 'past every bridge, the kernel hands unicast to the guest with the MAC, broadcast and multicast to all',
  private:
    'the kernel hands nothing from one of them to another, but unicast that a switch beyond sends back (hairpin) arrives',
  vepa: 'every frame leaves by the lower device: the switch beyond decides who reaches whom',
  passthru: 'one guest has the lower device to itself: it may take any MAC, and gets every frame that comes in',
  source: 'a guest gets frames of the sources that are listed for it alone',
  l2: 'they share one MAC: the kernel hands packets by their address, and broadcast and multicast to all of them',
  l3: 'they share one MAC: the kernel routes packets by their address, and there is no broadcast and no multicast',
  l3s: 'they share one MAC: the kernel routes packets by their address, and incoming packets pass no interface of theirs, so no capture sees them',
};

/** True of a tunnel, or a VLAN of one. */
export function isTunnel({ kind, lower }: LinkState, state: Pick<HostState, 'links'>): boolean {
  const below = kind === 'vlan' ? linkNamed(state, lower) : undefined;
  return tunnelKinds.includes(below === undefined ? kind : below.kind);
}

const lowerKinds: readonly (string | null)[] = ['macvlan', 'macvtap', 'ipvlan', 'ipvtap'];

/** A device on a lower one, in any namespace. */
export interface LowerGuest extends Pick<LinkedDevice, 'name' | 'space' | 'kind' | 'mac' | 'up' | 'flag' | 'ips'> {
  readonly mode: string;
  readonly lower: string;
}

/** Macvlan, macvtap and ipvlan devices on this namespace's, except on another bridge's. */
export function lowerGuests({ links }: HostState, beside: Beside | undefined): readonly LowerGuest[] {
  const nameOf = new Map(links.map(({ ifindex, name }) => [ifindex, name]));
  const here = links.flatMap(({ name, kind, mode, lower, master, mac, flags }): readonly LowerGuest[] =>
    kind !== null && lowerKinds.includes(kind) && lower !== undefined && master === null
      ? [{ name, space: null, kind, mode: mode ?? '', lower, mac, up: flags.includes('UP') }]
      : [],
  );
  const elsewhere = (beside?.devices ?? []).flatMap((device): readonly LowerGuest[] => {
    const { name, space, kind, mode, lower, mac, up, flag, ips } = device;
    const below = nameOf.get(lower ?? -1);
    return space !== null && lowerKinds.includes(kind) && below !== undefined
      ? [{ name, space, kind, mode: mode ?? '', lower: below, mac, up, ...given({ flag, ips }) }]
      : [];
  });
  return [...here, ...elsewhere];
}

/** `mv0`, or `mv0 in /run/netns/web`. */
export function deviceText({ name, space }: Pick<LowerGuest, 'name' | 'space'>): string {
  return space === null ? name : `${name} in ${space}`;
}

/** Bridges and their ports: devices above these are observed as part of the bridge. */
export function onBridges({ links }: HostState): ReadonlySet<string> {
  return new Set(
    links.flatMap(({ name, kind, master }) =>
      kind === 'bridge' || kind === 'openvswitch' || master !== null ? [name] : [],
    ),
  );
}

/** True if a run can send to such guests. */
export function isExaminedKind({ kind, mode }: Pick<LowerGuest, 'kind' | 'mode'>): boolean {
  if (kind === 'ipvlan') return mode === 'l2' || mode === 'l3';
  return (kind === 'macvlan' || kind === 'macvtap') && isMacvlanMode(mode);
}

function kindText({ kind, mode, flag }: LowerGuest): string {
  return [kind, mode, flag ?? ''].filter((part) => part !== '').join(' ');
}

function lowerSegments(state: HostState, beside: Beside, examined: ReadonlySet<string>): readonly UnbridgedSegment[] {
  const bridged = onBridges(state);
  const others = lowerGuests(state, beside).filter(
    (guest) => !bridged.has(guest.lower) && !examined.has(deviceText(guest)),
  );
  const groups = groupBy(others, (guest) => `${guest.lower}\n${kindText(guest)}`);
  return [...groups.values()].flatMap((guests) => {
    const [first] = guests;
    return first === undefined
      ? []
      : [
          {
            place: first.lower,
            value: `${kindText(first)}: ${list(guests.map(deviceText))}`,
            text: `${manners[first.mode] ?? 'the kernel hands frames between them'}; ${isExaminedKind(first) ? 'a run without a file examines these, where two of them are up (by ipvlan, with addresses)' : 'nothing is sent there'}`,
            command: null,
          },
        ];
  });
}

/** True of a tap, or a veth into another namespace. */
export function isEndOfGuest({ kind, peer }: LinkState): boolean {
  return kind === 'tun' || (kind === 'veth' && peer !== undefined);
}

/** A port that leads beyond this host's guests. */
export interface OutwardPort {
  readonly bridge: string;
  readonly port: string;
}

/**
 * Ports not known to lead to a guest here: NIC, bond, VLAN, tunnel, no interface, the bridge device, a device above.
 */
export function outwardPorts(
  { bridges, endpoints }: Topology,
  state: HostState,
  ports: readonly LinkState[],
): readonly OutwardPort[] {
  const names = new Set(namesIn(bridges));
  const segmentOf = new Map([
    ...bridges.map(({ name }) => [name, name] as const),
    ...ports.map(({ name, master }) => [name, master ?? ''] as const),
  ]);
  return [
    ...ports.filter((link) => !isEndOfGuest(link)).map(({ name, master }) => ({ bridge: master ?? '', port: name })),
    ...unheardPorts(state).filter(({ bridge }) => names.has(bridge)),
    ...endpoints.flatMap(({ name, bridge, attach }) => (placeOf(attach) === 'behind' ? [{ bridge, port: name }] : [])),
    ...state.links.flatMap(({ name, lower, master }) => {
      const bridge = segmentOf.get(lower ?? '');
      return bridge === undefined || master === null || master === bridge ? [] : [{ bridge, port: name }];
    }),
  ];
}

/** True without outward ports, guests on a lower device, and other hosts. */
export function hasGuestsAlone({ bridges, hosts }: Topology, outward: readonly OutwardPort[]): boolean {
  return hosts === undefined && bridges.every(({ kind }) => kind !== 'lower') && outward.length === 0;
}

export function isGuestsEnd(link: LinkState): boolean {
  return link.master === null && link.mac !== '' && link.flags.includes('LOWER_UP') && isEndOfGuest(link);
}

/** Taps and outward veths without a bridge that have a route other than the default. */
export function routedGuests({ links }: HostState, { routes }: Beside): readonly RoutedGuest[] {
  return links.filter(isGuestsEnd).flatMap(({ name }) => {
    const destinations = routes
      .filter(({ device, destination }) => device === name && !/^(fe80|ff|multicast)/.test(destination))
      .map(({ destination }) => destination);
    return destinations.length === 0 || destinations.includes('default') ? [] : [{ device: name, destinations }];
  });
}

/** Routed guests' devices as ports of a bridge without settings. */
export function routedView(name: string, devices: readonly string[], { links }: HostState): BridgeView {
  const ports = links
    .filter((link) => devices.includes(link.name))
    .map((link) => ({ name: link.name, link, settings: {}, role: 'guest' as const }));
  const link: LinkState = {
    ...{ name, ifindex: -1, mac: '', mtu: 0, flags: [], operstate: 'UNKNOWN', master: null, promiscuity: null },
    ...{ kind: null, sysFlags: null, bridge: null, port: null },
  };
  const portNames = new Set(ports.map((port) => port.name));
  return { name, link, settings: {}, ports, guests: ports, fdb: [], devices: portNames, vlansOf: () => null };
}

/** nft base chains at IP's hook `forward`, and those that translate addresses: `inet filter forward`. */
export function forwardChains(state: HostState): {
  readonly forward: readonly string[];
  readonly nat: readonly string[];
} {
  const chains = [...nftRules(state).chains.values()].filter(({ family }) => ['ip', 'ip6', 'inet'].includes(family));
  const ofType = (type: string): typeof chains => chains.filter(({ fields }) => fields['type'] === type);
  return {
    forward: ofType('filter').flatMap(({ hook, place }) => (hook === 'forward' ? [place] : [])),
    nat: ofType('nat').map(({ place }) => place),
  };
}

/** The effective value: the larger of the device's and `all` (ip-sysctl, conf/interface). */
export function effective({ sysctl }: Beside, device: string, key: string): number {
  const of = (name: string): number => Number(sysctl[`net.ipv4.conf.${name.replaceAll('.', '/')}.${key}`] ?? 0);
  return Math.max(of('all'), of(device));
}

/** True if the nft chains are known. Without the program nft there are none. */
export function areChainsRead({ unread }: HostState): boolean {
  return !unread.some(({ what }) => what === 'nft');
}

function forwardingText(state: HostState, chains: readonly string[]): string {
  if (state.sysctl['net.ipv4.ip_forward'] !== '1') return 'the host forwards no IPv4 between them';
  if (!areChainsRead(state))
    return 'the host forwards between them, and the chains of nft could not be read. Which of them reach each other is not known';
  return chains.length === 0
    ? 'the host forwards between them, and no chain of nft decides who reaches whom'
    : `the host forwards between them as far as ${list(chains.map((name) => `nft ${name}`))} allows`;
}

function routedText(state: HostState, beside: Beside, guests: readonly RoutedGuest[]): string {
  const { forward, nat } = forwardChains(state);
  const with_ = (key: string): readonly string[] =>
    guests.filter(({ device }) => effective(beside, device, key) > 0).map(({ device }) => device);
  const unfiltered = guests.filter(({ device }) => effective(beside, device, 'rp_filter') !== 1);
  const sentences = [
    forwardingText(state, forward),
    ...(nat.length === 0 ? [] : [`${list(nat.map((name) => `nft ${name}`))} changes addresses`]),
    ...(unfiltered.length === 0
      ? []
      : [
          `rp_filter is not strict at ${list(unfiltered.map(({ device }) => device))}, from where any address is taken`,
        ]),
    ...(
      [
        ['accept_local', 'from where the addresses of the host itself are taken'],
        ['route_localnet', 'so a rule can lead to 127.0.0.0/8 of the host'],
        ['proxy_arp', 'so the host answers ARP for every address that it has a route to'],
      ] as const
    ).flatMap(([key, what]) => (with_(key).length === 0 ? [] : [`${key} is on at ${list(with_(key))}, ${what}`])),
  ];
  return `${sentences.join('; ')}. No bridge carries their frames; a run without a file examines those of which the host has a MAC, where there are two`;
}

function netnsWord(space: string): string {
  return word(space.startsWith(netnsFolder) ? space.slice(netnsFolder.length) : space);
}

/**
 * Guests and bridges outside the run: on lower devices, routed, in other namespaces. `examined`: tested devices, named
 * as by `placed`.
 */
export function segmentsBeside(
  state: HostState,
  beside: Beside,
  examined: ReadonlySet<string> = new Set(),
): readonly UnbridgedSegment[] {
  const routed = routedGuests(state, beside).filter(({ device }) => !examined.has(device));
  return [
    ...lowerSegments(state, beside, examined),
    ...(routed.length === 0
      ? []
      : [
          {
            place: 'routes of the host',
            value: `routed: ${list(routed.map(({ device, destinations: [first = ''] }) => `${device} (${first})`))}`,
            text: routedText(state, beside, routed),
            command: null,
          },
        ]),
    ...beside.bridges.filter(({ linked }) => linked).map(bridgeElsewhere),
  ];
}

function bridgeElsewhere({ space, name, ports }: ForeignBridge): UnbridgedSegment {
  return {
    place: `${name} in ${space}`,
    value: `bridge with ${ports} ${ports === 1 ? 'port' : 'ports'}`,
    text: 'it is in another network namespace, which a run of its own examines',
    command: `verify-isolation run --netns ${netnsWord(space)} --bridge ${word(name)}`,
  };
}

/** Bridges in named namespaces unlinked to this one. */
export function separateBridges({ bridges }: Beside): readonly UnbridgedSegment[] {
  return bridges.filter(({ linked }) => !linked).map(bridgeElsewhere);
}

/** Sysctls that drop packets whose source does not belong behind the device. */
export function reversePathSysctls(device: string): readonly [ofDevice: string, ofAll: string] {
  return [`net.ipv4.conf.${device.replaceAll('.', '/')}.rp_filter`, 'net.ipv4.conf.all.rp_filter'];
}

/**
 * Effective value: 0 off, 1 strict (RFC 3704 2.2), 2 loose. The larger counts (ip-sysctl, conf/interface). null = not
 * read.
 */
export function reversePathOf(
  device: string,
  sysctl: Readonly<Record<string, string>>,
): readonly [name: string, value: number | null] {
  const [ofDevice, ofAll] = reversePathSysctls(device);
  const known = [ofDevice, ofAll].filter((name) => sysctl[name] !== undefined);
  if (known.length === 0) return [ofDevice, null];
  const value = Math.max(...known.map((name) => Number(sysctl[name])));
  return [Number(sysctl[ofAll]) === value && value === 2 ? ofAll : ofDevice, value];
}
