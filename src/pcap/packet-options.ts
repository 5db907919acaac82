import type { Batch } from '../core/pcap/capture-items.js';
import { optionCodes, optionU64, readOptions, textOf } from './pcapng-options.js';

export interface PacketOptions {
  readonly packetId: bigint | null;
  readonly comments: readonly string[];
}

/**
 * Id and comments of packet `i` of a batch: the slow way, for the few packets where somebody asks. Malformed options
 * give none.
 */
export function readPacketOptions(batch: Batch, i: number): PacketOptions {
  const { bytes } = batch;
  const at = batch.optionsAt[i] ?? 0;
  const length = batch.optionsLength[i] ?? 0;
  const little = batch.byteOrder === 'little';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const options = length === 0 ? null : readOptions(view, at, at + length, little);
  if (options === null) return { packetId: null, comments: [] };
  return {
    packetId: optionU64(view, options, optionCodes.packet.packetId, little),
    comments: options.filter((option) => option.code === optionCodes.comment).map((option) => textOf(bytes, option)),
  };
}
