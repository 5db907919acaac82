import { checksumOf, readU16, sumOf, writeU16 } from './bytes.js';

/** IPv4 (RFC 791 3.1) without options. */
export const ipv4Length = 20;
/** IANA protocol numbers of IPv4 and IPv6. */
export const ipProtocols = { icmp: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const;

/** Offsets into the array. */
export interface IpHeader {
  readonly srcAt: number;
  readonly dstAt: number;
  readonly hopLimit: number;
  /** IPv6: of the first header that is no extension. */
  readonly protocol: number;
  /** No transport header follows: a later fragment, or endless extension headers. */
  readonly laterFragment: boolean;
  readonly payloadAt: number;
  /** Within the captured bytes, by the packet's length. Length 0: segmentation offload, or a jumbogram. */
  readonly payloadEnd: number;
}

/** Skips options. Ignores checksums, which offload leaves open. */
export function parseIpv4(bytes: Uint8Array, at: number, end: number): IpHeader | null {
  const limit = Math.min(end, bytes.length);
  if (at < 0 || at + ipv4Length > limit) return null;
  const first = bytes[at] ?? 0;
  const headerLength = (first & 0x0f) * 4;
  if (first >> 4 !== 4 || headerLength < ipv4Length || at + headerLength > limit) return null;
  const totalLength = readU16(bytes, at + 2);
  return {
    srcAt: at + 12,
    dstAt: at + 16,
    hopLimit: bytes[at + 8] ?? 0,
    protocol: bytes[at + 9] ?? 0,
    laterFragment: (readU16(bytes, at + 6) & 0x1fff) !== 0,
    payloadAt: at + headerLength,
    payloadEnd: totalLength < headerLength ? limit : Math.min(at + totalLength, limit),
  };
}

export interface Ipv4Fields {
  readonly src: Uint8Array;
  readonly dst: Uint8Array;
  readonly protocol: number;
  readonly hopLimit: number;
  /** DSCP in the upper six bits (RFC 2474 3); absent = 0. */
  readonly trafficClass?: number;
  readonly payloadLength: number;
  /** Offset in bytes, a multiple of 8; `more`: parts follow. */
  readonly fragment?: { readonly id: number; readonly offset: number; readonly more: boolean };
}

/** Writes a header with its checksum. A complete datagram has Don't Fragment and identification 0 (RFC 6864 4.1). */
export function writeIpv4(into: Uint8Array, at: number, fields: Ipv4Fields): number {
  into.fill(0, at, at + ipv4Length);
  into[at] = 0x45;
  into[at + 1] = fields.trafficClass ?? 0;
  writeU16(into, at + 2, ipv4Length + fields.payloadLength);
  const { fragment } = fields;
  writeU16(into, at + 4, fragment?.id ?? 0);
  writeU16(into, at + 6, fragment === undefined ? 0x4000 : (fragment.more ? 0x2000 : 0) | (fragment.offset / 8));
  into[at + 8] = fields.hopLimit;
  into[at + 9] = fields.protocol;
  into.set(fields.src, at + 12);
  into.set(fields.dst, at + 16);
  writeU16(into, at + 10, checksumOf(sumOf(into, at, at + ipv4Length)));
  return at + ipv4Length;
}

/** 4 bytes; null = no address. Refuses leading zeros, which some readers take for octal. */
export function ipv4Bytes(text: string): Uint8Array | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)) return null;
  return Uint8Array.from(parts, Number);
}

/** Dotted decimal. */
export function ipv4Text(bytes: Uint8Array, at: number): string {
  return `${bytes[at] ?? 0}.${bytes[at + 1] ?? 0}.${bytes[at + 2] ?? 0}.${bytes[at + 3] ?? 0}`;
}
