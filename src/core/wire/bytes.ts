/**
 * Numbers in frames are big-endian. Reading past the end gives zeros, so callers check lengths. In this folder, parsers
 * give null for a cut or missing header, otherwise offsets into the array. Writers give the offset behind, and leave a
 * transport's checksum 0.
 */
export function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

export function readU32(bytes: Uint8Array, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0
  );
}

export function writeU16(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 8;
  bytes[at + 1] = value;
}

export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Of this machine's typed arrays. */
export const endianness: 'little' | 'big' = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 'little' : 'big';

/** A native word as a big-endian number. */
export function asNumber(word: number): number {
  return endianness === 'big'
    ? word >>> 0
    : ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}

/**
 * Adds 16-bit words for the Internet checksum (RFC 1071) without folding, so that constant parts are summed once. An
 * odd last byte is a high one. `checksumOf` folds and complements.
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

/** The pseudo-header's sum (RFC 9293 3.1, RFC 8200 8.1): two consecutive addresses, protocol and length. */
export function pseudoHeaderSum(
  bytes: Uint8Array,
  addressesAt: number,
  addressLength: 4 | 16,
  protocol: number,
  length: number,
): number {
  return sumOf(bytes, addressesAt, addressesAt + 2 * addressLength) + protocol + length;
}

/** The sum includes the checksum field. */
export function checksumHolds(sum: number): boolean {
  return checksumOf(sum) === 0;
}

/** True if the bytes at `at` are these; -1 = none there. */
export function sameBytes(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  if (at < 0) return false;
  for (let i = 0; i < expected.length; i += 1) if (bytes[at + i] !== expected[i]) return false;
  return true;
}
