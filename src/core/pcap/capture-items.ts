/** Frames are outgoing or incoming as seen by the interface that they were captured on (pcapng: epb_flags). */
export const directions = { unknown: 0, in: 1, out: 2 } as const;
export type Direction = (typeof directions)[keyof typeof directions];

/** The direction of packet `packet` in a batch; `unknown` for a value that stands for none. */
export function packetDirection({ direction }: Pick<Batch, 'direction'>, packet: number): Direction {
  const value = direction[packet];
  if (value === directions.out) return directions.out;
  return value === directions.in ? directions.in : directions.unknown;
}

/** Bytes of the largest packet and of the largest block that are read; beyond it the file is damaged. */
export const maxPacketLength = 262_144;
export const maxBlockLength = 16 * 1024 * 1024;
/** Interfaces of all sections together that are read. */
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
  /** Counted over all sections of the file. */
  readonly id: number;
  readonly name: string | null;
  readonly description: string | null;
  /** LINKTYPE_; 1 is Ethernet. */
  readonly linkType: number;
  /** 0 = no limit. */
  readonly snaplen: number;
  readonly filter: string | null;
}

/**
 * Packets in a row, of one section, as columns. Packet i is `bytes[offset[i], offset[i] + captured[i])`. `bytes` may be
 * the chunk that was pushed: it stays valid as long as the chunk's bytes do.
 */
export interface Batch {
  readonly kind: 'batch';
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly offset: Uint32Array;
  readonly captured: Uint32Array;
  readonly original: Uint32Array;
  /** As `InterfaceItem.id`. */
  readonly interfaceId: Uint32Array;
  /** ns since 1970; 0 where the file has no time (simple packet blocks). */
  readonly timeNs: BigInt64Array;
  /** One of `directions`. */
  readonly direction: Uint8Array;
  /** Position in the file of `bytes[0]`. */
  readonly fileOffset: number;
  /** Frame number of packet 0, from 1, as Wireshark counts. */
  readonly firstFrame: number;
  /** Offset in `bytes` of the packet's options, for `readPacketOptions`; length 0 = none. */
  readonly optionsAt: Uint32Array;
  readonly optionsLength: Uint32Array;
  readonly byteOrder: 'little' | 'big';
}

/** Counters of one interface, as its block gives them; null = not reported. */
export interface StatisticsItem {
  readonly kind: 'statistics';
  readonly interfaceId: number;
  readonly received: bigint | null;
  readonly dropped: bigint | null;
  readonly delivered: bigint | null;
  readonly startNs: bigint | null;
  readonly endNs: bigint | null;
}

/** Where a file stops being one. After a fatal one nothing more is read; what came before it stands. */
export interface DamageItem {
  readonly kind: 'damage';
  /** Position in the file of the block or record at fault. */
  readonly offset: number;
  readonly message: string;
  readonly fatal: boolean;
}

export type CaptureItem = SectionItem | InterfaceItem | Batch | StatisticsItem | DamageItem;
