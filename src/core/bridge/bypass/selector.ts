import { parseIp } from '../../text/ip-address.js';
import { macBytes } from '../../wire/ethernet.js';

/** Rule fields with their bits (RFC 791 to 9293). */
export const fieldBits = {
  destinationMac: 48,
  sourceMac: 48,
  etherType: 16,
  source4: 32,
  destination4: 32,
  source6: 128,
  destination6: 128,
  protocol: 8,
  sourcePort: 16,
  destinationPort: 16,
  tcpFlags: 8,
  icmpType: 8,
  icmpCode: 8,
  /** Behind the Ethernet header and tags. */
  length: 16,
  dscp: 6,
  hopLimit: 8,
} as const;
export type FieldName = keyof typeof fieldBits;

export interface Range {
  readonly first: bigint;
  readonly last: bigint;
}

/** The field under `mask` is in one range. `isNegated`: in none. */
export interface Constraint {
  readonly field: FieldName;
  readonly mask: bigint;
  readonly ranges: readonly Range[];
  readonly isNegated: boolean;
}

/** Entry or exit device. A name may end in `*`. */
export interface DeviceConstraint {
  readonly side: 'in' | 'out';
  readonly names: readonly string[];
  readonly isNegated: boolean;
}

/** Frames that meet all conditions. */
export interface Selector {
  readonly constraints: readonly Constraint[];
  readonly devices: readonly DeviceConstraint[];
  /** In the rule's words: `ct mark 7`. */
  readonly unknown: readonly string[];
}

/** A frame's fields, without missing ones. */
export type FrameFields = Readonly<Partial<Record<FieldName, bigint>>>;

/** Devices on a frame's way, by hook. null = any. */
export interface DevicesOnWay {
  readonly in: string | null;
  readonly out: string | null;
}

export const everything: Selector = { constraints: [], devices: [], unknown: [] };

/** Frames that all selectors take. */
export function allOf(selectors: readonly Selector[]): Selector {
  return {
    constraints: selectors.flatMap(({ constraints }) => constraints),
    devices: selectors.flatMap(({ devices }) => devices),
    unknown: selectors.flatMap(({ unknown }) => unknown),
  };
}

export function unknownPart(text: string): Selector {
  return { ...everything, unknown: [text] };
}

function allBits(field: FieldName): bigint {
  return (1n << BigInt(fieldBits[field])) - 1n;
}

export function isIn(field: FieldName, ranges: readonly Range[], isNegated = false): Selector {
  return { ...everything, constraints: [{ field, mask: allBits(field), ranges, isNegated }] };
}

/** Frames with this value under `mask`. */
export function maskedField(field: FieldName, mask: bigint, value: bigint, isNegated = false): Selector {
  return { ...everything, constraints: [{ field, mask, ranges: [{ first: value, last: value }], isNegated }] };
}

export function isOneOf(field: FieldName, ...values: readonly number[]): Selector {
  return isIn(
    field,
    values.map((value) => ({ first: BigInt(value), last: BigInt(value) })),
  );
}

export function holds({ mask, ranges, isNegated }: Constraint, value: bigint): boolean {
  const masked = value & mask;
  return ranges.some(({ first, last }) => first <= masked && masked <= last) !== isNegated;
}

/** Compares with names that may end in `*`. */
export function isNamed(device: string, names: readonly string[]): boolean {
  return names.some((name) => (name.endsWith('*') ? device.startsWith(name.slice(0, -1)) : device === name));
}

/**
 * A selector’s answer to a frame on that way: `no` if a condition fails, `perhaps` if parts are unknown, or it names
 * a device and the way has any. A condition on a missing field fails, negated or not: the header is missing.
 */
export function takesFrame(
  { constraints, devices, unknown }: Selector,
  frame: FrameFields,
  way: DevicesOnWay,
): 'yes' | 'no' | 'perhaps' {
  for (const constraint of constraints) {
    const value = frame[constraint.field];
    if (value === undefined || !holds(constraint, value)) return 'no';
  }
  const passes = devices.map(({ side, names, isNegated }) => {
    const device = way[side];
    return device === null ? null : isNamed(device, names) !== isNegated;
  });
  if (passes.includes(false)) return 'no';
  return unknown.length === 0 && !passes.includes(null) ? 'yes' : 'perhaps';
}

const macPattern = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** A 48-bit number. null = no MAC. */
export function macValue(text: string): bigint | null {
  return macPattern.test(text) && macBytes(text) !== null ? BigInt(`0x${text.replaceAll(':', '')}`) : null;
}

/** An address as a number. null = another family. */
export function addressValue(text: string, family: 4 | 6): bigint | null {
  const ip = parseIp(text);
  return ip === null || ip.family !== family ? null : ip.value;
}

interface FieldByte {
  readonly field: FieldName;
  readonly shift: number;
}

type Layout = ReadonlyMap<number, FieldByte>;

function layoutOf(parts: readonly (readonly [at: number, bytes: number, field: FieldName])[]): Layout {
  const layout = new Map<number, FieldByte>();
  for (const [at, bytes, field] of parts)
    for (let i = 0; i < bytes; i += 1) layout.set(at + i, { field, shift: 8 * (bytes - 1 - i) });
  return layout;
}

const ethernet = [
  [-14, 6, 'destinationMac'],
  [-8, 6, 'sourceMac'],
  [-2, 2, 'etherType'],
] as const;
const portsAt = (at: number) =>
  [
    [at, 2, 'sourcePort'],
    [at + 2, 2, 'destinationPort'],
  ] as const;

/** tc-u32(8): headers without options. */
const layouts = {
  ip: layoutOf([
    ...ethernet,
    [2, 2, 'length'],
    [8, 1, 'hopLimit'],
    [9, 1, 'protocol'],
    [12, 4, 'source4'],
    [16, 4, 'destination4'],
    ...portsAt(20),
    [33, 1, 'tcpFlags'],
  ]),
  ipv6: layoutOf([
    ...ethernet,
    [6, 1, 'protocol'],
    [7, 1, 'hopLimit'],
    [8, 16, 'source6'],
    [24, 16, 'destination6'],
    ...portsAt(40),
    [53, 1, 'tcpFlags'],
  ]),
  all: layoutOf(ethernet),
} as const;
export type LayoutName = keyof typeof layouts;

/** Type and code (RFC 792, RFC 4443 2.1) replace ports. */
const icmpLayouts = {
  ip: layoutOf([
    [20, 1, 'icmpType'],
    [21, 1, 'icmpCode'],
  ]),
  ipv6: layoutOf([
    [40, 1, 'icmpType'],
    [41, 1, 'icmpCode'],
  ]),
  all: layoutOf([]),
} as const;

/** 32 masked bits at an offset from the network header. */
export interface WordMatch {
  readonly at: number;
  readonly value: number;
  readonly mask: number;
}

/** RFC 2474 3. */
const [dscpMask, classAt] = [0xfc, 1];

function byteSelector(
  at: number,
  [value, mask]: readonly [number, number],
  layout: LayoutName,
  isIcmp: boolean,
): Selector {
  if (layout === 'ip' && at === classAt && (mask & ~dscpMask) === 0)
    return maskedField('dscp', BigInt(mask >> 2), BigInt(value >> 2));
  const byte = (isIcmp ? icmpLayouts[layout].get(at) : undefined) ?? layouts[layout].get(at);
  if (byte === undefined || (isIcmp && byte.field.endsWith('Port')))
    return unknownPart(`byte ${at} & 0x${mask.toString(16)}`);
  const shift = BigInt(byte.shift);
  return maskedField(byte.field, BigInt(mask) << shift, BigInt(value) << shift);
}

/**
 * Words as field conditions. `isIcmp`: ICMP follows IP. IPv4's first byte is 0x45 without options. Bytes of other
 * fields are unknown.
 */
export function wordsSelector(words: readonly WordMatch[], layout: LayoutName): Selector {
  const bytes = words.flatMap(({ at, value, mask }) =>
    [0, 1, 2, 3].flatMap((i) => {
      const byteOf = (word: number): number => (word >>> (24 - 8 * i)) & 0xff;
      return byteOf(mask) === 0 ? [] : [{ at: at + i, value: byteOf(value), mask: byteOf(mask) }];
    }),
  );
  const protocolAt = layout === 'ip' ? 9 : 6;
  const isIcmp = bytes.some(
    ({ at, value, mask }) => at === protocolAt && mask === 0xff && value === (layout === 'ip' ? 1 : 58),
  );
  return allOf(
    bytes
      .filter(({ at, value, mask }) => !(layout === 'ip' && at === 0 && (0x45 & mask) === value))
      .map(({ at, value, mask }) => byteSelector(at, [value, mask], layout, isIcmp)),
  );
}

const maxValues = 8;

function valuesNear({ field, mask, ranges, isNegated }: Constraint, value: bigint): readonly bigint[] {
  const outside = value & ~mask & allBits(field);
  return ranges.slice(0, maxValues).flatMap(({ first, last }) => {
    const ends = isNegated ? [last + 1n, first - 1n] : [first, last];
    return ends.filter((end) => end >= 0n && end <= allBits(field) && (end & ~mask) === 0n).map((end) => outside | end);
  });
}

/**
 * At most eight values that meet all of a field's conditions: `usual`, and the ends of each range. Empty: none found.
 */
export function valuesOf(field: FieldName, { constraints }: Selector, usual: bigint): readonly bigint[] {
  const conditions = constraints.filter((constraint) => constraint.field === field);
  let values: readonly bigint[] = [usual];
  for (const constraint of conditions)
    values = values
      .flatMap((value) => [
        ...(holds(constraint, value) ? [value] : []),
        ...valuesNear(constraint, value).filter((near) => holds(constraint, near)),
      ])
      .slice(0, maxValues * maxValues);
  return [...new Set(values)]
    .filter((value) => conditions.every((constraint) => holds(constraint, value)))
    .slice(0, maxValues);
}
