import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { etherTypes } from '../../wire/ethernet.js';
import { tcpFlags } from '../../wire/tcp.js';
import {
  addressValue,
  allOf,
  type Constraint,
  everything,
  fieldBits,
  type FieldName,
  isIn,
  isOneOf,
  type LayoutName,
  macValue,
  maskedField,
  type Range,
  type Selector,
  unknownPart,
  type WordMatch,
  wordsSelector,
} from './selector.js';

const protocolNumbers = { icmp: 1, tcp: 6, udp: 17, 'ipv6-icmp': 58, icmpv6: 58, sctp: 132 } as const;
const flagBits: Readonly<Record<string, number>> = { ...tcpFlags, urg: 0x20, ecn: 0x40, cwr: 0x80 };
/** EtherTypes as nft, tc and ip-link(8) name them. */
const typeNames: Readonly<Record<string, number>> = {
  ...{ ip: etherTypes.ipv4, ipv4: etherTypes.ipv4, ip6: etherTypes.ipv6, ipv6: etherTypes.ipv6 },
  ...{ arp: etherTypes.arp, vlan: etherTypes.vlan, '8021q': etherTypes.vlan, '802.1Q': etherTypes.vlan },
};
const icmpNames: Readonly<Record<string, number>> = {
  ...{ 'echo-reply': 0, 'destination-unreachable': 3, 'source-quench': 4, redirect: 5, 'echo-request': 8 },
  ...{ 'router-advertisement': 9, 'router-solicitation': 10, 'time-exceeded': 11, 'parameter-problem': 12 },
};
const icmpv6Names: Readonly<Record<string, number>> = {
  ...{ 'destination-unreachable': 1, 'packet-too-big': 2, 'time-exceeded': 3, 'parameter-problem': 4 },
  ...{ 'echo-request': 128, 'echo-reply': 129, 'nd-router-solicit': 133, 'nd-router-advert': 134 },
  ...{ 'nd-neighbor-solicit': 135, 'nd-neighbor-advert': 136, 'nd-redirect': 137 },
};

/** RFC 2474 4.2.2, RFC 2597 6, RFC 3246. */
function codePoint(name: string): number | undefined {
  const [, kind, first = '0', second = '0'] = /^(cs|af)(\d)(\d?)$/.exec(name) ?? [];
  if (kind === undefined) return named({ ef: 46, va: 44, lephb: 1, df: 0 }, name);
  return kind === 'cs' ? 8 * Number(first) : 8 * Number(first) + 2 * Number(second);
}

function named<T>(names: Readonly<Record<string, T>>, name: unknown): T | undefined {
  return typeof name === 'string' && Object.hasOwn(names, name) ? names[name] : undefined;
}

function nameValue(field: FieldName, name: string, isV6: boolean): number | undefined {
  switch (field) {
    case 'etherType':
      return named(typeNames, name);
    case 'protocol':
      return named<number>(protocolNumbers, name);
    case 'icmpType':
      return named(isV6 ? icmpv6Names : icmpNames, name);
    case 'tcpFlags':
      return named(flagBits, name);
    case 'dscp':
      return codePoint(name);
    default:
      return undefined;
  }
}

/** A value as nft prints it. null = not of this field. */
export function valueOf(field: FieldName, value: unknown, isV6: boolean): bigint | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? BigInt(value) : null;
  const bits = Array.isArray(value) ? value : fieldsOf(value)?.['|'];
  if (Array.isArray(bits)) {
    const values = bits.map((bit: unknown) => valueOf(field, bit, isV6));
    return values.reduce<bigint | null>((sum, bit) => (sum === null || bit === null ? null : sum | bit), 0n);
  }
  if (typeof value !== 'string') return null;
  if (field.endsWith('Mac')) return macValue(value);
  if (field.endsWith('4')) return addressValue(value, 4);
  if (field.endsWith('6')) return addressValue(value, 6);
  if (/^(0x[0-9a-f]+|\d+)$/i.test(value)) return BigInt(value);
  const known = nameValue(field, value, isV6);
  return known === undefined ? null : BigInt(known);
}

/** Values of a prefix. null = no such length. */
export function prefixRange(field: FieldName, address: bigint, length: number): Range | null {
  if (!Number.isInteger(length) || length < 0 || length > fieldBits[field]) return null;
  const free = BigInt(fieldBits[field] - length);
  const first = (address >> free) << free;
  return { first, last: first | ((1n << free) - 1n) };
}

function rangesOf(field: FieldName, right: unknown, isV6: boolean, sets: NamedSets): readonly Range[] | null {
  if (typeof right === 'string' && right.startsWith('@')) {
    const elements = sets.get(right.slice(1));
    return elements === undefined ? null : rangesOf(field, { set: elements }, isV6, new Map());
  }
  const { set, elem } = fieldsOf(right) ?? {};
  if (elem !== undefined) return rangesOf(field, fieldsOf(elem)?.['val'], isV6, sets);
  if (!Array.isArray(set)) return rangeOf(field, right, isV6);
  const each = set.map((element: unknown) => rangesOf(field, element, isV6, new Map()));
  return each.includes(null) ? null : each.flatMap((ranges) => ranges ?? []);
}

function rangeOf(field: FieldName, right: unknown, isV6: boolean): readonly Range[] | null {
  const { range, prefix } = fieldsOf(right) ?? {};
  const { addr, len } = fieldsOf(prefix) ?? {};
  const [from = null, to = null] = (Array.isArray(range) ? range : [addr ?? right, addr ?? right]).map((end: unknown) =>
    valueOf(field, end, isV6),
  );
  if (from === null || to === null) return null;
  const only = typeof len === 'number' ? prefixRange(field, from, len) : { first: from, last: to };
  return only === null ? null : [only];
}

type NamedSets = ReadonlyMap<string, readonly unknown[]>;

interface NftField {
  readonly field: FieldName;
  readonly implied: Selector;
  readonly isV6: boolean;
}

const [v4, v6] = [isOneOf('etherType', etherTypes.ipv4), isOneOf('etherType', etherTypes.ipv6)];
const ofProtocol = (...numbers: readonly number[]): Selector => isOneOf('protocol', ...numbers);

/** nft(8), PAYLOAD EXPRESSIONS. */
const nftFields: Readonly<
  Record<string, { readonly implied: Selector; readonly fields: Readonly<Record<string, FieldName>> }>
> = {
  ether: { implied: everything, fields: { saddr: 'sourceMac', daddr: 'destinationMac', type: 'etherType' } },
  ip: {
    implied: v4,
    fields: {
      ...{ saddr: 'source4', daddr: 'destination4', protocol: 'protocol', ttl: 'hopLimit' },
      ...{ dscp: 'dscp', length: 'length' },
    },
  },
  ip6: {
    implied: v6,
    fields: { saddr: 'source6', daddr: 'destination6', nexthdr: 'protocol', hoplimit: 'hopLimit', dscp: 'dscp' },
  },
  tcp: { implied: ofProtocol(6), fields: { sport: 'sourcePort', dport: 'destinationPort', flags: 'tcpFlags' } },
  udp: { implied: ofProtocol(17), fields: { sport: 'sourcePort', dport: 'destinationPort' } },
  sctp: { implied: ofProtocol(132), fields: { sport: 'sourcePort', dport: 'destinationPort' } },
  th: { implied: ofProtocol(6, 17, 132), fields: { sport: 'sourcePort', dport: 'destinationPort' } },
  icmp: { implied: allOf([v4, ofProtocol(1)]), fields: { type: 'icmpType', code: 'icmpCode' } },
  icmpv6: { implied: allOf([v6, ofProtocol(58)]), fields: { type: 'icmpType', code: 'icmpCode' } },
};
const metaFields: Readonly<Record<string, FieldName>> = {
  ...{ protocol: 'etherType', l4proto: 'protocol', length: 'length' },
};
const deviceKeys: Readonly<Record<string, 'in' | 'out'>> = { iifname: 'in', iif: 'in', oifname: 'out', oif: 'out' };

function nftField(left: Fields): NftField | null {
  const { protocol, field } = fieldsOf(left['payload']) ?? {};
  const known = named(nftFields, protocol);
  const payload = known === undefined ? undefined : named(known.fields, field);
  const isV6 = protocol === 'ip6' || protocol === 'icmpv6';
  if (known !== undefined && payload !== undefined) return { field: payload, implied: known.implied, isV6 };
  const meta = named(metaFields, fieldsOf(left['meta'])?.['key']);
  return meta === undefined ? null : { field: meta, implied: everything, isV6: false };
}

function wordsIn(value: unknown, depth = 0): readonly string[] {
  if (typeof value === 'string' || typeof value === 'number') return [String(value)];
  if (depth > 8 || typeof value !== 'object' || value === null) return [];
  const inner = Array.isArray(value) ? value : Object.entries(value).flatMap(keyWords);
  return inner.flatMap((part: unknown) => wordsIn(part, depth + 1));
}

const wrappers: readonly string[] = ['payload', 'meta', 'key', 'field', 'protocol', 'set', 'range', 'prefix', 'val'];

function keyWords([key, value]: readonly [string, unknown]): readonly unknown[] {
  return wrappers.includes(key) ? [value] : [key, value];
}

function matchText({ left, op, right }: Fields): string {
  const sign = op === '==' || op === 'in' ? [] : [textOf(op) ?? ''];
  return [...wordsIn(left), ...sign, ...wordsIn(right)].join(' ').slice(0, 60);
}

function compared({
  op,
  mask,
  ranges,
  field,
}: Omit<Constraint, 'isNegated'> & { readonly op: unknown }): Constraint | null {
  const [{ first, last } = { first: 0n, last: 0n }] = ranges;
  const top = (1n << BigInt(fieldBits[field])) - 1n;
  const within = (...allowed: readonly Range[]): Constraint => ({ field, mask, ranges: allowed, isNegated: false });
  switch (op) {
    case '==':
      return within(...ranges);
    case '!=':
      return { ...within(...ranges), isNegated: true };
    case 'in': // one of the flags is set (nft(8), BITMASK TYPE)
      return { field, mask: first, ranges: [{ first: 0n, last: 0n }], isNegated: true };
    case '<':
      return first === 0n ? within() : within({ first: 0n, last: first - 1n });
    case '<=':
      return within({ first: 0n, last });
    case '>':
      return last >= top ? within() : within({ first: last + 1n, last: top });
    case '>=':
      return within({ first, last: top });
    default:
      return null;
  }
}

function deviceNames(right: unknown, sets: NamedSets): readonly (string | null)[] {
  if (typeof right === 'string' && right.startsWith('@'))
    return sets.get(right.slice(1))?.flatMap((element) => deviceNames(element, new Map())) ?? [null];
  const { set, elem } = fieldsOf(right) ?? {};
  if (elem !== undefined) return [textOf(fieldsOf(elem)?.['val'])];
  return Array.isArray(set) ? set.flatMap((element: unknown) => deviceNames(element, sets)) : [textOf(right)];
}

function deviceSelector(side: 'in' | 'out', { op, right }: Fields, sets: NamedSets): Selector | null {
  const names = deviceNames(right, sets);
  if ((op !== '==' && op !== '!=') || names.includes(null)) return null;
  const constraint = { side, names: names.flatMap((name) => name ?? []), isNegated: op === '!=' };
  return { ...everything, devices: [constraint] };
}

/** libnftables-json(5). */
function matchSelector(match: Fields, sets: NamedSets): Selector {
  const { left, op, right } = match;
  const unknown = unknownPart(matchText(match));
  const side = named(deviceKeys, fieldsOf(fieldsOf(left)?.['meta'])?.['key']);
  if (side !== undefined) return deviceSelector(side, match, sets) ?? unknown;
  const { '&': masked } = fieldsOf(left) ?? {};
  const [inner = left, bits] = Array.isArray(masked) ? masked : [];
  const known = nftField(fieldsOf(inner) ?? {});
  if (known === null) return unknown;
  const { field, implied, isV6 } = known;
  const ranges = rangesOf(field, right, isV6, sets);
  const mask = bits === undefined ? (1n << BigInt(fieldBits[field])) - 1n : valueOf(field, bits, isV6);
  const condition = ranges === null || mask === null ? null : compared({ op, mask, ranges, field });
  return condition === null ? unknown : allOf([implied, { ...everything, constraints: [condition] }]);
}

const passing: ReadonlySet<string> = new Set([
  ...['counter', 'comment', 'dup', 'fwd', 'mangle', 'log', 'accept', 'drop', 'jump', 'goto', 'return', 'continue'],
  ...['set', 'queue', 'ct count', 'masquerade', 'snat', 'dnat', 'redirect', 'tproxy', 'notrack', 'last', 'reject'],
]);

function statementSelector([name, value]: readonly [string, unknown], sets: NamedSets): Selector {
  const fields = fieldsOf(value) ?? {};
  if (name === 'match') return matchSelector(fields, sets);
  // -m comment matches every packet (net/netfilter/xt_comment.c)
  if (name === 'xt')
    return fields['type'] === 'match' && fields['name'] !== 'comment'
      ? unknownPart(`-m ${textOf(fields['name']) ?? '?'}`)
      : everything;
  return passing.has(name) ? everything : unknownPart(name);
}

const families: Readonly<Record<string, Selector>> = {
  ip: v4,
  ip6: v6,
  inet: isOneOf('etherType', etherTypes.ipv4, etherTypes.ipv6),
};

/** Frames that an nft rule takes. `sets`: unchanging ones of its table. */
export function nftSelector(rule: Fields, sets: NamedSets): Selector {
  const statements = objectsOf(rule['expr']).flatMap((statement) => Object.entries(statement));
  return allOf([
    named(families, rule['family']) ?? everything,
    ...statements.map((statement) => statementSelector(statement, sets)),
  ]);
}

/** iproute2 tc/f_flower.c: `10.0.0.0/8`, `443/0xfff0`. */
function flowerField(field: FieldName, value: unknown): Selector | null {
  const text = typeof value === 'number' ? String(value) : (textOf(value) ?? '');
  const [plain = '', after] = text.split('/');
  const first = valueOf(field, plain, field.endsWith('6'));
  if (first === null) return null;
  if (after === undefined) return isIn(field, [{ first, last: first }]);
  if (/^\d+$/.test(after)) {
    const range = prefixRange(field, first, Number(after));
    return range === null ? null : isIn(field, [range]);
  }
  const mask = valueOf(field, after, field.endsWith('6'));
  return mask === null ? null : maskedField(field, mask, first);
}

const flowerFields: Readonly<Record<string, FieldName>> = {
  ...{ src_mac: 'sourceMac', dst_mac: 'destinationMac', eth_type: 'etherType', ip_proto: 'protocol' },
  ...{ src_port: 'sourcePort', dst_port: 'destinationPort', tcp_flags: 'tcpFlags', ip_ttl: 'hopLimit' },
  ...{ icmp_type: 'icmpType', icmp_code: 'icmpCode' },
};

function flowerKey([key, value]: readonly [string, unknown]): Selector {
  const text = textOf(value) ?? '';
  const unknown = unknownPart(`${key} ${wordsIn(value).join(' ')}`);
  if (key === 'src_ip' || key === 'dst_ip') {
    const side = key === 'src_ip' ? 'source' : 'destination';
    return flowerField(text.includes(':') ? `${side}6` : `${side}4`, value) ?? unknown;
  }
  const [, side, end] = /^(src|dst)_port_(min|max)$/.exec(key) ?? [];
  if (side !== undefined) {
    const at = valueOf('sourcePort', value, false);
    if (at === null) return unknown;
    const range = end === 'min' ? { first: at, last: 0xffffn } : { first: 0n, last: at };
    return isIn(side === 'src' ? 'sourcePort' : 'destinationPort', [range]);
  }
  const field = named(flowerFields, key);
  return field === undefined ? unknown : (flowerField(field, value) ?? unknown);
}

/** tc prints hexadecimal without leading zeros. */
function wordOf(match: Fields): WordMatch | null {
  const [value, mask] = ['value', 'mask'].map((key) => Number.parseInt(textOf(match[key]) ?? '', 16));
  const { off, offmask } = match;
  if (typeof off !== 'number' || (offmask !== '' && offmask !== undefined && offmask !== '0')) return null;
  return value === undefined || mask === undefined || Number.isNaN(value + mask) ? null : { at: off, value, mask };
}

/** Words that a u32 entry compares. null = marks or tables. */
function wordsOfU32(options: Fields): readonly WordMatch[] | null {
  const matches = objectsOf(options['matches'] ?? [options['match']]);
  const words = matches.flatMap((match) => {
    const word = wordOf(match);
    return word === null ? [] : [word];
  });
  // an entry that links to another table takes nothing by itself, one behind a link is not reached by all
  const isWhole = matches.length > 0 && words.length === matches.length && !('link' in options) && !('mark' in options);
  return isWhole ? words : null;
}

function u32Selector(options: Fields, layout: LayoutName): Selector {
  const words = wordsOfU32(options);
  return words === null ? unknownPart('a table or a mark of u32') : wordsSelector(words, layout);
}

function kindSelector(kind: string, options: Fields, layout: LayoutName): Selector {
  switch (kind) {
    case 'matchall':
      return everything;
    case 'u32':
      return u32Selector(options, layout);
    case 'flower':
      return allOf(Object.entries(fieldsOf(options['keys']) ?? {}).map(flowerKey));
    default:
      return unknownPart(`filter ${kind}`);
  }
}

/** Frames that a `tc -j filter show` entry takes. */
export function tcSelector(filter: Fields): Selector {
  const [kind, protocol] = [textOf(filter['kind']) ?? '?', textOf(filter['protocol']) ?? 'all'];
  const options = fieldsOf(filter['options']) ?? {};
  const { chain } = filter;
  const type = named(typeNames, protocol);
  const layout = protocol === 'ip' || protocol === 'ipv6' ? protocol : 'all';
  return allOf([
    kindSelector(kind, options, layout),
    ...(protocol === 'all'
      ? []
      : [type === undefined ? unknownPart(`protocol ${protocol}`) : isOneOf('etherType', type)]),
    ...(typeof chain === 'number' && chain !== 0 ? [unknownPart(`chain ${chain}`)] : []),
  ]);
}
