import { checksumOf, sumOf, writeU16 } from './bytes.js';

/** IGMPv2 (RFC 2236 2): type, time, checksum, group. */
export const igmpLength = 8;

/** Writes a general query with checksum; answers within 1 s. */
export function writeIgmpQuery(into: Uint8Array, at: number): number {
  into.fill(0, at, at + igmpLength);
  into[at] = 0x11;
  into[at + 1] = 10;
  writeU16(into, at + 2, checksumOf(sumOf(into, at, at + igmpLength)));
  return at + igmpLength;
}

/** MLDv1 (RFC 2710 3): type, code, checksum, delay, reserved, group. */
export const mldLength = 24;

/** Writes a general query; answers within 1 s. */
export function writeMldQuery(into: Uint8Array, at: number): number {
  into.fill(0, at, at + mldLength);
  into[at] = 130;
  writeU16(into, at + 4, 1000);
  return at + mldLength;
}
