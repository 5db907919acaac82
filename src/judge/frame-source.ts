/**
 * The part of a capture batch that judging reads; `PacketBatch` of src/pcap satisfies it. Typed arrays of `count`
 * entries.
 */
export interface JudgedBatch {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly offset: Uint32Array;
  readonly captured: Uint32Array;
  readonly interfaceId: Uint32Array;
  readonly timeNs: BigInt64Array | BigUint64Array;
  /** 0 unknown, 1 in, 2 out. */
  readonly direction: Uint8Array;
}
