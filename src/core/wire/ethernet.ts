import type { Mac } from '../model/scenario.js';
import { readU16, readU32, writeU16 } from './bytes.js';

/** Ethernet II (IEEE 802.3 3.2): destination, source, type. */
export const ethernetLength = 14;
export const macLength = 6;

/** 0x88b5 is "local experimental 1" (IEEE registration authority). */
export const etherTypes = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  serviceVlan: 0x88a8,
  ipv6: 0x86dd,
  experimental: 0x88b5,
} as const;

/** Offsets into the array. `etherType` below 0x600 is a length (802.3 with LLC). */
export interface EthernetHeader {
  readonly dstMacAt: number;
  readonly srcMacAt: number;
  readonly etherType: number;
  readonly payloadAt: number;
}

export function parseEthernet(bytes: Uint8Array, at: number, end: number): EthernetHeader | null {
  if (at < 0 || at + ethernetLength > Math.min(end, bytes.length)) return null;
  return { dstMacAt: at, srcMacAt: at + macLength, etherType: readU16(bytes, at + 12), payloadAt: at + ethernetLength };
}

export function writeEthernet(
  into: Uint8Array,
  at: number,
  header: { readonly dstMac: Uint8Array; readonly srcMac: Uint8Array; readonly etherType: number },
): number {
  into.set(header.dstMac, at);
  into.set(header.srcMac, at + macLength);
  writeU16(into, at + 12, header.etherType);
  return at + ethernetLength;
}

/** 6 bytes of `52:54:00:85:20:d1`, either case; null = no MAC. */
export function macBytes(text: Mac): Uint8Array | null {
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i.test(text)) return null;
  const bytes = new Uint8Array(macLength);
  for (let i = 0; i < macLength; i += 1) bytes[i] = Number.parseInt(text.slice(3 * i, 3 * i + 2), 16);
  return bytes;
}

/** Lower case with colons. */
export function macText(bytes: ArrayLike<number>, at = 0): Mac {
  let text = '';
  for (let i = 0; i < macLength; i += 1)
    text += `${i === 0 ? '' : ':'}${(bytes[at + i] ?? 0).toString(16).padStart(2, '0')}`;
  return text;
}

/**
 * The bit in group_fwd_mask of a link-local group, 01:80:c2:00:00:00 to :0f (IEEE 802.1Q table 8-1); null = another
 * MAC.
 */
export function reservedGroup(mac: Mac): number | null {
  const digit = /^01:80:c2:00:00:0([0-9a-f])$/i.exec(mac)?.[1];
  return digit === undefined ? null : Number.parseInt(digit, 16);
}

/** 48 bits. */
export function macNumber(bytes: Uint8Array, at: number): number {
  return readU16(bytes, at) * 2 ** 32 + readU32(bytes, at + 2);
}

/** Broadcast or multicast: the first byte's lowest bit (IEEE 802, 8.2). */
export function isGroupMac(bytes: Uint8Array, at: number): boolean {
  return ((bytes[at] ?? 0) & 1) === 1;
}

/** The same of a MAC as text. */
export function isGroupMacText(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}
