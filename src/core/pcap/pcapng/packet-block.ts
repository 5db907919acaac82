import type { Direction } from '../capture-items.js';
import { blockTypes, optionCodes } from './options.js';

/** Length of an enhanced packet block with direction. A negative `packetId` = no id. */
export function packetBlockLength(captured: number, packetId = -1, comment = 0): number {
  return 44 + captured + (-captured & 3) + (packetId < 0 ? 0 : 12) + (comment === 0 ? 0 : 4 + comment + (-comment & 3));
}

/** Bytes with two views, made once. */
export interface BlockBuffer {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly halves: Uint16Array;
}

export function blockBuffer(length: number): BlockBuffer {
  const bytes = new Uint8Array(length);
  return { bytes, view: new DataView(bytes.buffer), halves: new Uint16Array(bytes.buffer, 0, length >>> 1) };
}

/** Up to this many bytes a loop beats set() and its subarray. */
const shortFrame = 96;
let copiedFrom: ArrayBufferLike | null = null;
let copiedHalves: Uint16Array = new Uint16Array(0);

function copyShort({ bytes, halves }: BlockBuffer, to: number, source: Uint8Array, from: number, length: number): void {
  const start = source.byteOffset + from;
  if (((start | to) & 1) !== 0) {
    for (let i = 0; i < length; i += 1) bytes[to + i] = source[from + i] ?? 0;
    return;
  }
  if (source.buffer !== copiedFrom) {
    copiedFrom = source.buffer;
    copiedHalves = new Uint16Array(copiedFrom, 0, copiedFrom.byteLength >>> 1);
  }
  const at = start >>> 1;
  const into = to >>> 1;
  const count = length >>> 1;
  for (let i = 0; i < count; i += 1) halves[into + i] = copiedHalves[at + i] ?? 0;
  if ((length & 1) !== 0) bytes[to + length - 1] = source[from + length - 1] ?? 0;
}

/** A packet with a direction: `bytes[from, from + captured)`, time in two words of ns. Writers reuse the object. */
export interface PacketHead {
  interfaceId: number;
  timeHigh: number;
  timeLow: number;
  bytes: Uint8Array;
  from: number;
  captured: number;
  original: number;
  direction: Direction;
}

/**
 * Writes an enhanced packet without allocating; gives the offset behind. RangeError if the buffer lacks
 * `packetBlockLength` bytes. `comment`: by `textBytes`.
 */
export function writePacketBlock(
  into: BlockBuffer,
  at: number,
  packet: Readonly<PacketHead>,
  packetId = -1,
  comment: Uint8Array | null = null,
): number {
  const { bytes, view } = into;
  const { bytes: source, from, captured } = packet;
  const length = packetBlockLength(captured, packetId, comment?.length ?? 0);
  const end = at + length;
  if (end > bytes.length) throw new RangeError(`no room for a block of ${length} bytes at ${at} of ${bytes.length}`);
  view.setUint32(at, blockTypes.packet, true);
  view.setUint32(at + 4, length, true);
  view.setUint32(at + 8, packet.interfaceId, true);
  view.setUint32(at + 12, packet.timeHigh, true);
  view.setUint32(at + 16, packet.timeLow, true);
  view.setUint32(at + 20, captured, true);
  view.setUint32(at + 24, packet.original, true);
  const data = at + 28;
  if (captured <= shortFrame) copyShort(into, data, source, from, captured);
  else bytes.set(source.subarray(from, from + captured), data);
  const options = data + captured + (-captured & 3);
  for (let i = data + captured; i < options; i += 1) bytes[i] = 0;
  view.setUint16(options, optionCodes.packet.flags, true);
  view.setUint16(options + 2, 4, true);
  view.setUint32(options + 4, packet.direction, true);
  if (packetId >= 0) {
    view.setUint16(options + 8, optionCodes.packet.packetId, true);
    view.setUint16(options + 10, 8, true);
    view.setUint32(options + 12, packetId >>> 0, true);
    view.setUint32(options + 16, packetId < 2 ** 32 ? 0 : Math.floor(packetId / 2 ** 32), true);
  }
  if (comment !== null && comment.length > 0) {
    const padded = comment.length + (-comment.length & 3);
    const option = end - 12 - padded;
    view.setUint16(option, optionCodes.comment, true);
    view.setUint16(option + 2, comment.length, true);
    bytes.set(comment, option + 4);
    bytes.fill(0, option + 4 + comment.length, option + 4 + padded);
  }
  view.setUint32(end - 8, optionCodes.end, true);
  view.setUint32(end - 4, length, true);
  return end;
}
