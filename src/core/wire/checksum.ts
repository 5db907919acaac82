import { readU16 } from './octets.js';

/**
 * The Internet checksum (RFC 1071), in two halves so that the sum of what does not change is made once: `sumOf` adds
 * 16-bit words without folding (an odd last octet counts as a high one), `checksumOf` folds and complements.
 */
export function sumOf(bytes: Uint8Array, start: number, end: number): number {
  let sum = 0;
  let at = start;
  for (; at + 1 < end; at += 2) sum += readU16(bytes, at);
  if (at < end) sum += (bytes[at] ?? 0) << 8;
  return sum;
}

export function checksumOf(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

/**
 * Sum of the pseudo-header (RFC 9293 3.1 for IPv4, RFC 8200 8.1 for IPv6): two addresses in a row, protocol and length.
 */
export function pseudoHeaderSum(
  bytes: Uint8Array,
  addressesAt: number,
  addressLength: 4 | 16,
  protocol: number,
  length: number,
): number {
  return sumOf(bytes, addressesAt, addressesAt + 2 * addressLength) + protocol + length;
}

/** For readers: does the sum, its checksum field included, come out right? */
export function checksumHolds(sum: number): boolean {
  return checksumOf(sum) === 0;
}
