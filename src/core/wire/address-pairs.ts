/** Values by destination and source address. */
export interface AddressPairs<T> {
  /** The frame at `at` has twelve bytes. Its value is made again after many other pairs. */
  of(bytes: Uint8Array, at: number): T;
}

/** A flood of invented pairs costs no memory. */
const slots = 1024;

function wordAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 24) | ((bytes[at + 1] ?? 0) << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
}

/** A direct-mapped cache by numbers. Addresses as text or map keys cost more than a frame's other work. */
export function createAddressPairs<T>(make: (bytes: Uint8Array, at: number) => T): AddressPairs<T> {
  const words = new Int32Array(3 * slots);
  const values: (T | undefined)[] = Array.from({ length: slots }, () => undefined);
  return {
    of(bytes, at) {
      const a = wordAt(bytes, at);
      const b = wordAt(bytes, at + 4);
      const c = wordAt(bytes, at + 8);
      const mixed = Math.imul(a, 0x9e37_79b1) ^ Math.imul(b, 0x85eb_ca77) ^ Math.imul(c, 0xc2b2_ae3d);
      const slot = (mixed ^ (mixed >>> 15)) & (slots - 1);
      const word = 3 * slot;
      const known = values[slot];
      if (known !== undefined && words[word] === a && words[word + 1] === b && words[word + 2] === c) return known;
      const value = make(bytes, at);
      words[word] = a;
      words[word + 1] = b;
      words[word + 2] = c;
      values[slot] = value;
      return value;
    },
  };
}
