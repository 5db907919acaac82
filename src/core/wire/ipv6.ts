import { type IpHeader, ipv4Bytes, type Ipv4Fields } from './ipv4.js';
import { readU16, readU32, writeU16 } from './bytes.js';

/** RFC 8200 3. */
export const ipv6Length = 40;
const ipv6AddressLength = 16;
const maxExtensions = 8;

/** RFC 8200 4.5: fragment headers have no length. RFC 4302 2.2: authentication headers count 4 bytes. */
function extensionLength(protocol: number, words: number): number {
  if (protocol === 44) return 8;
  return protocol === 51 ? (words + 2) * 4 : (words + 1) * 8;
}

/** Skips extension headers. */
export function parseIpv6(bytes: Uint8Array, at: number, end: number): IpHeader | null {
  const limit = Math.min(end, bytes.length);
  if (at < 0 || at + ipv6Length > limit || (bytes[at] ?? 0) >> 4 !== 6) return null;
  const length = readU16(bytes, at + 4);
  const payloadEnd = length === 0 ? limit : Math.min(at + ipv6Length + length, limit);
  let protocol = bytes[at + 6] ?? 0;
  let payloadAt = at + ipv6Length;
  let laterFragment = false;
  for (let i = 0; isExtension(protocol) && !laterFragment; i += 1) {
    if (i === maxExtensions || payloadAt + 8 > payloadEnd) {
      laterFragment = true;
      break;
    }
    const next = bytes[payloadAt] ?? 0;
    if (protocol === 44) laterFragment = readU16(bytes, payloadAt + 2) >> 3 !== 0;
    payloadAt = Math.min(payloadEnd, payloadAt + extensionLength(protocol, bytes[payloadAt + 1] ?? 0));
    protocol = next;
  }
  return {
    srcAt: at + 8,
    dstAt: at + 24,
    hopLimit: bytes[at + 7] ?? 0,
    protocol,
    laterFragment,
    payloadAt,
    payloadEnd,
  };
}

function isExtension(protocol: number): boolean {
  return protocol === 0 || protocol === 43 || protocol === 44 || protocol === 51 || protocol === 60;
}

export type Ipv6Fields = Omit<Ipv4Fields, 'fragment'>;

export function writeIpv6(into: Uint8Array, at: number, fields: Ipv6Fields): number {
  into.fill(0, at, at + ipv6Length);
  writeU16(into, at, 0x6000 | ((fields.trafficClass ?? 0) << 4));
  writeU16(into, at + 4, fields.payloadLength);
  into[at + 6] = fields.protocol;
  into[at + 7] = fields.hopLimit;
  into.set(fields.src, at + 8);
  into.set(fields.dst, at + 24);
  return at + ipv6Length;
}

/** Each written with 8 bytes (RFC 8200 4). */
export const ipv6Extensions = { hopByHop: 0, fragment: 44, destinationOptions: 60 } as const;
export const ipv6ExtensionLength = 8;

/** RFC 8200 4.5; `offset` in bytes, a multiple of 8. */
export function writeIpv6Fragment(
  into: Uint8Array,
  at: number,
  part: { readonly next: number; readonly id: number; readonly offset: number; readonly more: boolean },
): number {
  into[at] = part.next;
  into[at + 1] = 0;
  writeU16(into, at + 2, part.offset | (part.more ? 1 : 0));
  writeU16(into, at + 4, 0);
  writeU16(into, at + 6, part.id);
  return at + ipv6ExtensionLength;
}

/** Padding only (RFC 8200 4.2, PadN). */
export function writeDestinationOptions(into: Uint8Array, at: number, next: number): number {
  into.set([next, 0, 1, 4, 0, 0, 0, 0], at);
  return at + ipv6ExtensionLength;
}

/** A hop-by-hop header with a router alert for MLD (RFC 2711 2.1). */
export function writeRouterAlert(into: Uint8Array, at: number, next: number): number {
  into.set([next, 0, 5, 2, 0, 0, 1, 0], at);
  return at + ipv6ExtensionLength;
}

/** 16 bytes of RFC 4291 2.2 without zone; null = no address. */
export function ipv6Bytes(text: string): Uint8Array | null {
  const halves = text.split('::');
  if (text.length > 45 || halves.length > 2) return null;
  const head = groupsOf(halves[0] ?? '', halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] ?? '', true) : [];
  if (head === null || tail === null) return null;
  const groupCount = head.length + tail.length;
  if (halves.length === 2 ? groupCount > 7 : groupCount !== 8) return null;
  const bytes = new Uint8Array(ipv6AddressLength);
  head.forEach((group, i) => writeU16(bytes, 2 * i, group));
  tail.forEach((group, i) => writeU16(bytes, 2 * (8 - tail.length + i), group));
  return bytes;
}

function groupsOf(text: string, last: boolean): readonly number[] | null {
  if (text === '') return [];
  const parts = text.split(':');
  const groups: number[] = [];
  for (const [i, part] of parts.entries()) {
    const embedded = last && i === parts.length - 1 && part.includes('.') ? ipv4Bytes(part) : null;
    if (embedded !== null) groups.push(readU16(embedded, 0), readU16(embedded, 2));
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(Number.parseInt(part, 16));
    else return null;
  }
  return groups;
}

/** The address at `at` by RFC 5952: lower case, the longest run of zero groups as `::`. */
export function ipv6Text(bytes: Uint8Array, at: number): string {
  const groups = Array.from({ length: 8 }, (_, i) => readU16(bytes, at + 2 * i));
  if (readU32(bytes, at) === 0 && readU32(bytes, at + 4) === 0 && readU32(bytes, at + 8) === 0xffff) {
    return `::ffff:${bytes[at + 12] ?? 0}.${bytes[at + 13] ?? 0}.${bytes[at + 14] ?? 0}.${bytes[at + 15] ?? 0}`;
  }
  let best = { from: -1, length: 1 }; // RFC 5952 4.2.2: a single zero group is not shortened
  for (let from = 0; from < 8; from += 1) {
    let length = 0;
    while (from + length < 8 && groups[from + length] === 0) length += 1;
    if (length > best.length) best = { from, length };
  }
  const hex = groups.map((group) => group.toString(16));
  if (best.from < 0) return hex.join(':');
  return `${hex.slice(0, best.from).join(':')}::${hex.slice(best.from + best.length).join(':')}`;
}
