/** A set of small non-negative integers below a fixed size, one bit each. */
export interface Bits {
  /** Adds `index`; true if it was not in the set. Indices outside the size are refused (false). */
  add(index: number): boolean;
  has(index: number): boolean;
  readonly count: () => number;
}

export function createBits(size: number): Bits {
  const octets = new Uint8Array(Math.ceil(size / 8));
  let count = 0;
  const inside = (index: number): boolean => Number.isInteger(index) && index >= 0 && index < size;
  const has = (index: number): boolean => inside(index) && ((octets[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
  return {
    has,
    add(index) {
      if (!inside(index) || has(index)) return false;
      octets[index >> 3] = (octets[index >> 3] ?? 0) | (1 << (index & 7));
      count += 1;
      return true;
    },
    count: () => count,
  };
}
