import type { HostState, LegacyCopy, LegacyTable } from '../../model/state.js';
import { parsePrefix } from '../../text/ip-address.js';
import { type Fields, fieldsOf, numberOf, objectsOf, objectsWithin, textOf } from '../../text/json-text.js';
import { counted } from '../../text/escape.js';
import { etherTypes } from '../../wire/ethernet.js';
import { nftSelector, prefixRange, tcSelector, valueOf } from './rule-selectors.js';
import {
  addressValue,
  allOf,
  type DeviceConstraint,
  everything,
  fieldBits,
  isIn,
  isOneOf,
  macValue,
  type Range,
  type Selector,
  unknownPart,
} from './selector.js';

/** A rule that copies or moves frames. */
export interface CopyRule {
  /** By table, chain and handle, never by its text: `nft netdev t c handle 4`. */
  readonly name: string;
  readonly family: string;
  /** The ways by which frames come to it: its own conditions, and those of the jumps to its chain. */
  readonly selectors: readonly Selector[];
  /** Devices to which it sends; null = where a route leads. */
  readonly to: readonly string[] | null;
  /** Packets that its own counter had; null = it has none. */
  readonly counter: number | null;
}

export function nftRuleName(rule: Fields): string {
  const [family, table, chain] = ['family', 'table', 'chain'].map((key) => textOf(rule[key]) ?? '?');
  return `nft ${family ?? ''} ${table ?? ''} ${chain ?? ''} handle ${String(rule['handle'])}`;
}

/** `key`: device and place, as a state lists filters of tc. */
export function tcRuleName(key: string, filter: Fields): string {
  const { handle, fh } = fieldsOf(filter['options']) ?? {};
  const number = typeof handle === 'number' ? `0x${handle.toString(16)}` : textOf(fh);
  return `tc ${key} pref ${String(filter['pref'])}${number === null ? '' : ` handle ${number}`}`;
}

export function legacyRuleName(
  { program, table }: Pick<LegacyTable, 'program' | 'table'>,
  { chain, number }: Pick<LegacyCopy, 'chain' | 'number'>,
): string {
  return `${program} ${table} ${chain} rule ${number}`;
}

const entriesOf = (rule: Fields): readonly (readonly [string, unknown])[] =>
  objectsOf(rule['expr']).flatMap((statement) => Object.entries(statement));

/** A listing of nft, by its parts. */
export interface Listing {
  readonly rules: readonly Fields[];
  readonly chains: ReadonlyMap<string, Fields>;
  /** By table: sets that no packet changes. */
  readonly sets: ReadonlyMap<string, ReadonlyMap<string, readonly unknown[]>>;
}

const tableOf = (part: Fields): string => `${String(part['family'])} ${String(part['table'])}`;
const chainOf = (rule: Fields): string => `${tableOf(rule)} ${String(rule['chain'])}`;

export function listingOf(nft: unknown): Listing {
  const parts = objectsOf(fieldsOf(nft)?.['nftables']);
  const sets = new Map<string, Map<string, readonly unknown[]>>();
  for (const set of parts.flatMap((part) => objectsOf([part['set']]))) {
    const { elem = [], flags, timeout } = set;
    const isMoving = timeout !== undefined || [flags].flat().some((flag) => flag === 'dynamic' || flag === 'timeout');
    const known = sets.get(tableOf(set)) ?? new Map<string, readonly unknown[]>();
    sets.set(tableOf(set), known);
    if (!isMoving && Array.isArray(elem)) known.set(String(set['name']), elem);
  }
  return {
    rules: parts.flatMap((part) => objectsOf([part['rule']])),
    chains: new Map(
      parts
        .flatMap((part) => objectsOf([part['chain']]))
        .map((chain) => [`${tableOf(chain)} ${String(chain['name'])}`, chain]),
    ),
    sets,
  };
}

const ownSelector = (rule: Fields, { sets }: Listing): Selector =>
  nftSelector(rule, sets.get(tableOf(rule)) ?? new Map());

/** Hooks to which frames of guests come. */
const hooks: readonly unknown[] = ['ingress', 'egress', 'prerouting', 'forward', 'postrouting'];
const [maxJumps, maxWays] = [8, 8];

/** The ways to a chain: by its hook, or by the jumps to it. Maps of verdicts are not followed. */
function waysToChain(key: string, listing: Listing, depth = 0): readonly Selector[] {
  const chain = listing.chains.get(key);
  if (chain?.['hook'] !== undefined) {
    if (!hooks.includes(chain['hook'])) return [unknownPart('packets of the host itself')];
    const names = [chain['dev']].flat().flatMap((device) => textOf(device) ?? []);
    const side = chain['hook'] === 'egress' ? 'out' : 'in';
    return [names.length === 0 ? everything : { ...everything, devices: [{ side, names, isNegated: false }] }];
  }
  const name = key.split(' ').slice(2).join(' ');
  const jumps = listing.rules.filter(
    (rule) =>
      key.startsWith(`${tableOf(rule)} `) &&
      entriesOf(rule).some(
        ([verb, value]) => (verb === 'jump' || verb === 'goto') && fieldsOf(value)?.['target'] === name,
      ),
  );
  if (jumps.length === 0 || depth > maxJumps) return [unknownPart('a way to its chain')];
  return jumps
    .slice(0, maxWays)
    .flatMap((jump) =>
      waysToChain(chainOf(jump), listing, depth + 1).map((way) => allOf([way, ownSelector(jump, listing)])),
    )
    .slice(0, maxWays);
}

/** Where a statement of nft sends; undefined = it copies and moves nothing. */
function targetOf([name, value]: readonly [string, unknown], isAtDevice: boolean): CopyRule['to'] | undefined {
  const fields = fieldsOf(value) ?? {};
  if (name === 'xt') return fields['type'] === 'target' && fields['name'] === 'TEE' ? null : undefined;
  if (name !== 'dup' && name !== 'fwd') return undefined;
  const device = textOf(fields['dev'] ?? fields['addr']);
  return isAtDevice && device !== null ? [device] : null;
}

/** Those of nft alone. */
export function nftCopyRules(listing: Listing): readonly CopyRule[] {
  return listing.rules.flatMap((rule): readonly CopyRule[] => {
    const family = textOf(rule['family']) ?? '';
    const isAtDevice = family === 'netdev' || listing.chains.get(chainOf(rule))?.['dev'] !== undefined;
    const targets = entriesOf(rule).flatMap((statement) => {
      const to = targetOf(statement, isAtDevice);
      return to === undefined ? [] : [to];
    });
    const [to] = targets;
    if (to === undefined) return [];
    const selector = ownSelector(rule, listing);
    const counters = entriesOf(rule).flatMap(([name, value]) => (name === 'counter' ? [fieldsOf(value)] : []));
    return [
      {
        name: nftRuleName(rule),
        family,
        selectors: waysToChain(chainOf(rule), listing).map((way) => allOf([way, selector])),
        to,
        counter: numberOf(counters[0]?.['packets']),
      },
    ];
  });
}

interface PlacedFilter {
  readonly key: string;
  readonly filter: Fields;
}

function filtersOf(tc: unknown): readonly PlacedFilter[] {
  return Object.entries(fieldsOf(fieldsOf(tc)?.['filters']) ?? {}).flatMap(([key, filters]) =>
    objectsOf(filters).flatMap((filter) => {
      const options = fieldsOf(filter['options']);
      // heads of lists, and of tables of u32
      return options === null || 'ht_divisor' in options ? [] : [{ key, filter }];
    }),
  );
}

function filterWay({ key }: PlacedFilter): Selector {
  const [device = '', place] = key.split(' ');
  return {
    ...everything,
    devices: [{ side: place === 'ingress' ? 'in' : 'out', names: [device], isNegated: false }],
  };
}

function tcCopyRules(tc: unknown): readonly CopyRule[] {
  return filtersOf(tc).flatMap((placed): readonly CopyRule[] => {
    const moves = [...objectsWithin(placed.filter)].filter(({ kind }) => kind === 'mirred');
    const to = moves.flatMap((action) => textOf(action['to_dev']) ?? []);
    return moves.length === 0
      ? []
      : [
          {
            name: tcRuleName(placed.key, placed.filter),
            family: 'tc',
            selectors: [allOf([filterWay(placed), tcSelector(placed.filter)])],
            to: to.length < moves.length ? null : to,
            counter: null,
          },
        ];
  });
}

/** What a word of iptables selects by; the arguments behind it, and `isNegated` after `!`. */
function xtablesOption(option: string, value: string, family: 4 | 6, isNegated: boolean): Selector | null {
  const port = (text: string): Range => {
    const [from = '0', to = from] = text.split(':');
    return { first: BigInt(from), last: BigInt(to) };
  };
  const device = (side: DeviceConstraint['side']): Selector => ({
    ...everything,
    devices: [{ side, names: [value.replace(/\+$/, '*')], isNegated }],
  });
  const address = (side: 'source' | 'destination'): Selector | null => {
    const field = `${side}${family}` as const;
    const prefix = parsePrefix(value.includes('/') ? value : `${value}/${fieldBits[field]}`);
    const ip = prefix === null ? null : addressValue(prefix.address, family);
    return prefix === null || ip === null ? null : isIn(field, [prefixRange(field, ip, prefix.prefix)], isNegated);
  };
  switch (option) {
    case '-p': {
      const number = valueOf('protocol', value, family === 6);
      return number === null ? null : isIn('protocol', [{ first: number, last: number }], isNegated);
    }
    case '-s':
      return address('source');
    case '-d':
      return address('destination');
    case '-i':
      return device('in');
    case '-o':
      return device('out');
    case '--sport':
      return isIn('sourcePort', [port(value)], isNegated);
    case '--dport':
      return isIn('destinationPort', [port(value)], isNegated);
    case '--mac-source': {
      const mac = macValue(value);
      return mac === null ? null : isIn('sourceMac', [{ first: mac, last: mac }], isNegated);
    }
    case '--tcp-flags': {
      const [mask, bits] = value.split(' ').map((flags) => BigInt(flags));
      const ranges = [{ first: bits ?? 0n, last: bits ?? 0n }];
      return { ...everything, constraints: [{ field: 'tcpFlags', mask: mask ?? 0xffn, ranges, isNegated }] };
    }
    default:
      return null;
  }
}

/** A rule of iptables in the words of iptables-save(8), one option an element: `-p tcp`, `! --dport 80:90`. */
export function xtablesSelector(options: readonly string[], family: 4 | 6): Selector {
  const conditions = options.map((text): Selector => {
    const [, not, option = '', value = ''] = /^(! )?(\S+) ?(.*)$/.exec(text) ?? [];
    return xtablesOption(option, value, family, not !== undefined) ?? unknownPart(text);
  });
  return allOf([isOneOf('etherType', family === 4 ? etherTypes.ipv4 : etherTypes.ipv6), ...conditions]);
}

function legacyCopyRules({ legacyTables = [] }: HostState): readonly CopyRule[] {
  return legacyTables.flatMap(({ program, table, copies = [] }) =>
    copies.map(({ chain, number, matches }) => ({
      name: legacyRuleName({ program, table }, { chain, number }),
      family: program === 'ip6tables-legacy' ? 'ip6' : 'ip',
      selectors: [
        allOf([
          xtablesSelector(matches, program === 'ip6tables-legacy' ? 6 : 4),
          ['PREROUTING', 'FORWARD', 'POSTROUTING'].includes(chain) ? everything : unknownPart('a way to its chain'),
        ]),
      ],
      to: null,
      counter: null,
    })),
  );
}

/** The rules of a host that copy or move frames. */
export function copyRules(state: HostState, listing: Listing): readonly CopyRule[] {
  return [...nftCopyRules(listing), ...tcCopyRules(state.tc), ...legacyCopyRules(state)];
}

/** Statements of nft that keep state, or act on more than the frame. */
const actingStatements: ReadonlySet<string> = new Set([
  ...['queue', 'tproxy', 'log', 'set', 'map', 'meter', 'ct count', 'ct expectation', 'ct helper', 'ct timeout'],
  ...['quota', 'limit', 'masquerade', 'snat', 'dnat', 'redirect', 'synproxy', 'flow', 'last', 'reject'],
]);
/** Matches and targets of xtables that do neither; of all others it is not known. */
const idleExtensions: ReadonlySet<string> = new Set([
  ...['TEE', 'MARK', 'CLASSIFY', 'CHECKSUM', 'DSCP', 'TOS', 'TTL', 'HL', 'TCPMSS', 'standard', 'comment', 'mac'],
  ...['tcp', 'udp', 'icmp', 'icmp6', 'multiport', 'iprange', 'physdev', 'addrtype', 'mark', 'conntrack', 'state'],
  ...['set', 'limit-burst', 'pkttype', 'length', 'ttl', 'hl', 'dscp', 'tos', 'among', 'ip', 'ip6', 'arp', 'rpfilter'],
]);
const idleActions: ReadonlySet<string> = new Set(['gact', 'mirred', 'csum', 'pedit', 'skbedit', 'vlan']);

function isActing([name, value]: readonly [string, unknown]): boolean {
  const fields = fieldsOf(value) ?? {};
  if (name === 'xt') return !idleExtensions.has(textOf(fields['name']) ?? '');
  if (name === 'mangle') return 'ct' in (fieldsOf(fields['key']) ?? {});
  return actingStatements.has(name);
}

/** A rule that may do more than let a frame through, and the frames that come to it. */
export interface ActingRule {
  readonly name: string;
  readonly family: string;
  readonly does: string;
  readonly selector: Selector;
}

/** The rules that keep state, or act on more than the frame: sockets, logs, address translation, programs. */
export function actingRules(state: HostState, listing: Listing): readonly ActingRule[] {
  const byNft = listing.rules.flatMap((rule): readonly ActingRule[] => {
    const acting = entriesOf(rule).find(isActing);
    if (acting === undefined) return [];
    const [statement, value] = acting;
    const does = statement === 'xt' ? (textOf(fieldsOf(value)?.['name']) ?? '?') : statement;
    const selector = ownSelector(rule, listing);
    return [{ name: nftRuleName(rule), family: textOf(rule['family']) ?? '', does, selector }];
  });
  const byTc = filtersOf(state.tc).flatMap((placed): readonly ActingRule[] => {
    const [kind] = [textOf(placed.filter['kind'])];
    const actions = objectsOf(fieldsOf(placed.filter['options'])?.['actions']).map((action) => textOf(action['kind']));
    const does = kind === 'bpf' ? 'bpf' : actions.find((action) => !idleActions.has(action ?? ''));
    const selector = allOf([filterWay(placed), tcSelector(placed.filter)]);
    return does === undefined
      ? []
      : [{ name: tcRuleName(placed.key, placed.filter), family: 'tc', does: does ?? '?', selector }];
  });
  const programs = (state.programs ?? []).filter(({ onlyPasses }) => onlyPasses !== true);
  const byProgram = programs.flatMap(({ device, place, id }) =>
    (['in', 'out'] as const).map((side) => ({
      name: `BPF program ${id} at ${device} ${place}`,
      family: 'tc',
      does: 'a program',
      selector: { ...everything, devices: [{ side, names: [device], isNegated: false }] },
    })),
  );
  const byLegacy = (state.legacyTables ?? []).flatMap((legacy): readonly ActingRule[] => {
    const { program, table, targets, matches } = legacy;
    const does =
      targets === null || matches === undefined
        ? 'rules that are not read'
        : [...targets, ...matches].find((name) => !idleExtensions.has(name));
    const family = { 'iptables-legacy': 'ip', 'ip6tables-legacy': 'ip6', 'ebtables-legacy': 'bridge' }[program];
    return does === undefined ? [] : [{ name: `${program} ${table}`, family, does, selector: everything }];
  });
  return [...byNft, ...byTc, ...byProgram, ...byLegacy];
}

/** How many rules were read: of nft, filters of tc at these devices, of xtables that nft does not list. */
export function countRules(
  { tc, legacyTables = [] }: HostState,
  { rules }: Listing,
  segment: ReadonlySet<string>,
): number {
  const filters = filtersOf(tc).filter(({ key }) => segment.has(key.split(' ')[0] ?? ''));
  return rules.length + filters.length + legacyTables.reduce((sum, table) => sum + table.rules, 0);
}

/** What is to be said of rules, whether they are about to be asked or were. */
interface SaidRules {
  readonly read: number;
  readonly rules: readonly { readonly witnesses: readonly unknown[]; readonly notAsked?: string | null }[];
}

/** `rules: 40 read, 3 copy or move: 2 asked (9 witnesses), 1 not: needs ct mark 7`. */
export function surveyText({ read, rules }: SaidRules): string {
  const left = rules.filter(({ witnesses }) => witnesses.length === 0);
  const sent = rules.reduce((sum, { witnesses }) => sum + witnesses.length, 0);
  const reasons = [...new Set(left.flatMap(({ notAsked }) => notAsked ?? []))];
  return [
    `rules: ${read} read, ${rules.length} ${rules.length === 1 ? 'copies or moves' : 'copy or move'}: ${rules.length - left.length} asked (${counted(sent, 'witness', 'witnesses')})`,
    ...(left.length === 0 ? [] : [`${left.length} not: ${reasons.join('; ')}`]),
  ].join(', ');
}
