import { writeU16 } from './octets.js';

/** MLDv1 (RFC 2710 3): type, code, checksum, delay, reserved, group. */
export const mldLength = 24;

/**
 * Writes a general query (type 130, group ::, to be answered within 1 s) with a zero checksum; returns the offset of
 * what follows.
 */
export function writeMldQuery(into: Uint8Array, at: number): number {
  into.fill(0, at, at + mldLength);
  into[at] = 130;
  writeU16(into, at + 4, 1000);
  return at + mldLength;
}
