import { interfaceDescription, sectionHeader } from '../../../src/core/pcap/pcapng/writer.js';
import { closeRingBlock, ringInterfaceBlock } from '../../../src/core/pcap/ring/block.js';
import { concat } from './helpers.js';

interface Frame {
  readonly index: number;
  readonly packetType?: number;
  readonly data: string;
  readonly original?: number;
  readonly seconds?: number;
  readonly nanoseconds?: number;
  /** What the kernel took out of the frame: TPID (null = it does not say) and TCI. */
  readonly tag?: readonly [tpid: number | null, tci: number];
}

/**
 * A block as the kernel fills it: struct tpacket_block_desc, then for each frame struct tpacket3_hdr, struct
 * sockaddr_ll and the frame at byte 82, all aligned to 8.
 */
export function ringBlock(frames: readonly Frame[]): Uint8Array {
  const bytes = new Uint8Array(1 << 16);
  const view = new DataView(bytes.buffer);
  let at = 48;
  frames.forEach(
    ({ index, packetType = 4, data, original, seconds = 1_764_000_000, nanoseconds = 0, tag }, position) => {
      const wanted = Buffer.from(data, 'hex');
      let tagBits = tag === undefined ? 0 : 1 << 4;
      if (tag !== undefined && tag[0] !== null) tagBits |= 1 << 6;
      const length = (82 + wanted.length + 7) & ~7;
      view.setUint32(at, position + 1 < frames.length ? length : 0, true);
      view.setUint32(at + 4, seconds, true);
      view.setUint32(at + 8, nanoseconds, true);
      view.setUint32(at + 12, wanted.length, true);
      view.setUint32(at + 16, original ?? wanted.length, true);
      view.setUint32(at + 20, 1 | tagBits, true);
      view.setUint16(at + 24, 82, true);
      view.setUint32(at + 32, tag?.[1] ?? 0, true);
      view.setUint16(at + 36, tag?.[0] ?? 0, true);
      view.setInt32(at + 52, index, true);
      bytes[at + 58] = packetType;
      bytes.set(wanted, at + 82);
      at += length;
    },
  );
  view.setUint32(0, 1, true); // TPACKET_V3's version of the block
  view.setUint32(4, 48, true);
  view.setUint32(8, 1, true);
  view.setUint32(12, frames.length, true);
  view.setUint32(16, 48, true);
  view.setUint32(20, at, true);
  return closeRingBlock(bytes, view, 0).slice();
}

export const head = concat(
  sectionHeader({}),
  interfaceDescription({ name: 'vnet0', snaplen: 128 }),
  ringInterfaceBlock(0, 17),
  interfaceDescription({ name: 'vnet1', snaplen: 128 }),
  ringInterfaceBlock(1, 5),
);
export const macs = 'ffffffffffff525400000001';
