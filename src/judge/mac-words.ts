import { macBytes, macLength } from '../core/wire/ethernet.js';

/** Compares the two addresses that a frame begins with as words. */
export interface MacWords {
  /**
   * Whether the frame at `words[at]`, 32-bit words of this machine's order, bears these MACs; one that is none is
   * nobody's.
   */
  are(words: Int32Array, at: number, srcMac: string, dstMac: string): boolean;
}

/** Three words, of which one address has the first two or the last two; the other half of the middle one is 0. */
type Parts = Int32Array;

/** MACs are read once each; most frames bear those of the one before. */
export function createMacWords(): MacWords {
  const known = { src: new Map<string, Parts | null>(), dst: new Map<string, Parts | null>() };
  const last = { src: '', dst: '' };
  let src: Parts | null = null;
  let dst: Parts | null = null;

  function partsOf(of: 'src' | 'dst', mac: string): Parts | null {
    const made = known[of].get(mac);
    if (made !== undefined) return made;
    const octets = macBytes(mac);
    const bytes = new Uint8Array(2 * macLength);
    bytes.set(octets ?? [], of === 'dst' ? 0 : macLength);
    const parts = octets === null ? null : new Int32Array(bytes.buffer);
    known[of].set(mac, parts);
    return parts;
  }
  return {
    are(words, at, srcMac, dstMac) {
      if (srcMac !== last.src) {
        src = partsOf('src', srcMac);
        last.src = srcMac;
      }
      if (dstMac !== last.dst) {
        dst = partsOf('dst', dstMac);
        last.dst = dstMac;
      }
      if (src === null || dst === null) return false;
      return words[at] === dst[0] && words[at + 1] === ((dst[1] ?? 0) | (src[1] ?? 0)) && words[at + 2] === src[2];
    },
  };
}
