/** Relative to the captured interface (pcapng: epb_flags). */
export const directions = { unknown: 0, in: 1, out: 2 } as const;
export type Direction = (typeof directions)[keyof typeof directions];

/** The direction of a batch's packet; `unknown` for any other value. */
export function packetDirection({ direction }: Pick<Batch, 'direction'>, packet: number): Direction {
  const value = direction[packet];
  if (value === directions.out) return directions.out;
  return value === directions.in ? directions.in : directions.unknown;
}

/** Larger packets and blocks are damage. */
export const maxPacketLength = 262_144;
export const maxBlockLength = 16 * 1024 * 1024;
export const maxInterfaces = 65_536;

export interface SectionItem {
  readonly kind: 'section';
  readonly format: 'pcapng' | 'pcap-micro' | 'pcap-nano';
  readonly byteOrder: 'little' | 'big';
  readonly hardware: string | null;
  readonly os: string | null;
  readonly application: string | null;
  readonly comments: readonly string[];
}

export interface InterfaceItem {
  readonly kind: 'interface';
  readonly id: number;
  readonly name: string | null;
  readonly description: string | null;
  /** LINKTYPE_; 1 is Ethernet. */
  readonly linkType: number;
  readonly snaplen: number;
  readonly filter: string | null;
}

/**
 * A section's consecutive packets as columns: packet i is `bytes[offset[i], offset[i] + captured[i])`. `bytes` may be
 * the pushed chunk, and is valid as long.
 */
export interface Batch {
  readonly kind: 'batch';
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly offset: Uint32Array;
  readonly captured: Uint32Array;
  readonly original: Uint32Array;
  readonly interfaceId: Uint32Array;
  /** ns since 1970; 0 = none. */
  readonly timeNs: BigInt64Array;
  readonly direction: Uint8Array;
  /** Of `bytes[0]`. */
  readonly fileOffset: number;
  /** From 1, as in Wireshark. */
  readonly firstFrame: number;
  /** In `bytes`; length 0 = none. */
  readonly optionsAt: Uint32Array;
  readonly optionsLength: Uint32Array;
  readonly byteOrder: 'little' | 'big';
}

/** An interface's counters; null = not reported. */
export interface StatisticsItem {
  readonly kind: 'statistics';
  readonly interfaceId: number;
  readonly received: bigint | null;
  readonly dropped: bigint | null;
  readonly delivered: bigint | null;
  readonly startNs: bigint | null;
  readonly endNs: bigint | null;
}

/** A fault of the file. A fatal one ends reading; earlier items stand. */
export interface DamageItem {
  readonly kind: 'damage';
  /** In the file. */
  readonly offset: number;
  readonly message: string;
  readonly fatal: boolean;
}

export type CaptureItem = SectionItem | InterfaceItem | Batch | StatisticsItem | DamageItem;
