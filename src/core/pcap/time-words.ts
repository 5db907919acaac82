import { endianness } from '../wire/bytes.js';

/** A time's halves in its words. */
export const lowHalf = endianness === 'little' ? 0 : 1;
export const highHalf = 1 - lowHalf;

/** Packet i has words 2i + highHalf and 2i + lowHalf, compared without big integers. */
export function timeWords(timeNs: BigInt64Array | BigUint64Array): Uint32Array {
  return new Uint32Array(timeNs.buffer, timeNs.byteOffset, 2 * timeNs.length);
}

/** ns since 1970, often compared and read once. */
export interface WordTime {
  high: number;
  low: number;
}

/** Changes `known` to the earlier time; null = none known. */
export function earliest(known: WordTime | null, high: number, low: number): WordTime {
  if (known === null) return { high, low };
  if (high < known.high || (high === known.high && low < known.low)) {
    known.high = high;
    known.low = low;
  }
  return known;
}

/** The later, likewise. */
export function latest(known: WordTime | null, high: number, low: number): WordTime {
  if (known === null) return { high, low };
  if (high > known.high || (high === known.high && low > known.low)) {
    known.high = high;
    known.low = low;
  }
  return known;
}

export function nsOf({ high, low }: WordTime): bigint {
  return (BigInt(high) << 32n) | BigInt(low);
}
