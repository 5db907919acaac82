/** The byte order of this machine's typed arrays. */
export const endianness: 'little' | 'big' = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 'little' : 'big';

/** A word of this machine's order that stands in a frame as a big-endian number. */
export function asNumber(word: number): number {
  return endianness === 'big'
    ? word >>> 0
    : ((word << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)) >>> 0;
}
