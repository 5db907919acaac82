import { readU16, writeU16 } from './bytes.js';

/** RFC 792, RFC 4443: type, code, checksum, then an echo's identifier and sequence. */
export const icmpLength = 8;
export const icmpTypes = { echoReply: 0, echoRequest: 8, echoRequestV6: 128, echoReplyV6: 129 } as const;

/** Unreachable, quench, redirect, time exceeded, parameter problem. ICMPv6 errors are 0 to 127. */
const errorTypes = [3, 4, 5, 11, 12];

/** Errors quote their datagram (RFC 792, RFC 4443, section 2.1). */
export function isIcmpError(ipVersion: 0 | 4 | 6, type: number): boolean {
  return ipVersion === 4 ? errorTypes.includes(type) : ipVersion === 6 && type >= 0 && type < 128;
}

export interface IcmpHeader {
  readonly type: number;
  readonly code: number;
  readonly checksumAt: number;
  readonly identifier: number;
  readonly sequence: number;
  readonly payloadAt: number;
}

/** Only an echo has identifier and sequence. */
export function parseIcmp(bytes: Uint8Array, at: number, end: number): IcmpHeader | null {
  if (at < 0 || at + icmpLength > Math.min(end, bytes.length)) return null;
  return {
    type: bytes[at] ?? 0,
    code: bytes[at + 1] ?? 0,
    checksumAt: at + 2,
    identifier: readU16(bytes, at + 4),
    sequence: readU16(bytes, at + 6),
    payloadAt: at + icmpLength,
  };
}

export function writeEcho(
  into: Uint8Array,
  at: number,
  fields: { readonly type: number; readonly identifier: number; readonly sequence: number },
): number {
  into[at] = fields.type;
  into[at + 1] = 0;
  writeU16(into, at + 2, 0);
  writeU16(into, at + 4, fields.identifier);
  writeU16(into, at + 6, fields.sequence);
  return at + icmpLength;
}
