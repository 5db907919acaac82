import { maxPacketLength } from '../capture-items.js';

/**
 * A raw capture's blocks: the kernel's TPACKET_V3 blocks, unchanged (linux/if_packet.h). Other programs skip local
 * types (draft-ietf-opsawg-pcapng 11.1).
 */
export const ringBlockTypes = { interface: 0x8000_5601, frames: 0x8000_5602, padding: 0x8000_5603 } as const;

/** struct tpacket_block_desc and struct tpacket3_hdr with the sockaddr_ll behind it, in bytes. */
export const ringBlock = { type: 0, length: 4, status: 8, packets: 12, first: 16, used: 20 } as const;
export const ringFrame = {
  next: 0,
  seconds: 4,
  nanoseconds: 8,
  captured: 12,
  original: 16,
  status: 20,
  mac: 24,
  vlanTci: 32,
  vlanType: 36,
  interface: 52,
  packetType: 58,
} as const;
/** linux/if_packet.h. */
export const packetTypes = { multicast: 2, outgoing: 4 } as const;
const blockHeader = 48;
const frameHeader = 68;
const vlanValid = 1 << 4;
const vlanTypeValid = 1 << 6;
const tagBytes = 4;

/** Maps the kernel's interface `index` to the file's. */
export function ringInterfaceBlock(interfaceId: number, index: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  [ringBlockTypes.interface, bytes.length, interfaceId, index, bytes.length].forEach((word, at) =>
    view.setUint32(4 * at, word, true),
  );
  return bytes;
}

/** Writing whole pages costs the kernel half. */
const page = 4096;

/** Pads a file of that length for a ring block; empty if it is aligned. */
export function ringPadding(size: number): Uint8Array {
  const missing = -size & (page - 1);
  if (missing === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(missing < 12 ? missing + page : missing);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, ringBlockTypes.padding, true);
  view.setUint32(4, bytes.length, true);
  view.setUint32(bytes.length - 4, bytes.length, true);
  return bytes;
}

/**
 * Makes a ring block part of a raw capture in place. The kernel rewrites its first two words on opening and leaves room
 * for a closing word. Wipes old frames' remains.
 */
export function closeRingBlock(ring: Uint8Array, view: DataView, at: number): Uint8Array {
  const used = view.getUint32(at + ringBlock.used, true);
  const length = (used + 4 + page - 1) & -page;
  view.setUint32(at + ringBlock.type, ringBlockTypes.frames, true);
  view.setUint32(at + ringBlock.length, length, true);
  ring.fill(0, at + used, at + length - 4);
  view.setUint32(at + length - 4, length, true);
  return ring.subarray(at, at + length);
}

/** `captured` bytes at `offset`, from the kernel's interface `index`. Reused for all frames. */
export interface RingFrame {
  index: number;
  /** PACKET_HOST 0, …, PACKET_OUTGOING 4. */
  packetType: number;
  offset: number;
  captured: number;
  original: number;
  seconds: number;
  nanoseconds: number;
}

/**
 * Gives frames in `[at, to)`, and a fault or null. Puts back into `bytes` the outermost tag that the kernel holds
 * aside.
 */
export function eachRingFrame(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  to: number,
  take: (frame: Readonly<RingFrame>) => void,
): string | null {
  if (at + blockHeader > to) return 'a block of a ring is too short for its fields';
  const end = at + view.getUint32(at + ringBlock.used, true);
  if (end > to) return `a block of a ring claims ${end - at} bytes, of which it has ${to - at}`;
  const packets = view.getUint32(at + ringBlock.packets, true);
  let frame = at + view.getUint32(at + ringBlock.first, true);
  const taken: RingFrame = {
    index: 0,
    packetType: 0,
    offset: 0,
    captured: 0,
    original: 0,
    seconds: 0,
    nanoseconds: 0,
  };
  for (let i = 0; i < packets; i += 1) {
    if (frame + frameHeader > end) return `a block of a ring ends before frame ${i + 1} of ${packets}`;
    let offset = frame + view.getUint16(frame + ringFrame.mac, true);
    let captured = view.getUint32(frame + ringFrame.captured, true);
    let original = view.getUint32(frame + ringFrame.original, true);
    if (captured > maxPacketLength || offset + captured > end)
      return `a frame in a ring claims ${captured} bytes, more than its block holds`;
    const status = view.getUint32(frame + ringFrame.status, true);
    if ((status & vlanValid) !== 0 && captured >= 12 && offset >= frame + frameHeader + tagBytes) {
      bytes.copyWithin(offset - tagBytes, offset, offset + 12);
      offset -= tagBytes;
      view.setUint16(
        offset + 12,
        (status & vlanTypeValid) !== 0 ? view.getUint16(frame + ringFrame.vlanType, true) : 0x8100,
      );
      view.setUint16(offset + 14, view.getUint32(frame + ringFrame.vlanTci, true) & 0xffff);
      captured += tagBytes;
      original += tagBytes;
    }
    taken.index = view.getInt32(frame + ringFrame.interface, true);
    taken.packetType = view.getUint8(frame + ringFrame.packetType);
    taken.offset = offset;
    taken.captured = captured;
    taken.original = original;
    taken.seconds = view.getUint32(frame + ringFrame.seconds, true);
    taken.nanoseconds = view.getUint32(frame + ringFrame.nanoseconds, true);
    take(taken);
    const next = view.getUint32(frame + ringFrame.next, true);
    if (next < frameHeader && i + 1 < packets)
      return `a block of a ring says that frame ${i + 1} of ${packets} takes ${next} bytes`;
    frame += next;
  }
  return null;
}
