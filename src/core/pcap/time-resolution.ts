/** if_tsresol and if_tsoffset (draft-ietf-opsawg-pcapng 4.2). */
export interface TimeResolution {
  /** These, without offset, need no big integers. */
  readonly fast: 'ns' | 'us' | null;
  readonly unitsPerSecond: bigint;
  readonly offsetNs: bigint;
}

const nsPerSecond = 1_000_000_000n;
export const latestNs = 2n ** 63n - 1n;

function fastUnit(byte: number, offsetSeconds: bigint): TimeResolution['fast'] {
  if (offsetSeconds !== 0n) return null;
  if (byte === 9) return 'ns';
  return byte === 6 ? 'us' : null;
}

/** if_tsresol: a power of ten, or of two with the top bit. Default 6 (µs). */
export function timeResolution(byte: number, offsetSeconds: bigint): TimeResolution {
  const exponent = BigInt(byte & 0x7f);
  const unitsPerSecond = (byte & 0x80) !== 0 ? 2n ** exponent : 10n ** exponent;
  return { fast: fastUnit(byte, offsetSeconds), unitsPerSecond, offsetNs: offsetSeconds * nsPerSecond };
}

/** ns since 1970; null = before 1970 or after 2262. */
export function toNs(units: bigint, resolution: TimeResolution): bigint | null {
  const ns = (units * nsPerSecond) / resolution.unitsPerSecond + resolution.offsetNs;
  return ns < 0n || ns > latestNs ? null : ns;
}
