import { areChainsRead, forwardChains, routedGuests } from '../../bridge/beside.js';
import { packetBetween } from '../../bridge/bypass/forward-rules.js';
import { covers, prefixOf } from '../../bridge/routing.js';
import { lacksLibvirtsRule, libvirtTranslated } from '../../bridge/weaknesses/networks-apart.js';
import { filtersInState } from '../../judge/rows/filters-in-state.js';
import type { Inventory, Manager } from '../../model/host-config.js';
import type { Carrier, ProbeClassName } from '../../model/scenario.js';
import type { Beside, HostState } from '../../model/state.js';
import { counted } from '../../text/escape.js';
import { fieldsOf, textOf } from '../../text/json-text.js';
import type { FoundEntry } from '../found-endpoints.js';
import { guestOfPort } from '../guests.js';
import { endpointName, type Neighbour } from '../host-topology.js';
import type { Placed, WrittenProbe } from './steps.js';
import type { FoundBridge } from './segments.js';
import { groupBy, namesIn } from '../../text/collections.js';
import { type NftRule, nftRules } from '../../bridge/rules.js';

/** Guests on no bridge, to which the host routes. */
export interface RoutedSegment {
  /** In a scenario; no device has the name. */
  readonly name: string;
  /** `spoke`: the host has the guest's MAC at its device now. */
  readonly entries: readonly FoundEntry[];
}

/** Knowledge of a host that routes to guests. */
export interface RoutedInput {
  readonly state: HostState;
  readonly beside: Beside;
  readonly neighbours: readonly Neighbour[];
  readonly inventory: Inventory;
}

export function isIpv6Address(address: string): boolean {
  return address.includes(':');
}

/**
 * Routed guests, with MAC and addresses that the host talks to. Names go into `taken`. null = fewer than two can be
 * sent as.
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

/** The host's treatment of them, a sentence for the file's head. */
export function routedClaim({ name, entries }: RoutedSegment, state: HostState): string {
  const { forward } = forwardChains(state);
  const among = `${name}: ${entries.length} guests are on no bridge`;
  if (state.sysctl['net.ipv4.ip_forward'] !== '1')
    return `${among}, and the host forwards no IPv4: none is to reach another by it.`;
  if (!areChainsRead(state))
    return `${among}; the host forwards between them, and the chains of nft could not be read. Write a policy that says which of them may reach each other.`;
  return forward.length === 0
    ? `${among}; the host forwards between them, and no chain of nft decides. So it is no fault that they reach each other; if it is one, write a policy.`
    : `${among}; the host forwards between them what ${forward.map((chain) => `nft ${chain}`).join(', ')} lets through.`;
}

type PacketCarrier = Extract<Carrier, 'ipv4-udp' | 'ipv6-udp'>;
const packetCarriers: readonly PacketCarrier[] = ['ipv4-udp', 'ipv6-udp'];

function addressesOf({ endpoint: { ip = [] } }: FoundEntry, carrier: PacketCarrier): readonly string[] {
  return [ip].flat().filter((address) => isIpv6Address(address) === (carrier === 'ipv6-udp'));
}

/** Guests that Calico lets nothing in to: without policy and profile. */
function deniedByCalico(state: HostState): ReadonlySet<string> {
  const rules = nftRules(state).rules.filter(({ table, place }) => place.startsWith(`${table} cali-t`));
  const targetOf = ({ parts }: NftRule): string | null =>
    parts.flatMap((part) => textOf(fieldsOf(part['goto'] ?? part['jump'])?.['target']) ?? [])[0] ?? null;
  const deviceOf = ({ parts }: NftRule): string | null =>
    parts.flatMap((part) => {
      const match = fieldsOf(part['match']);
      return fieldsOf(fieldsOf(match?.['left'])?.['meta'])?.['key'] === 'oifname'
        ? (textOf(match?.['right']) ?? [])
        : [];
    })[0] ?? null;
  const isDenied = (chain: string): boolean => {
    const ofGuest = rules.filter(({ place, table }) => place === `${table} ${chain}`);
    const last = ofGuest.at(-1);
    // Policies and profiles are chains of their own (cali-pi-, cali-pri-), which accept
    return (
      last !== undefined &&
      last.parts.some((part) => 'drop' in part) &&
      ofGuest.every((rule) => targetOf(rule) === null)
    );
  };
  return new Set(
    rules.flatMap((rule) => {
      const [device, target] = [deviceOf(rule), targetOf(rule)];
      return device !== null && target?.startsWith('cali-tw-') === true && isDenied(target) ? [device] : [];
    }),
  );
}

function packets(
  { entries }: RoutedSegment,
  carrier: PacketCarrier,
  state: HostState,
): {
  readonly names: readonly string[];
  readonly parts: readonly (Pick<WrittenProbe, 'may_see' | 'must_see' | 'open_by_design'> & {
    readonly to: readonly string[];
  })[];
} {
  const having = entries.filter((entry) => addressesOf(entry, carrier).length > 0);
  const names = namesIn(having);
  const apart = { may_see: [], must_see: [] } as const;
  if (state.sysctl[carrier === 'ipv6-udp' ? 'net.ipv6.conf.all.forwarding' : 'net.ipv4.ip_forward'] !== '1')
    return { names, parts: [{ to: names, ...apart }] };
  const { link, ip } = filtersInState(state);
  if (link.length + ip.routed.length === 0) return { names, parts: [{ to: names, open_by_design: names }] };
  const denied = deniedByCalico(state);
  const isDenied = ({ endpoint }: FoundEntry): boolean => denied.has(endpoint.port);
  const [kept, others] = [namesIn(having.filter(isDenied)), namesIn(having.filter((entry) => !isDenied(entry)))];
  return {
    names,
    parts: [
      ...(kept.length === 0 ? [] : [{ to: kept, ...apart }]),
      // Guests without the barrier that most have are the odd ones
      ...(others.length === 0 ? [] : [{ to: others, ...apart, open_by_design: others }]),
    ],
  };
}

/**
 * Probes of routed guests: packets between any two, unheard by third ones; frames for no guest that are no packets for
 * the host; packets from unused addresses, unless a default route would lead answers away. Guests that most others
 * cannot reach are compared with these.
 */
export function routedProbes(
  segment: RoutedSegment,
  { state, beside }: Pick<RoutedInput, 'state' | 'beside'>,
  { classes, lastRound }: { readonly classes: readonly ProbeClassName[]; readonly lastRound: number | null },
): readonly Placed[] {
  const from = segment.entries.filter(({ spoke }) => spoke).map(({ name }) => name);
  const leads = beside.routes.some(({ destination }) => destination === 'default');
  const isAsked = (name: ProbeClassName): boolean =>
    classes.length > 0 ? classes.includes(name) : name !== 'ip-spoof' || !leads;
  const nobody = { count: 1, may_see: [], must_see: [] } as const;
  const placed = packetCarriers.flatMap((carrier): readonly Placed[] => {
    const { names, parts } = packets(segment, carrier, state);
    if (names.length < 2) return [];
    const pairs = parts.map(
      ({ to, ...rest }) =>
        ({ class: 'known-unicast', from: names, to, count: 1, carriers: [carrier], ...rest }) as const,
    );
    const further = pairs.filter(({ to }) => names.some((sender) => to.filter((name) => name !== sender).length > 1));
    return [
      ...pairs.map((probe): Placed => ['first', { ...probe, rounds: 1 }]),
      ...(lastRound === 1 ? [] : further).map(
        (probe): Placed => ['further', { ...probe, rounds: `2-${lastRound ?? ''}` }],
      ),
      [
        'first',
        { class: 'ip-spoof', from: names, to: names, rounds: 1, ...nobody, carriers: [carrier], open_by_design: names },
      ],
    ];
  });
  const frames: readonly Placed[] = [
    ['first', { class: 'known-unicast', from, to: from, rounds: 1, ...nobody, carriers: ['raw'] }],
    ['first', { class: 'unknown-unicast', from, ...nobody, carriers: ['raw', 'ipv4-udp'] }],
    ['first', { class: 'arp-request', from, to: from, rounds: 1, ...nobody }],
    ['first', { class: 'broadcast', from, ...nobody }],
    ['first', { class: 'multicast', from, ...nobody, carriers: ['raw', 'ipv4-udp'] }],
  ];
  return [...placed, ...frames].filter(([, probe]) => isAsked(probe.class));
}

/** Guests that meet other networks only at the host. */
interface Network {
  readonly bridge: string;
  /** Keeps its networks apart, as Docker does; null = no promise. */
  readonly apartBy: Manager | null;
  readonly guests: readonly FoundEntry[];
}

export interface BetweenNetworks {
  readonly probes: readonly Placed[];
  readonly notAsked: readonly string[];
}

/** By the main table; null = no route. */
function deviceTowards(address: string, { routes }: Beside): string | null {
  const family = isIpv6Address(address) ? 6 : 4;
  const to = prefixOf(address.replace(/\/.*/, ''), family);
  if (to === null) return null;
  const fitting = routes.flatMap(({ destination, device }) => {
    const prefix = prefixOf(destination, family);
    return prefix !== null && covers(prefix, to) ? [{ device, length: prefix.length }] : [];
  });
  return (
    fitting.reduce<(typeof fitting)[number] | null>(
      (best, route) => (best === null || route.length > best.length ? route : best),
      null,
    )?.device ?? null
  );
}

function networksOf(
  bridges: readonly FoundBridge[],
  routed: RoutedSegment | null,
  translated: ReadonlySet<string>,
): readonly Network[] {
  const places = [
    ...bridges
      // Which of several VLANs the host is in is not known
      .filter(({ segments }) => segments.length === 1)
      .map(({ name, segments }) => ({ bridge: name, guests: segments.flatMap(({ tested }) => tested) })),
    ...(routed === null ? [] : [{ bridge: routed.name, guests: routed.entries }]),
  ];
  return places.flatMap(({ bridge, guests }) => {
    const apartByOf = ({ guest }: FoundEntry): Manager | null => {
      if (guest?.isApart === true) return guest.manager;
      return translated.has(bridge) ? 'libvirt' : null;
    };
    return [...new Set(guests.map(apartByOf))].map((apartBy) => ({
      bridge,
      apartBy,
      guests: guests.filter((entry) => apartByOf(entry) === apartBy),
    }));
  });
}

/**
 * True if a manager keeps the networks apart. libvirt has no setting that joins two: an administrator's rule does so
 * by design, but a missing rule of libvirt does not.
 */
function isPromised(from: Network, to: Network, carrier: PacketCarrier, { state }: RouteContext): boolean {
  if (from.apartBy === null || from.apartBy !== to.apartBy) return false;
  if (from.apartBy !== 'libvirt') return true;
  const [source = '', destination = ''] = [from, to].map(
    ({ guests }) => guests.flatMap((entry) => addressesOf(entry, carrier))[0]?.replace(/\/.*/, '') ?? '',
  );
  const packet = packetBetween([source, destination], { in: from.bridge, out: to.bridge });
  return source !== '' && destination !== '' && lacksLibvirtsRule(state, packet);
}

interface RouteContext {
  readonly state: HostState;
  readonly beside: Beside;
  /** By bridge: a port out of the machine. */
  readonly uplinks: ReadonlyMap<string, string>;
}

function whyNotSentTo(entry: FoundEntry, carrier: PacketCarrier, { beside, uplinks }: RouteContext): string | null {
  const { bridge, port, mac } = entry.endpoint;
  const [address] = addressesOf(entry, carrier);
  if (mac === undefined || address === undefined) return 'no address of it is known';
  const uplink = uplinks.get(bridge);
  if (uplink !== undefined) return `an answer may leave by ${uplink}`;
  const device = deviceTowards(address, beside);
  return device === bridge || device === port ? null : `the host routes ${address} to ${device ?? 'nothing'}`;
}

function leftOutTexts(guests: readonly FoundEntry[], around: RouteContext): readonly string[] {
  const byReason = groupBy(guests, (entry) => {
    const reasons = packetCarriers.map((carrier) => whyNotSentTo(entry, carrier, around));
    return reasons.includes(null) ? null : (reasons[0] ?? null);
  });
  return [...byReason].map(([why, [first, ...others]]) => {
    const more = others.length === 0 ? '' : ` and ${counted(others.length, 'other guest')}`;
    return `not tested: traffic from other networks to ${first?.name ?? ''}${more} by way of the host: ${why}`;
  });
}

/** Between one guest of each network and all others, both ways; no pair twice. */
function pairsBetween(
  networks: readonly Network[],
  carrier: PacketCarrier,
  around: RouteContext,
): readonly WrittenProbe[] {
  const canSend = (entry: FoundEntry): boolean => entry.spoke && addressesOf(entry, carrier).length > 0;
  const canGet = (entry: FoundEntry): boolean => whyNotSentTo(entry, carrier, around) === null;
  const isFirstSender = new Set(networks.flatMap(({ guests }) => guests.find(canSend) ?? []));
  return networks.flatMap((network) => {
    const beyond = networks.filter(({ bridge }) => bridge !== network.bridge);
    const ask = (from: readonly FoundEntry[], to: readonly FoundEntry[], isKept: boolean): readonly WrittenProbe[] =>
      from.length === 0 || to.length === 0
        ? []
        : [
            {
              class: 'routed-bounce',
              from: namesIn(from),
              to: namesIn(to),
              count: 1,
              carriers: [carrier],
              ...(isKept ? {} : { open_by_design: namesIn(to) }),
            },
          ];
    const [sender, receiver] = [network.guests.find(canSend), network.guests.find(canGet)];
    return [true, false].flatMap((isKept) => {
      const guestsOf = (isMeant: (neighbour: Network) => boolean): readonly FoundEntry[] =>
        beyond.flatMap((neighbour) => (isMeant(neighbour) === isKept ? neighbour.guests : []));
      const receivers = guestsOf((neighbour) => isPromised(network, neighbour, carrier, around));
      const senders = guestsOf((neighbour) => isPromised(neighbour, network, carrier, around));
      return [
        ...ask(sender === undefined ? [] : [sender], receivers.filter(canGet), isKept),
        ...ask(
          senders.filter((entry) => canSend(entry) && !isFirstSender.has(entry)),
          receiver === undefined ? [] : [receiver],
          isKept,
        ),
      ];
    });
  });
}

/**
 * Packets by way of the host between networks, both ways, each represented by one guest, to addresses that the host
 * routes there. Managers may promise separate networks; between others no barrier is promised.
 */
export function betweenNetworks(
  bridges: readonly FoundBridge[],
  routed: RoutedSegment | null,
  { state, beside }: Pick<RoutedInput, 'state' | 'beside'>,
): BetweenNetworks {
  const networks = networksOf(bridges, routed, libvirtTranslated(state, beside.routes));
  if (new Set(networks.map(({ bridge }) => bridge)).size < 2) return { probes: [], notAsked: [] };
  const uplinks = new Map(
    bridges.flatMap(({ name, uplinks: [uplink] }) =>
      uplink === undefined ? [] : [[name, uplink.endpoint.port] as const],
    ),
  );
  const around = { state, beside, uplinks };
  return {
    probes: packetCarriers.flatMap((carrier) =>
      pairsBetween(networks, carrier, around).map((probe): Placed => ['first', probe]),
    ),
    notAsked: leftOutTexts(
      networks.flatMap(({ guests }) => guests),
      around,
    ),
  };
}
