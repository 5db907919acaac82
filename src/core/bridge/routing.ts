import { rulesText } from './rules-text.js';
import type { FamilyRouting, Routing } from '../model/routing-state.js';
import type { HostState } from '../model/state.js';
import { bitsOf, parseIp } from '../text/ip-address.js';
import { type Fields, numberOf, objectsOf, textOf } from '../text/json-text.js';

type Family = 4 | 6;

/** Addresses with the same first `length` bits. */
export interface Prefix {
  readonly family: Family;
  readonly value: bigint;
  readonly length: number;
}

/** True if the host routes packets of others (Documentation/networking/ip-sysctl.rst). */
export function isForwarding({ sysctl }: Pick<HostState, 'sysctl'>): boolean {
  return sysctl['net.ipv4.ip_forward'] === '1' || sysctl['net.ipv6.conf.all.forwarding'] === '1';
}

export interface RoutedPlace {
  readonly device: string;
  readonly addresses: readonly string[];
}

/** A kernel rule or route, in iproute2's words. */
export interface RoutingEntry {
  /** `ip rule 100`, `ip route`. */
  readonly what: string;
  /** `from all fwmark 0x10 lookup 100`. */
  readonly text: string;
  readonly removal: readonly string[];
}

/** A possible way of packets for an address. */
export interface Way {
  /** The policy rule, or the route if a rule for all packets leads to it. */
  readonly by: RoutingEntry;
  readonly route: string;
  /** May be `the host itself`. Empty = dropped. */
  readonly devices: readonly string[];
  /** Selected by more than the destination, or for some packets. */
  readonly isConditional: boolean;
  /** A rule that every kernel has (ip-rule(8)). */
  readonly isUsual: boolean;
  /** ip-route(8), `encap`. null = none. */
  readonly encapsulation: string | null;
}

/** Absent = anything. */
interface Packet {
  readonly to: string;
  readonly from?: string;
  readonly by?: string;
}

/** Keys that select no packets, or are read by name. */
const noSelectors: ReadonlySet<string> = new Set([
  ...['priority', 'src', 'srclen', 'dst', 'dstlen', 'iif', 'not', 'table', 'protocol', 'suppress_prefixlen'],
  ...['goto', 'unresolved', 'action', 'flow', 'flow_from', 'flow_to'],
]);
function masked(port: unknown, mask: unknown): string {
  return mask === undefined || mask === '0xffff' ? String(port) : `${String(port)}/${String(mask)}`;
}
/** ip-rule(8). */
const selectorWords: Readonly<Record<string, (rule: Fields) => readonly string[]>> = {
  tos: ({ tos }) => ['tos', String(tos)],
  fwmark: ({ fwmark, fwmask }) => ['fwmark', `${String(fwmark)}${fwmask === undefined ? '' : `/${String(fwmask)}`}`],
  fwmask: () => [],
  oif: ({ oif }) => ['oif', String(oif)],
  ipproto: ({ ipproto }) => ['ipproto', String(ipproto)],
  sport: ({ sport, sport_mask: mask }) => ['sport', masked(sport, mask)],
  sport_mask: () => [],
  dport: ({ dport, dport_mask: mask }) => ['dport', masked(dport, mask)],
  dport_mask: () => [],
  iif_detached: () => [],
  oif_detached: () => [],
};
const usualTables: readonly string[] = ['local', 'main', 'default'];
const ends: readonly string[] = ['unreachable', 'blackhole', 'prohibit'];
/** A host's socket gets the packet (ip-route(8)), as by TPROXY. */
const takenByHost: readonly string[] = ['local', 'broadcast', 'anycast'];
const theHost = 'the host itself';
/** An unreadable nexthop object (ip-nexthop(8)). */
const unknownDevice = 'an unknown device';

/** Parses a prefix, with `length` by default. null = another family. */
export function prefixOf(text: string, family: Family, length?: number | null): Prefix | null {
  if (text === 'all' || text === 'default' || text === 'any') return { family, value: 0n, length: 0 };
  const [address = '', bits = String(length ?? bitsOf(family))] = text.split('/');
  const ip = parseIp(address);
  return ip?.family === family && /^\d{1,3}$/.test(bits) && Number(bits) <= bitsOf(family)
    ? { family, value: ip.value, length: Number(bits) }
    : null;
}

/** True if `outer` contains `inner` of the same family. */
export function covers(outer: Prefix, inner: Prefix): boolean {
  const shift = BigInt(bitsOf(outer.family) - outer.length);
  return outer.family === inner.family && outer.length <= inner.length && outer.value >> shift === inner.value >> shift;
}

/** Tests if a prefix is within one of these. The prefix of all addresses does not count. */
export function isWithin(prefixes: readonly Prefix[]): (prefix: Prefix) => boolean {
  const network = ({ family, value }: Prefix, length: number): string =>
    `${value >> BigInt(bitsOf(family) - length)}/${length}/${family}`;
  const known = new Set(prefixes.map((prefix) => network(prefix, prefix.length)));
  const lengths = [...new Set(prefixes.map(({ length }) => length))].filter((length) => length > 0);
  return (prefix) => lengths.some((length) => length <= prefix.length && known.has(network(prefix, length)));
}

type Match = 'yes' | 'maybe' | 'no';

/** True if a packet with that address, or any, is in a prefix. */
export function meets(prefix: Prefix | null, address: Prefix | null): Match {
  if (prefix?.length === 0) return 'yes';
  if (prefix === null || address === null) return 'maybe';
  if (covers(prefix, address)) return 'yes';
  return covers(address, prefix) ? 'maybe' : 'no';
}

function meetsDevice(iif: string | null, by: string | undefined): Match {
  if (iif === null) return 'yes';
  if (iif === 'lo') return 'no'; // what the host itself sends
  if (by === undefined) return 'maybe';
  return iif === by ? 'yes' : 'no';
}

function matchOf(rule: Fields, family: Family, { to, from, by }: Packet): Match {
  const side = (key: 'src' | 'dst', address: string | undefined): Match =>
    meets(
      prefixOf(textOf(rule[key]) ?? 'all', family, numberOf(rule[`${key}len`])),
      address === undefined ? null : prefixOf(address, family),
    );
  const matches: readonly Match[] = [
    side('src', from),
    side('dst', to),
    // of a device that is not there
    'iif_detached' in rule || 'oif_detached' in rule ? 'no' : meetsDevice(textOf(rule['iif']), by),
    Object.keys(rule).every((key) => noSelectors.has(key)) ? 'yes' : 'maybe',
  ];
  const least = matches.find((match) => match === 'no') ?? matches.find((match) => match === 'maybe') ?? 'yes';
  if (!('not' in rule) || least === 'maybe') return least;
  return least === 'yes' ? 'no' : 'yes';
}

function ruleEntry(rule: Fields, family: Family): RoutingEntry {
  const side = (key: 'src' | 'dst'): string | null => {
    const [address, length] = [textOf(rule[key]), numberOf(rule[`${key}len`])];
    return address === null || length === null ? address : `${address}/${length}`;
  };
  const [from, to, iif, table] = [side('src'), side('dst'), textOf(rule['iif']), textOf(rule['table'])];
  const selectors = Object.keys(rule).filter((key) => !noSelectors.has(key));
  const isWhole = !('not' in rule) && selectors.every((key) => selectorWords[key] !== undefined);
  const words = [
    ...('not' in rule ? ['not'] : []),
    ...(from === null ? [] : ['from', from]),
    ...(to === null ? [] : ['to', to]),
    ...(iif === null ? [] : ['iif', iif]),
    ...selectors.flatMap((key) => selectorWords[key]?.(rule) ?? [`${key} ${String(rule[key] ?? '')}`.trim()]),
  ];
  const lookup = table === null ? [] : ['lookup', table];
  const number = String(rule['priority'] ?? 0);
  return {
    what: `ip${family === 6 ? ' -6' : ''} rule ${number}`,
    text: [...words, ...lookup].join(' '),
    removal: [
      ...['ip', ...(family === 6 ? ['-6'] : []), 'rule', 'del', 'pref', number],
      ...(isWhole ? [...words, ...lookup] : []),
    ],
  };
}

interface Route {
  readonly fields: Fields;
  readonly table: string;
  readonly prefix: Prefix;
  readonly devices: readonly string[];
}

/** A step may ask for thousands of packets. */
const parsedRoutes = new WeakMap<object, readonly Route[]>();

function routesIn({ routes }: FamilyRouting, family: Family): readonly Route[] {
  if (typeof routes !== 'object' || routes === null) return [];
  const known = parsedRoutes.get(routes) ?? parseRoutes(routes, family);
  parsedRoutes.set(routes, known);
  return known;
}

function parseRoutes(routes: object, family: Family): readonly Route[] {
  return objectsOf(routes).flatMap((fields): readonly Route[] => {
    const prefix = prefixOf(textOf(fields['dst']) ?? '', family);
    const isDead = [fields['flags']].flat().includes('dead');
    if (prefix === null || isDead) return [];
    const devices = [fields, ...objectsOf(fields['nexthops'])].flatMap(({ dev }) => textOf(dev) ?? []);
    const type = textOf(fields['type']) ?? 'unicast';
    const table = textOf(fields['table']) ?? 'main';
    if (ends.includes(type)) return [{ fields, table, prefix, devices: [] }];
    if (takenByHost.includes(type)) return [{ fields, table, prefix, devices: [theHost] }];
    if (devices.length === 0 && type === 'unicast') devices.push(unknownDevice);
    return [{ fields, table, prefix, devices: [...new Set(devices)] }];
  });
}

function routeEntry({ fields, table }: Route, family: Family): RoutingEntry {
  const [type, dst = 'default'] = [textOf(fields['type']), textOf(fields['dst']) ?? undefined];
  const named = (['tos', 'metric'] as const).flatMap((key) =>
    fields[key] === undefined ? [] : [key, String(fields[key])],
  );
  const hops = [fields, ...objectsOf(fields['nexthops'])].flatMap(({ gateway, dev }) => [
    ...(textOf(gateway) === null ? [] : ['via', String(gateway)]),
    ...(textOf(dev) === null ? [] : ['dev', String(dev)]),
  ]);
  const isSingle = objectsOf(fields['nexthops']).length === 0;
  // the kernel finds a route by its object alone (fib_nh_match, net/ipv4/fib_semantics.c)
  const byObject = fields['nhid'] === undefined ? [] : ['nhid', String(fields['nhid'])];
  const inTable = table === 'main' ? [] : ['table', table];
  const words = [...(type === null || type === 'unicast' ? [] : [type]), dst];
  return {
    what: `ip${family === 6 ? ' -6' : ''} route`,
    text: [...words, ...byObject, ...hops, ...named, ...inTable].join(' '),
    removal: [
      ...['ip', ...(family === 6 ? ['-6'] : []), 'route', 'del', ...words],
      ...[...byObject, ...(isSingle && byObject.length === 0 ? hops : []), ...named, ...inTable],
    ],
  };
}

function encapsulationOf({ fields }: Route): string | null {
  const encap = [fields, ...objectsOf(fields['nexthops'])]
    .map((hop) => hop['encap'])
    .find((part) => part !== undefined);
  if (encap === undefined) return null;
  return textOf(encap) ?? objectsOf([encap]).map((parts) => textOf(parts['encap_type']))[0] ?? 'of an unknown type';
}

function isSelective(route: Route): boolean {
  return encapsulationOf(route) !== null || ['tos', 'from'].some((key) => route.fields[key] !== undefined);
}

/** Longest first, up to the one that takes all that is left. */
function found(routes: readonly Route[], to: Prefix, suppressed: number): readonly Route[] {
  const metric = ({ fields }: Route): number => numberOf(fields['metric']) ?? 0;
  const candidates = routes
    .filter(({ prefix }) => covers(prefix, to))
    .sort(
      (a, b) =>
        b.prefix.length - a.prefix.length || Number(isSelective(b)) - Number(isSelective(a)) || metric(a) - metric(b),
    );
  const last = candidates.findIndex((route) => !isSelective(route));
  return candidates
    .slice(0, last < 0 ? undefined : last + 1)
    .filter(({ prefix, fields }) => prefix.length > suppressed && fields['type'] !== 'throw');
}

/** Every VRF's if the device chooses. */
function tablesOf(rule: Fields, vrfs: Routing['vrfs'] = {}): readonly string[] {
  return 'l3mdev' in rule ? Object.values(vrfs) : [textOf(rule['table']) ?? ''];
}

/** All ways, in the order of the kernel. Last is that of unselected packets. */
export function waysTo(packet: Packet, routing: Routing): readonly Way[] {
  const family: Family = packet.to.includes(':') ? 6 : 4;
  const to = prefixOf(packet.to, family);
  if (to === null) return [];
  const inFamily = family === 6 ? routing.ipv6 : routing.ipv4;
  const routes = routesIn(inFamily, family);
  const ways: Way[] = [];
  /** Skipped rules may not end the search. */
  let skipped = 0;
  for (const rule of objectsOf(inFamily.rules)) {
    const match = matchOf(rule, family, packet);
    if (match === 'no') continue;
    const [priority, target] = [numberOf(rule['priority']) ?? 0, numberOf(rule['goto'])];
    if (target !== null) {
      skipped = Math.max(skipped, target);
      continue;
    }
    const drops = ![null, 'to_tbl'].includes(textOf(rule['action']));
    const taken = drops ? [] : routesBy(rule, routes, to, routing.vrfs);
    ways.push(...taken.map((route) => wayBy(rule, route, match, family)));
    const isDecided = drops || taken.some((route) => !isSelective(route));
    if (match === 'yes' && priority >= skipped && isDecided) break;
  }
  return ways;
}

function routesBy(rule: Fields, routes: readonly Route[], to: Prefix, vrfs: Routing['vrfs']): readonly Route[] {
  const suppressed = numberOf(rule['suppress_prefixlen']) ?? -1;
  return tablesOf(rule, vrfs).flatMap((table) =>
    found(
      routes.filter((route) => route.table === table),
      to,
      suppressed,
    ),
  );
}

/** fib_default_rules_init, net/ipv4/fib_rules.c. */
export const usualRules: readonly Fields[] = usualTables.map((table, at) => ({
  priority: at === 0 ? 0 : 32765 + at,
  src: 'all',
  table,
}));

/** Ways by the tables of every packet. */
export function usualWaysTo(to: string, { ipv4, ipv6 }: Routing): readonly Way[] {
  return waysTo({ to }, { ipv4: { ...ipv4, rules: usualRules }, ipv6: { ...ipv6, rules: usualRules } });
}

function wayBy(rule: Fields, route: Route, match: Match, family: Family): Way {
  const isUsual = match === 'yes' && usualTables.includes(textOf(rule['table']) ?? '');
  const { text } = routeEntry(route, family);
  return {
    by: isUsual ? routeEntry(route, family) : ruleEntry(rule, family),
    route: text,
    devices: route.devices,
    isConditional: match === 'maybe' || isSelective(route) || route.devices.length > 1,
    isUsual,
    encapsulation: encapsulationOf(route),
  };
}

/** A way of a guest's packets by another device, or encapsulated. */
export interface Diversion extends Way {
  readonly address: string;
  readonly device: string;
  readonly elsewhere: readonly string[];
}

/** Guests' ways by another device or the host itself, and encapsulated ones. Empty without rules. */
export function diversions({ routing }: HostState, places: readonly RoutedPlace[]): readonly Diversion[] {
  if (routing === undefined) return [];
  return places.flatMap(({ device, addresses }) =>
    addresses.flatMap((address) =>
      waysTo({ to: address }, routing).flatMap((way): readonly Diversion[] => {
        const elsewhere = way.devices.filter((name) => name !== device);
        return way.encapsulation !== null || elsewhere.length > 0 ? [{ ...way, address, device, elsewhere }] : [];
      }),
    ),
  );
}

/** Differences in words: all rules, and routes by these devices or outside the main table. */
export function routingDifferences(from: HostState, to: HostState, devices: ReadonlySet<string>): readonly string[] {
  const [was, is] = [from.routing, to.routing];
  if (was === undefined || is === undefined) return [];
  return ([4, 6] as const).flatMap((family) => {
    const entriesOf = (routing: Routing): ReadonlyMap<string, string> => {
      const inFamily = family === 6 ? routing.ipv6 : routing.ipv4;
      const routes = routesIn(inFamily, family).filter(
        (route) => route.table !== 'main' || route.devices.some((device) => devices.has(device)),
      );
      return new Map([
        ...objectsOf(inFamily.rules).map((rule) => {
          const { what, text } = ruleEntry(rule, family);
          return [rulesText(rule), `${what}: ${text}`] as const;
        }),
        ...routes.map((route) => {
          const { what, text } = routeEntry(route, family);
          return [rulesText(route.fields), `${what} ${text}`] as const;
        }),
      ]);
    };
    const [before, after] = [entriesOf(was), entriesOf(is)];
    return [
      ...[...before].flatMap(([key, text]) => (after.has(key) ? [] : [`${text} is gone`])),
      ...[...after].flatMap(([key, text]) => (before.has(key) ? [] : [`${text} is new`])),
    ];
  });
}
