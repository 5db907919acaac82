import type { HostState } from '../../model/state.js';
import { addTo, groupBy, once } from '../../text/collections.js';
import { fieldsOf, textOf } from '../../text/json-text.js';
import { parseIp } from '../../text/ip-address.js';
import { etherTypes } from '../../wire/ethernet.js';
import type { NftRule } from '../rules.js';
import { baseChainsOf, type Listing, listingOf, ownSelector, waysToChain } from './copy-rules.js';
import { nftSelector } from './rule-selectors.js';
import { addressValue, allOf, type DevicesOnWay, type FrameFields, type Selector, takesFrame } from './selector.js';

const ipFamilies: readonly string[] = ['ip', 'ip6', 'inet'];

/** A packet at IP's hook `forward`. */
export interface Forwarded {
  readonly fields: FrameFields;
  readonly way: DevicesOnWay;
}

/** UDP or TCP between two addresses of one family. `in`, `out`: the host's devices. */
export function packetBetween(
  [source, destination]: readonly [string, string],
  way: DevicesOnWay,
  protocol: 'udp' | 'tcp' = 'udp',
): Forwarded {
  const family = parseIp(source)?.family === 6 ? 6 : 4;
  const addresses = { [`source${family}`]: source, [`destination${family}`]: destination };
  return {
    fields: {
      etherType: BigInt(family === 6 ? etherTypes.ipv6 : etherTypes.ipv4),
      protocol: protocol === 'udp' ? 17n : 6n,
      ...Object.fromEntries(
        Object.entries(addresses).map(([field, text]) => [field, addressValue(text, family) ?? 0n]),
      ),
    },
    way,
  };
}

interface Verdict {
  readonly verb: 'accept' | 'drop' | 'return' | 'jump' | 'goto';
  /** A chain's place; empty without one. */
  readonly target: string;
}

/** iptables-nft writes its targets as `xt` (libxtables). */
function plainVerdict(name: string, value: unknown, table: string): Verdict | null {
  const fields = fieldsOf(value) ?? {};
  if (name === 'xt' && fields['type'] === 'target')
    return fields['name'] === 'REJECT' || fields['name'] === 'DROP' ? { verb: 'drop', target: '' } : null;
  if (name === 'drop' || name === 'reject') return { verb: 'drop', target: '' };
  if (name === 'accept' || name === 'return') return { verb: name, target: '' };
  if (name === 'jump' || name === 'goto') return { verb: name, target: `${table} ${String(fields['target'])}` };
  return null;
}

const deviceKeys: Readonly<Record<string, keyof DevicesOnWay>> = {
  iifname: 'in',
  iif: 'in',
  oifname: 'out',
  oif: 'out',
};

/** A verdict map by device (nft(8), VERDICT MAP), as Docker's `filter-forward-in-jumps`. */
function mappedVerdict(value: unknown, { table }: NftRule, way: DevicesOnWay, { listed }: Listing): Verdict | null {
  const { key, data } = fieldsOf(value) ?? {};
  const side = deviceKeys[textOf(fieldsOf(fieldsOf(key)?.['meta'])?.['key']) ?? ''];
  const named = listed('map').find(
    (map) => `${String(map['family'])} ${String(map['table'])}` === table && `@${String(map['name'])}` === data,
  );
  const elements = named?.['elem'] ?? fieldsOf(data)?.['set'];
  if (side === undefined || !Array.isArray(elements)) return null;
  for (const element of elements) {
    const [device, verdict]: readonly unknown[] = Array.isArray(element) ? element : [];
    const [[name, target] = ['', null]] = Object.entries(fieldsOf(verdict) ?? {});
    if (device === way[side]) return plainVerdict(name, target, table);
  }
  return null;
}

function verdictOf(rule: NftRule, way: DevicesOnWay, listing: Listing): Verdict | null {
  for (const [name, value] of rule.statements) {
    const verdict = name === 'vmap' ? mappedVerdict(value, rule, way, listing) : plainVerdict(name, value, rule.table);
    if (verdict !== null) return verdict;
  }
  return null;
}

interface Chains {
  readonly rulesIn: ReadonlyMap<string, readonly NftRule[]>;
  readonly selectorOf: (rule: NftRule) => Selector;
}

const chainsOf = once((listing: Listing): Chains => {
  const selectorOf = once((rule: NftRule) =>
    nftSelector(
      { ...rule.fields, expr: rule.parts.filter((part) => !('vmap' in part)) },
      listing.sets.get(rule.table) ?? new Map(),
    ),
  );
  return { rulesIn: groupBy(listing.rules, ({ place }) => place), selectorOf };
});

/** A rule that may take a packet. `isSure`: it has no condition that is not known. */
export interface TakingRule extends Verdict {
  readonly rule: NftRule;
  readonly isSure: boolean;
}

/** Rules of a chain that may take the packet and have a verdict. */
export function rulesTaking(place: string, { fields, way }: Forwarded, listing: Listing): readonly TakingRule[] {
  const { rulesIn, selectorOf } = chainsOf(listing);
  return (rulesIn.get(place) ?? []).flatMap((rule) => {
    const takes = takesFrame(selectorOf(rule), fields, way);
    const verdict = takes === 'no' ? null : verdictOf(rule, way, listing);
    return verdict === null ? [] : [{ ...verdict, rule, isSure: takes === 'yes' }];
  });
}

const maxJumps = 8;

/** Collects decisions in their order. True = no later rule counts. */
function decide(place: string, packet: Forwarded, listing: Listing, into: TakingRule[], depth = 0): boolean {
  for (const taking of rulesTaking(place, packet, listing)) {
    const { verb, target, isSure } = taking;
    if (!isSure) continue;
    if (verb === 'accept' || verb === 'drop') into.push(taking);
    if (verb === 'drop') return true;
    if (verb === 'return') return false;
    const isOver = verb !== 'accept' && depth < maxJumps && decide(target, packet, listing, into, depth + 1);
    if (isOver) return true;
    if (verb === 'goto') return false;
  }
  return false;
}

/** Places of IP's chains at the hook `forward`. */
export function forwardHooks({ chains }: Listing): readonly string[] {
  return [...chains.values()].flatMap(({ family, hook, place }) =>
    hook === 'forward' && ipFamilies.includes(family) ? [place] : [],
  );
}

/** A rule that drops a packet, and those before it that accept what it would drop. */
interface Barrier {
  readonly drop: NftRule;
  readonly accepts: readonly NftRule[];
}

/**
 * A rule of each hook chain that surely takes the packet and drops it, if no rule before accepts it. An accepting
 * rule ends its own hook chain alone (nft(8), VERDICT STATEMENTS). Unknown conditions (conntrack, marks) are not met.
 */
export function barriersTo(state: Pick<HostState, 'nft'>, packet: Forwarded): readonly Barrier[] {
  const listing = listingOf(state);
  return forwardHooks(listing).flatMap((place) => {
    const decisions: TakingRule[] = [];
    decide(place, packet, listing, decisions);
    const last = decisions.at(-1);
    return last?.verb === 'drop' ? [{ drop: last.rule, accepts: decisions.slice(0, -1).map(({ rule }) => rule) }] : [];
  });
}

/** The device that frames enter and leave by, if the selector asks for nothing else. */
function onlyDevice({ constraints, devices, unknown }: Selector): string | null {
  if (unknown.length > 0 || constraints.some(({ field }) => field !== 'etherType')) return null;
  const [device = '', ...others] = new Set(devices.flatMap(({ names }) => names));
  const sides = new Set(devices.map(({ side }) => side));
  const isOne = others.length === 0 && sides.size === 2 && !device.endsWith('*');
  return isOne && devices.every(({ isNegated }) => !isNegated) ? device : null;
}

function hasVerdict({ statements }: NftRule, ...verdicts: readonly string[]): boolean {
  return statements.some(([name]) => verdicts.includes(name));
}

function devicesOf(rule: NftRule, listing: Listing): readonly string[] {
  if (!ipFamilies.includes(rule.family) || !hasVerdict(rule, 'accept', 'drop', 'reject')) return [];
  const selector = ownSelector(rule, listing);
  if (selector.unknown.length > 0 || selector.devices.length === 0) return [];
  if (!baseChainsOf(rule, listing).some(({ hook }) => hook === 'forward')) return [];
  return waysToChain(rule.place, listing).flatMap((way) => onlyDevice(allOf([way, selector])) ?? []);
}

const byDevice = once((listing: Listing): ReadonlyMap<string, readonly NftRule[]> => {
  const rules = new Map<string, NftRule[]>();
  for (const rule of listing.rules) for (const device of new Set(devicesOf(rule, listing))) addTo(rules, device, rule);
  return rules;
});

/**
 * Rules of IP's families that drop all that leaves a bridge where it came in: guests are to be kept apart, as by Docker
 * without `icc`. Empty if another rule accepts the same.
 */
export function dropsWithin(state: Pick<HostState, 'nft'>, bridge: string): readonly NftRule[] {
  const within = byDevice(listingOf(state)).get(bridge) ?? [];
  if (within.some((rule) => hasVerdict(rule, 'accept'))) return [];
  return within.filter((rule) => hasVerdict(rule, 'drop', 'reject'));
}
