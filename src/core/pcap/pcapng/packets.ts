import { maxPacketLength } from '../capture-items.js';
import type { Window } from '../decoder.js';
import { latestNs, type TimeResolution, toNs } from '../time-resolution.js';
import { optionCodes } from './options.js';
import type { SectionState } from './descriptions.js';

const packetHead = 28;
const simpleHead = 12;

interface PacketPlace {
  readonly offset: number;
  readonly captured: number;
  readonly original: number;
  readonly id: number;
  /** 0 unknown, 1 inbound, 2 outbound. */
  readonly direction: number;
  readonly optionsAt: number;
  readonly optionsLength: number;
}

/** Enhanced or obsolete, as `ReadBlock`. */
export function readPacket(
  state: SectionState,
  window: Window,
  at: number,
  to: number,
  isEnhanced: boolean,
): string | null {
  if (at + packetHead > to) return 'a packet block is too short for its fields';
  const { little, interfaces } = state;
  const { view } = window;
  const id = isEnhanced ? view.getUint32(at + 8, little) : view.getUint16(at + 8, little);
  const captureInterface = interfaces[id];
  if (captureInterface === undefined)
    return `a packet of interface ${id}, of which the section has ${interfaces.length}`;
  const captured = view.getUint32(at + 20, little);
  if (captured > maxPacketLength) return `a packet claims ${captured} bytes, more than ${maxPacketLength}`;
  const optionsAt = at + packetHead + captured + (-captured & 3);
  if (optionsAt > to) return `a packet claims ${captured} bytes, more than its block holds`;
  const direction = directionIn(view, optionsAt, to, little);
  if (direction < 0) return 'an option of a packet runs past its block';
  setTime(state, window.fileOffset + at, captureInterface.resolution, {
    high: view.getUint32(at + 12, little),
    low: view.getUint32(at + 16, little),
  });
  storePacket(state, {
    offset: at + packetHead,
    captured,
    original: view.getUint32(at + 24, little),
    id,
    direction,
    optionsAt,
    optionsLength: to - optionsAt,
  });
  return null;
}

/** Of the section's first interface, without time and options. */
export function readSimplePacket(state: SectionState, { view }: Window, at: number, to: number): string | null {
  const first = state.interfaces[0];
  if (at + simpleHead > to || first === undefined) return 'a simple packet block without length or without interface';
  const original = view.getUint32(at + 8, state.little);
  const captured = Math.min(original, first.snaplen === 0 ? original : first.snaplen);
  if (captured > maxPacketLength || at + simpleHead + captured > to)
    return `a simple packet claims ${captured} bytes, more than its block holds`;
  state.out.setTimeWords(0, 0);
  storePacket(state, {
    offset: at + simpleHead,
    captured,
    original,
    id: 0,
    direction: 0,
    optionsAt: 0,
    optionsLength: 0,
  });
  return null;
}

function storePacket({ out, earlier }: SectionState, place: PacketPlace): void {
  const i = out.count;
  const { columns } = out;
  columns.offset[i] = place.offset;
  columns.captured[i] = place.captured;
  columns.original[i] = place.original;
  columns.interfaceId[i] = earlier + place.id;
  columns.direction[i] = place.direction;
  columns.optionsAt[i] = place.optionsAt;
  columns.optionsLength[i] = place.optionsLength;
  out.next();
}

/** Bits 0 and 1 of epb_flags, as of pack_flags; 0 = absent, -1 = an option runs past its block. */
export function directionIn(view: DataView, from: number, to: number, little: boolean): number {
  let at = from;
  while (at + 4 <= to) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === optionCodes.end) return 0;
    if (at + 4 + length > to) return -1;
    if (code === optionCodes.packet.flags && length === 4) {
      const bits = view.getUint32(at + 4, little) & 3;
      return bits === 3 ? 0 : bits;
    }
    at += 4 + length + (-length & 3);
  }
  return 0;
}

/** Nearly all files have ns or µs, which need no BigInt. */
function setTime(
  state: SectionState,
  fileOffset: number,
  resolution: TimeResolution,
  { high, low }: { readonly high: number; readonly low: number },
): void {
  const { out } = state;
  if (resolution.fast === 'ns' && high < 0x8000_0000) return out.setTimeWords(high, low);
  const lowNs = low * 1000;
  const highNs = high * 1000 + Math.floor(lowNs / 0x1_0000_0000);
  if (resolution.fast === 'us' && highNs < 0x8000_0000) return out.setTimeWords(highNs, lowNs % 0x1_0000_0000);
  const ns = toNs((BigInt(high) << 32n) | BigInt(low), resolution);
  if (ns === null && !state.isTimeFaultReported) {
    state.isTimeFaultReported = true;
    const message = "a packet's time is not between 1970 and 2262";
    out.add({ kind: 'damage', offset: fileOffset, message, fatal: false });
  }
  out.setTime(ns ?? latestNs);
}
