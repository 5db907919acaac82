import { isWithin, type Prefix, prefixOf, usualRules } from '../../core/bridge/routing.js';
import type { EncryptingPolicy, FamilyRouting, Routing } from '../../core/model/routing-state.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../core/text/json-text.js';
import { mayHavePolicies } from '../kernel/ask/netfilter-tables.js';
import { type FilterFinder, openFilterFinder } from '../kernel/ask/traffic-control.js';
import { inNamespace } from '../kernel/namespaces.js';
import { readJsonBatch } from '../process/batch.js';
import { commandFailed, readJson, runProgram } from '../process/programs.js';
import { given } from '../../core/text/collections.js';

/** Queueing disciplines by device, with filters if possible. */
export interface Filters {
  readonly qdisc: unknown;
  readonly filters: Readonly<Record<string, unknown>>;
}

/** No `tcf_block` in net/sched. */
const bare: ReadonlySet<string> = new Set([
  'noqueue',
  'noop',
  'pfifo_fast',
  'fq',
  'pfifo',
  'bfifo',
  'mq',
  'netem',
  'tbf',
]);
/** The default, mostly without filters: asking first keeps a thousand ports cheap. */
const usual: ReadonlySet<string> = new Set(['fq_codel']);

interface FilterPlace {
  readonly device: string;
  readonly place: string;
  readonly words: readonly string[];
}

/** `1:` and `8001:10` are hexadecimal (tc(8)). */
function numberOf(handle: string): number {
  const [major = '0', minor = ''] = handle.split(':');
  return ((Number.parseInt(major, 16) << 16) | (minor === '' ? 0 : Number.parseInt(minor, 16))) >>> 0;
}

function handleOf(number: number): string {
  const minor = number & 0xffff;
  return `${(number >>> 16).toString(16)}:${minor === 0 ? '' : minor.toString(16)}`;
}

function classPlaces(device: string, index: number, finder: FilterFinder): readonly FilterPlace[] {
  const classes = finder.classesOf(index);
  if (classes === null) throw unlisted(device);
  return classes
    .filter((parent) => finder.hasFilters(index, parent) !== false)
    .map((parent) => ({ device, place: handleOf(parent), words: ['parent', handleOf(parent)] }));
}

function unlisted(device: string): VerifyError {
  return new VerifyError(
    'command-failed',
    3,
    `the kernel does not list the classes of ${device}, on which filters may hang`,
    'run it again; a container or too many open files may prevent it',
  );
}

function disciplinePlaces(
  discipline: Fields,
  device: string,
  kind: string,
  finder: FilterFinder | null,
): readonly FilterPlace[] {
  if (kind === 'clsact') return ['ingress', 'egress'].map((place) => ({ device, place, words: [place] }));
  if (kind === 'ingress') return [{ device, place: 'ingress', words: ['ingress'] }];
  const handle = textOf(discipline['handle']) ?? '0:';
  const isRoot = discipline['root'] === true;
  const has = mayHaveFilters(device, isRoot ? 0 : numberOf(handle), finder);
  if (isRoot) return has || !usual.has(kind) ? [{ device, place: 'root', words: [] }] : [];
  return has ? [{ device, place: handle, words: ['parent', handle] }] : [];
}

function mayHaveFilters(device: string, parent: number, finder: FilterFinder | null): boolean {
  if (finder === null) return true;
  const index = finder.indexOf(device);
  return index !== null && finder.hasFilters(index, parent) !== false;
}

/**
 * From `tc -j qdisc show`. `finder`: null = the kernel cannot be asked. Throws VerifyError (3) if classes cannot be
 * listed.
 */
export function filterPlaces(qdisc: unknown, finder: FilterFinder | null): readonly FilterPlace[] {
  const disciplines = objectsOf(qdisc).flatMap((discipline) => {
    const [device, kind] = [textOf(discipline['dev']), textOf(discipline['kind'])];
    return device === null || kind === null || bare.has(kind) ? [] : [{ discipline, device, kind }];
  });
  const classful = new Set(
    disciplines
      .filter(({ kind }) => !usual.has(kind) && kind !== 'clsact' && kind !== 'ingress')
      .map(({ device }) => device),
  );
  return [
    ...disciplines.flatMap(({ discipline, device, kind }) => disciplinePlaces(discipline, device, kind, finder)),
    ...[...classful].flatMap((device) => {
      if (finder === null) throw unlisted(device);
      const index = finder.indexOf(device);
      return index === null ? [] : classPlaces(device, index, finder);
    }),
  ];
}

/** tc's rules of all devices in a namespace. Rejects with VerifyError if tc is missing or fails. */
export async function readFilters(netns: string | null): Promise<Filters> {
  const where = { netns };
  const qdisc = await readJson(['tc', '-j', 'qdisc', 'show'], where);
  const places = inNamespace(netns, () => {
    const finder = objectsOf(qdisc).some(({ kind }) => !bare.has(String(kind))) ? openFilterFinder() : null;
    try {
      return filterPlaces(qdisc, finder);
    } finally {
      finder?.close();
    }
  });
  const commands = places.map(({ device, words }) => ['filter', 'show', 'dev', device, ...words]);
  const filters = await readJsonBatch('tc', commands, where);
  return {
    qdisc,
    filters: Object.fromEntries(places.map(({ device, place }, at) => [`${device} ${place}`, filters[at]])),
  };
}

/**
 * Output of `ip` for a family; `otherwise` if the kernel lacks the family or several tables. Rejects with VerifyError
 * on other failures.
 */
export async function readIfSupported(
  argv: readonly string[],
  netns: string | null,
  otherwise: unknown,
): Promise<unknown> {
  try {
    return await readJson(argv, { netns });
  } catch (error) {
    if (error instanceof VerifyError && /not supported/i.test(error.message)) return otherwise;
    throw error;
  }
}

/** A route may name a nexthop object alone (ip-nexthop(8)) if net.ipv4.nexthop_compat_mode is 0. */
function isByObject(route: Fields): boolean {
  return route['nhid'] !== undefined && route['dev'] === undefined && objectsOf(route['nexthops']).length === 0;
}

function hopOf(nexthop: Fields | undefined): Fields | null {
  if (nexthop === undefined || textOf(nexthop['dev']) === null) return null;
  const parts = ['gateway', 'via', 'dev', 'encap'].filter((key) => nexthop[key] !== undefined);
  return Object.fromEntries(parts.map((key) => [key, nexthop[key]]));
}

/**
 * Adds the nexthop objects of `ip -j nexthop` to routes that name them, in the form that `ip -j route` has if
 * net.ipv4.nexthop_compat_mode is 1. Incompletely listed objects stay names.
 */
export function withNexthops(routes: unknown, nexthops: unknown): unknown {
  const known = new Map(objectsOf(nexthops).map((nexthop) => [nexthop['id'], nexthop]));
  return objectsOf(routes).map((route) => {
    const nexthop = isByObject(route) ? known.get(route['nhid']) : undefined;
    if (nexthop === undefined) return route;
    if ('blackhole' in nexthop) return { ...route, type: 'blackhole' };
    const members = objectsOf(nexthop['group']).map(({ id }) => hopOf(known.get(id)));
    if (members.length > 0) return members.includes(null) ? route : { ...route, nexthops: members };
    return { ...route, ...hopOf(nexthop) };
  });
}

async function familyRouting(netns: string | null, family: '-4' | '-6'): Promise<FamilyRouting> {
  const [rules, routes] = await Promise.all([
    readIfSupported(['ip', '-j', family, 'rule', 'show'], netns, usualRules),
    readIfSupported(['ip', '-j', family, 'route', 'show', 'table', 'all'], netns, []),
  ]);
  return { rules, routes };
}

/** Routes of all tables. Rejects with VerifyError if unreadable. */
export async function readRouting(netns: string | null): Promise<Omit<Routing, 'vrfs'>> {
  const [ipv4, ipv6] = await Promise.all([familyRouting(netns, '-4'), familyRouting(netns, '-6')]);
  const isAsked = [ipv4, ipv6].some(({ routes }) => objectsOf(routes).some(isByObject));
  const nexthops = isAsked ? await readIfSupported(['ip', '-j', 'nexthop', 'show'], netns, []) : [];
  const resolved = ({ rules, routes }: FamilyRouting): FamilyRouting => ({
    rules,
    routes: withNexthops(routes, nexthops),
  });
  return { ipv4: resolved(ipv4), ipv6: resolved(ipv6) };
}

/**
 * Policies of `ip xfrm policy` for output. Sockets' skip forwarded packets, XFRM interfaces' take only routed ones,
 * `fwd` and `block` drop.
 */
export function encryptingPolicies(text: string): readonly EncryptingPolicy[] {
  return text.split(/^(?=src )/m).flatMap((policy) => {
    const [, src, dst, more = ''] = /^src (\S+) dst (\S+)(.*)/.exec(policy) ?? [];
    const isOut = /^\s+dir out (?!action block)/m.test(policy) && /^\s+tmpl /m.test(policy);
    const isOfInterface = /^\s+if_id (?!(0x)?0\s*$)/m.test(policy);
    return src === undefined || dst === undefined || !isOut || isOfInterface ? [] : [{ src, dst, more: more.trim() }];
  });
}

/** As `encryptingPolicies`, none without IPsec. Rejects with VerifyError if unreadable. */
export async function readPolicies(netns: string | null): Promise<readonly EncryptingPolicy[]> {
  if (!mayHavePolicies()) return [];
  const outcome = await runProgram(['ip', 'xfrm', 'policy'], { netns });
  if (outcome.status === 0) return encryptingPolicies(outcome.stdout);
  if (/not supported/i.test(outcome.stderr)) return [];
  throw commandFailed(['ip', 'xfrm', 'policy'], outcome);
}

const guestKinds: readonly unknown[] = ['tun', 'veth', 'netkit'];
const linkLocal = /^(fe80:|ff)/;

/** Routes that may lead to a guest, and VRF tables. `links`: from `ip -j -d link`. */
export function routingAmong(
  { ipv4, ipv6 }: Omit<Routing, 'vrfs'>,
  links: unknown,
  policies: Routing['policies'] | null = null,
): Routing {
  const kinds = objectsOf(links).map((link) => ({ name: textOf(link['ifname']), info: fieldsOf(link['linkinfo']) }));
  const ends = new Set(kinds.flatMap(({ name, info }) => (guestKinds.includes(info?.['info_kind']) ? [name] : [])));
  const vrfs = kinds.flatMap(({ name, info }) =>
    info?.['info_kind'] === 'vrf' ? [[name ?? '', String(fieldsOf(info['info_data'])?.['table'])] as const] : [],
  );
  const isToGuest = (route: Fields): boolean =>
    [route, ...objectsOf(route['nexthops'])].some(({ dev }) => ends.has(textOf(dev)));
  const kept = ({ rules, routes: printed }: FamilyRouting, family: 4 | 6): FamilyRouting => {
    const routes = objectsOf(printed).filter(
      ({ type, dst }) => type !== 'multicast' && !linkLocal.test(textOf(dst) ?? ''),
    );
    const inMain = routes.filter(({ table = 'main' }) => table === 'main');
    const destination = ({ dst }: Fields): Prefix | null => prefixOf(textOf(dst) ?? '', family);
    const isGuests = isWithin(inMain.filter(isToGuest).flatMap((route) => destination(route) ?? []));
    const isKept = (route: Fields): boolean => {
      const [type, table] = [textOf(route['type']) ?? 'unicast', textOf(route['table']) ?? 'main'];
      const prefix = destination(route);
      const isWithinGuests = prefix !== null && isGuests(prefix);
      // the kernel's own there are the host's addresses
      if (table === 'local') return type === 'unicast' || route['protocol'] !== 'kernel' || isWithinGuests;
      return table !== 'main' || isToGuest(route) || (isByObject(route) && type === 'unicast') || isWithinGuests;
    };
    return { rules, routes: routes.filter(isKept) };
  };
  return {
    ipv4: kept(ipv4, 4),
    ipv6: kept(ipv6, 6),
    ...(vrfs.length === 0 ? {} : { vrfs: Object.fromEntries(vrfs) }),
    ...given({ policies }),
  };
}
