import { readU16, readU32, writeU16, writeU32 } from './bytes.js';

/** TCP (RFC 9293 3.1) without options. */
export const tcpLength = 20;
export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, psh: 0x08, ack: 0x10 } as const;

export interface TcpHeader {
  readonly srcPort: number;
  readonly dstPort: number;
  readonly sequence: number;
  readonly flags: number;
  readonly checksumAt: number;
  readonly payloadAt: number;
}

/** null also of an impossible data offset. */
export function parseTcp(bytes: Uint8Array, at: number, end: number): TcpHeader | null {
  const limit = Math.min(end, bytes.length);
  if (at < 0 || at + tcpLength > limit) return null;
  const headerLength = ((bytes[at + 12] ?? 0) >> 4) * 4;
  if (headerLength < tcpLength || at + headerLength > limit) return null;
  return {
    srcPort: readU16(bytes, at),
    dstPort: readU16(bytes, at + 2),
    sequence: readU32(bytes, at + 4),
    flags: bytes[at + 13] ?? 0,
    checksumAt: at + 16,
    payloadAt: at + headerLength,
  };
}

export function writeTcp(
  into: Uint8Array,
  at: number,
  fields: {
    readonly srcPort: number;
    readonly dstPort: number;
    readonly sequence: number;
    readonly flags: number;
    readonly window: number;
  },
): number {
  into.fill(0, at, at + tcpLength);
  writeU16(into, at, fields.srcPort);
  writeU16(into, at + 2, fields.dstPort);
  writeU32(into, at + 4, fields.sequence);
  into[at + 12] = (tcpLength / 4) << 4;
  into[at + 13] = fields.flags;
  writeU16(into, at + 14, fields.window);
  return at + tcpLength;
}
