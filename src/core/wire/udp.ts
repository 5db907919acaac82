import { readU16, writeU16 } from './bytes.js';

/** RFC 768. */
export const udpLength = 8;

export interface UdpHeader {
  readonly srcPort: number;
  readonly dstPort: number;
  /** Header and data, by the sender. */
  readonly length: number;
  readonly checksumAt: number;
  readonly payloadAt: number;
}

export function parseUdp(bytes: Uint8Array, at: number, end: number): UdpHeader | null {
  if (at < 0 || at + udpLength > Math.min(end, bytes.length)) return null;
  return {
    srcPort: readU16(bytes, at),
    dstPort: readU16(bytes, at + 2),
    length: readU16(bytes, at + 4),
    checksumAt: at + 6,
    payloadAt: at + udpLength,
  };
}

export function writeUdp(
  into: Uint8Array,
  at: number,
  fields: { readonly srcPort: number; readonly dstPort: number; readonly payloadLength: number },
): number {
  writeU16(into, at, fields.srcPort);
  writeU16(into, at + 2, fields.dstPort);
  writeU16(into, at + 4, udpLength + fields.payloadLength);
  writeU16(into, at + 6, 0);
  return at + udpLength;
}
