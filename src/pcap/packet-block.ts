import type { Direction } from './capture-items.js';
import { blockTypes, optionCodes } from './pcapng-options.js';

/** Octets of an enhanced packet block with a direction and nothing else. */
export function packetBlockLength(captured: number): number {
  return 44 + captured + (-captured & 3);
}

/** Octets to write packet blocks into, and the same as a view: made once, used for many packets. */
export interface BlockBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

export function blockBuffer(length: number): BlockBuffer {
  const bytes = new Uint8Array(length);
  return { bytes, view: new DataView(bytes.buffer) };
}

/**
 * Writes what `enhancedPacket` gives for a packet with a direction and no other option, without allocating: for capture workers.
 * The packet is `source[from, from + captured)`, its time two 32-bit words of ns. Returns the offset behind the block; the buffer
 * must have `packetBlockLength(captured)` octets at `at` (RangeError otherwise).
 */
export function writePacketBlock(
  into: BlockBuffer, at: number, interfaceId: number, timeHigh: number, timeLow: number,
  source: Uint8Array, from: number, captured: number, original: number, direction: Direction,
): number {
  const { bytes, view } = into;
  const length = packetBlockLength(captured);
  const end = at + length;
  if (end > bytes.length) throw new RangeError(`no room for a block of ${length} octets at ${at} of ${bytes.length}`);
  view.setUint32(at, blockTypes.packet, true);
  view.setUint32(at + 4, length, true);
  view.setUint32(at + 8, interfaceId, true);
  view.setUint32(at + 12, timeHigh, true);
  view.setUint32(at + 16, timeLow, true);
  view.setUint32(at + 20, captured, true);
  view.setUint32(at + 24, original, true);
  const data = at + 28;
  // A short loop beats set() and its subarray for frames of probe size.
  if (captured <= 96) for (let i = 0; i < captured; i += 1) bytes[data + i] = source[from + i] ?? 0;
  else bytes.set(source.subarray(from, from + captured), data);
  bytes.fill(0, data + captured, end - 16);
  view.setUint16(end - 16, optionCodes.packet.flags, true);
  view.setUint16(end - 14, 4, true);
  view.setUint32(end - 12, direction, true);
  view.setUint32(end - 8, optionCodes.end, true);
  view.setUint32(end - 4, length, true);
  return end;
}
