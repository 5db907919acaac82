import { etherTypes } from './ethernet.js';
import { readU16, writeU16 } from './bytes.js';

/** ARP for IPv4 over Ethernet (RFC 826), without padding. */
export const arpLength = 28;
export const arpOperations = { request: 1, reply: 2 } as const;

export interface ArpBody {
  readonly operation: number;
  readonly senderMacAt: number;
  readonly senderIpAt: number;
  readonly targetMacAt: number;
  readonly targetIpAt: number;
  readonly trailerAt: number;
}

export function parseArp(bytes: Uint8Array, at: number, end: number): ArpBody | null {
  if (at < 0 || at + arpLength > Math.min(end, bytes.length)) return null;
  if (
    readU16(bytes, at) !== 1 ||
    readU16(bytes, at + 2) !== etherTypes.ipv4 ||
    bytes[at + 4] !== 6 ||
    bytes[at + 5] !== 4
  )
    return null;
  return {
    operation: readU16(bytes, at + 6),
    senderMacAt: at + 8,
    senderIpAt: at + 14,
    targetMacAt: at + 18,
    targetIpAt: at + 24,
    trailerAt: at + arpLength,
  };
}

export interface ArpFields {
  readonly operation: number;
  readonly senderMac: Uint8Array;
  readonly senderIp: Uint8Array;
  readonly targetMac: Uint8Array;
  readonly targetIp: Uint8Array;
}

export function writeArp(into: Uint8Array, at: number, fields: ArpFields): number {
  writeU16(into, at, 1);
  writeU16(into, at + 2, etherTypes.ipv4);
  into[at + 4] = 6;
  into[at + 5] = 4;
  writeU16(into, at + 6, fields.operation);
  into.set(fields.senderMac, at + 8);
  into.set(fields.senderIp, at + 14);
  into.set(fields.targetMac, at + 18);
  into.set(fields.targetIp, at + 24);
  return at + arpLength;
}
