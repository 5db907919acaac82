import { classicMagic } from './decoder.js';

/** draft-ietf-opsawg-pcap, little-endian. */
export type ClassicResolution = keyof typeof classicMagic;

export function classicHeader(resolution: ClassicResolution, snaplen: number, linkType = 1): Uint8Array {
  const bytes = new Uint8Array(24);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, classicMagic[resolution], true);
  view.setUint16(4, 2, true);
  view.setUint16(6, 4, true);
  view.setUint32(16, snaplen, true);
  view.setUint32(20, linkType, true);
  return bytes;
}

export interface ClassicPacket {
  /** Truncated in a µs file. 32-bit seconds end in 2106. */
  readonly timeNs: bigint;
  readonly originalLength: number;
  readonly data: Uint8Array;
}

export function classicRecord(resolution: ClassicResolution, packet: ClassicPacket): Uint8Array {
  const bytes = new Uint8Array(16 + packet.data.length);
  const view = new DataView(bytes.buffer);
  const fractionNs = Number(packet.timeNs % 1_000_000_000n);
  view.setUint32(0, Number(packet.timeNs / 1_000_000_000n), true);
  view.setUint32(4, resolution === 'nano' ? fractionNs : Math.floor(fractionNs / 1000), true);
  view.setUint32(8, packet.data.length, true);
  view.setUint32(12, packet.originalLength, true);
  bytes.set(packet.data, 16);
  return bytes;
}
