import type { HostState, LegacyCopy, LegacyTable } from '../../model/state.js';
import { parsePrefix } from '../../text/ip-address.js';
import { fieldsOf, numberOf, textOf } from '../../text/json-text.js';
import { once } from '../../text/collections.js';
import { counted } from '../../text/escape.js';
import { etherTypes } from '../../wire/ethernet.js';
import { nftSelector, prefixRange, tcSelector, valueOf } from './rule-selectors.js';
import {
  addressValue,
  allOf,
  everything,
  fieldBits,
  type FieldName,
  isIn,
  isOneOf,
  macValue,
  maskedField,
  type Range,
  type Selector,
  unknownPart,
} from './selector.js';
import { segmentOf } from './segment.js';
import { type NftChain, type NftRule, nftRules, type NftRules, type TcFilter, tcFilters } from '../rules.js';

export interface CopyRule {
  /** Never its text: `nft netdev t c handle 4`. */
  readonly name: string;
  readonly family: string;
  /** One for each way to it, with the conditions of jumps. */
  readonly selectors: readonly Selector[];
  /** null = by a route. */
  readonly to: readonly string[] | null;
  /** As if received there (tc-mirred(8), `ingress`). */
  readonly isReceived?: true;
  /** null = none. */
  readonly counter: number | null;
}

export function legacyRuleName(
  { program, table }: Pick<LegacyTable, 'program' | 'table'>,
  { chain, number }: Pick<LegacyCopy, 'chain' | 'number'>,
): string {
  return `${program} ${table} ${chain} rule ${number}`;
}

type Sets = ReadonlyMap<string, ReadonlyMap<string, readonly unknown[]>>;

function setsOf({ listed }: NftRules): Sets {
  const sets = new Map<string, Map<string, readonly unknown[]>>();
  for (const { family, table, name, elem = [], flags, timeout } of listed('set')) {
    const isMoving = timeout !== undefined || [flags].flat().some((flag) => flag === 'dynamic' || flag === 'timeout');
    const key = `${String(family)} ${String(table)}`;
    const known = sets.get(key) ?? new Map<string, readonly unknown[]>();
    sets.set(key, known);
    if (!isMoving && Array.isArray(elem)) known.set(String(name), elem);
  }
  return sets;
}

/** Rules with the sets that no packet changes. */
export interface Listing extends NftRules {
  readonly sets: Sets;
}

const withSets = once((rules: NftRules): Listing => ({ ...rules, sets: setsOf(rules) }));

export function listingOf(state: Pick<HostState, 'nft'>): Listing {
  return withSets(nftRules(state));
}

export const ownSelector = ({ fields, table }: NftRule, { sets }: Listing): Selector =>
  nftSelector(fields, sets.get(table) ?? new Map());

/** These have chains of family inet too (nft(8), CHAINS). */
const deviceHooks: readonly unknown[] = ['ingress', 'egress'];
const hooks: readonly unknown[] = [...deviceHooks, 'prerouting', 'forward', 'postrouting'];

function familyOfChain({ hook, devices, family }: NftChain): string {
  return deviceHooks.includes(hook) || devices.length > 0 ? 'netdev' : family;
}

/** Hook chains from which packets may reach a rule. */
export function baseChainsOf({ chain: itsChain, table }: NftRule, { chains }: Listing): readonly NftChain[] {
  return itsChain === undefined || itsChain.hook === null
    ? [...chains.values()].filter((chain) => chain.hook !== null && chain.table === table)
    : [itsChain];
}

/** Families as which a rule sees packets. */
export function familiesOf(rule: NftRule, listing: Listing): readonly string[] {
  const families = new Set(baseChainsOf(rule, listing).map(familyOfChain));
  return families.size === 0 ? [rule.family] : [...families];
}

const [maxJumps, maxWays] = [8, 8];

/** A selector for each way from a hook to a chain, with the conditions of jumps. Verdict maps are not followed. */
export function waysToChain(key: string, listing: Listing, depth = 0): readonly Selector[] {
  const { hook = null, devices: names = [] } = listing.chains.get(key) ?? {};
  if (hook !== null) {
    if (!hooks.includes(hook)) return [unknownPart('packets of the host itself')];
    const side = hook === 'egress' ? 'out' : 'in';
    return [names.length === 0 ? everything : { ...everything, devices: [{ side, names, isNegated: false }] }];
  }
  const jumps = listing.rules.filter(({ table, statements }) =>
    statements.some(
      ([verb, value]) =>
        (verb === 'jump' || verb === 'goto') && `${table} ${String(fieldsOf(value)?.['target'])}` === key,
    ),
  );
  if (jumps.length === 0 || depth > maxJumps) return [unknownPart('a way to its chain')];
  return jumps
    .slice(0, maxWays)
    .flatMap((jump) =>
      waysToChain(jump.place, listing, depth + 1).map((way) => allOf([way, ownSelector(jump, listing)])),
    )
    .slice(0, maxWays);
}

function targetOf([name, value]: readonly [string, unknown], isAtDevice: boolean): CopyRule['to'] | undefined {
  const fields = fieldsOf(value) ?? {};
  if (name === 'xt') return fields['type'] === 'target' && fields['name'] === 'TEE' ? null : undefined;
  if (name !== 'dup' && name !== 'fwd') return undefined;
  const device = textOf(fields['dev'] ?? fields['addr']);
  return isAtDevice && device !== null ? [device] : null;
}

export function nftCopyRules(listing: Listing): readonly CopyRule[] {
  return listing.rules.flatMap((rule): readonly CopyRule[] => {
    // of ten thousand rules few copy: the way to a chain of the others is not looked for
    if (rule.statements.every((statement) => targetOf(statement, false) === undefined)) return [];
    const families = familiesOf(rule, listing);
    const [family = ''] = families;
    const isAtDevice = families.every((name) => name === 'netdev');
    const targets = rule.statements.flatMap((statement) => {
      const to = targetOf(statement, isAtDevice);
      return to === undefined ? [] : [to];
    });
    const [to] = targets;
    if (to === undefined) return [];
    const selector = ownSelector(rule, listing);
    const mixed = families.length > 1 ? [unknownPart('the hook by which a packet came')] : [];
    const counters = rule.statements.flatMap(([name, value]) => (name === 'counter' ? [fieldsOf(value)] : []));
    return [
      {
        name: rule.name,
        family,
        selectors: waysToChain(rule.place, listing).map((way) => allOf([way, selector, ...mixed])),
        to,
        counter: numberOf(counters[0]?.['packets']),
      },
    ];
  });
}

export function filterWay({ device, place }: TcFilter): Selector {
  return {
    ...everything,
    devices: [{ side: place === 'ingress' ? 'in' : 'out', names: [device], isNegated: false }],
  };
}

function tcCopyRules(state: HostState): readonly CopyRule[] {
  return tcFilters(state).flatMap((filter): readonly CopyRule[] => {
    const { name, fields, moves, isRule } = filter;
    const to = moves.flatMap((move) => move.to ?? []);
    return moves.length === 0 || !isRule
      ? []
      : [
          {
            name,
            family: 'tc',
            selectors: [allOf([filterWay(filter), tcSelector(fields)])],
            to: to.length < moves.length ? null : to,
            ...(moves.some((move) => move.fields['direction'] === 'ingress') ? { isReceived: true } : {}),
            counter: null,
          },
        ];
  });
}

function portRange(text: string): Range | null {
  const [, from, to = from] = /^(\d+)(?::(\d+))?$/.exec(text) ?? [];
  return from === undefined || to === undefined ? null : { first: BigInt(from), last: BigInt(to) };
}

function addressRange(field: `${'source' | 'destination'}${4 | 6}`, text: string): Range | null {
  const prefix = parsePrefix(text.includes('/') ? text : `${text}/${fieldBits[field]}`);
  const ip = prefix === null ? null : addressValue(prefix.address, field.endsWith('4') ? 4 : 6);
  return prefix === null || ip === null ? null : prefixRange(field, ip, prefix.prefix);
}

const single = (value: bigint | null): Range | null => (value === null ? null : { first: value, last: value });

const xtablesFields: Readonly<
  Record<string, (value: string, family: 4 | 6) => readonly [field: FieldName, range: Range | null]>
> = {
  '-p': (value, family) => ['protocol', single(valueOf('protocol', value, family === 6))],
  '-s': (value, family) => [`source${family}`, addressRange(`source${family}`, value)],
  '-d': (value, family) => [`destination${family}`, addressRange(`destination${family}`, value)],
  '--sport': (value) => ['sourcePort', portRange(value)],
  '--dport': (value) => ['destinationPort', portRange(value)],
  '--mac-source': (value) => ['sourceMac', single(macValue(value))],
};

function tcpFlagsSelector(value: string, isNegated: boolean): Selector | null {
  const [mask = null, bits = null, more] = value.split(' ').map((flags) => valueOf('tcpFlags', flags, false));
  return mask === null || bits === null || more !== undefined ? null : maskedField('tcpFlags', mask, bits, isNegated);
}

function xtablesOption(option: string, value: string, family: 4 | 6, isNegated: boolean): Selector | null {
  if (option === '-i' || option === '-o') {
    const names = [value.replace(/\+$/, '*')];
    return { ...everything, devices: [{ side: option === '-i' ? 'in' : 'out', names, isNegated }] };
  }
  if (option === '--tcp-flags') return tcpFlagsSelector(value, isNegated);
  if (!Object.hasOwn(xtablesFields, option)) return null;
  const [field, range = null] = xtablesFields[option]?.(value, family) ?? [];
  return field === undefined || range === null ? null : isIn(field, [range], isNegated);
}

/** Parses iptables-save(8) options: `-p tcp`, `! --dport 80:90`. */
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

/** Rules that copy or move frames. */
export function copyRules(state: HostState): readonly CopyRule[] {
  return [...nftCopyRules(listingOf(state)), ...tcCopyRules(state), ...legacyCopyRules(state)];
}

/** Rules by which copies come to `to` over devices between, as an ifb or a pair. */
export interface CopyChain {
  readonly rules: readonly string[];
  readonly to: readonly string[];
}

/** Rules that copy on what others have copied of the frames of these devices. */
export function copyChains(devices: ReadonlySet<string>, state: HostState): readonly CopyChain[] {
  const ways = new Map([...devices].map((device): [string, readonly string[]] => [device, []]));
  const wayTo = ({ selectors }: CopyRule): readonly string[] | undefined => {
    const named = selectors.flatMap((selector) =>
      selector.devices.flatMap(({ names, isNegated }) => (isNegated ? [] : names)),
    );
    return named.length === 0 ? [] : named.map((name) => ways.get(name)).find((way) => way !== undefined);
  };
  const chains: CopyChain[] = [];
  let remaining = copyRules(state);
  for (let before = -1; before !== remaining.length; ) {
    before = remaining.length;
    remaining = remaining.filter((rule) => {
      const [way, to] = [wayTo(rule), rule.to ?? []];
      if (way === undefined) return true;
      const rules = [...way, rule.name];
      if (way.length > 0) chains.push({ rules, to });
      for (const name of segmentOf(new Set(), state, to)) if (!ways.has(name)) ways.set(name, rules);
      return false;
    });
  }
  return chains;
}

/** Counts rules read: nft, xtables that nft does not list, tc filters at these devices. */
export function countRules(state: HostState, segment: ReadonlySet<string>): number {
  const filters = tcFilters(state).filter(({ device, isRule }) => isRule && segment.has(device));
  const legacy = (state.legacyTables ?? []).reduce((sum, table) => sum + table.rules, 0);
  return nftRules(state).rules.length + filters.length + legacy;
}

interface SaidRules {
  readonly read: number;
  readonly rules: readonly { readonly witnesses: readonly unknown[]; readonly notAsked?: string | null }[];
}

/** `rules: 40 read, 3 copy or move: 2 asked (9 witnesses), 1 not: needs ct mark 7`. */
export function surveyText({ read, rules }: SaidRules): string {
  const remaining = rules.filter(({ witnesses }) => witnesses.length === 0);
  const sent = rules.reduce((sum, { witnesses }) => sum + witnesses.length, 0);
  const reasons = [...new Set(remaining.flatMap(({ notAsked }) => notAsked ?? []))];
  return [
    `rules: ${read} read, ${rules.length} ${rules.length === 1 ? 'copies or moves' : 'copy or move'}: ${rules.length - remaining.length} asked (${counted(sent, 'witness', 'witnesses')})`,
    ...(remaining.length === 0 ? [] : [`${remaining.length} not: ${reasons.join('; ')}`]),
  ].join(', ');
}
