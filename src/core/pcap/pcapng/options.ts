import { escapeText } from '../../text/escape.js';
import type { Batch } from '../capture-items.js';

/** draft-ietf-opsawg-pcapng 4, 11.1. */
export const blockTypes = {
  section: 0x0a0d0d0a,
  interface: 1,
  obsoletePacket: 2,
  simplePacket: 3,
  nameResolution: 4,
  statistics: 5,
  packet: 6,
} as const;
export const byteOrderMagic = 0x1a2b3c4d;

/** By block (draft-ietf-opsawg-pcapng 3.5, 4). */
export const optionCodes = {
  end: 0,
  comment: 1,
  section: { hardware: 2, os: 3, application: 4 },
  interface: { name: 2, description: 3, timeResolution: 9, filter: 11, os: 12, timeOffset: 14 },
  packet: { flags: 2, dropCount: 4, packetId: 5 },
  statistics: { startTime: 2, endTime: 3, received: 4, dropped: 5, delivered: 8 },
} as const;

export interface Option {
  readonly code: number;
  readonly at: number;
  readonly length: number;
}

/**
 * Options in `view[from, to)` up to the end mark; null = one runs past `to`. Each takes at least 4 bytes, which bounds
 * the list.
 */
export function readOptions(view: DataView, from: number, to: number, littleEndian: boolean): readonly Option[] | null {
  const options: Option[] = [];
  let at = from;
  while (at + 4 <= to) {
    const code = view.getUint16(at, littleEndian);
    const length = view.getUint16(at + 2, littleEndian);
    if (code === optionCodes.end) return options;
    if (at + 4 + length > to) return null;
    options.push({ code, at: at + 4, length });
    at += 4 + length + (-length & 3);
  }
  return at >= to ? options : null;
}

const decoder = new TextDecoder();

/** Invalid UTF-8 becomes U+FFFD. */
export function textOfOption(bytes: Uint8Array, option: Option): string {
  return decoder.decode(bytes.subarray(option.at, option.at + option.length));
}

/** The code's first option. */
export function optionText(bytes: Uint8Array, options: readonly Option[], code: number): string | null {
  const option = options.find((each) => each.code === code);
  return option === undefined ? null : textOfOption(bytes, option);
}

/** The code's first option. */
export function optionU64(
  view: DataView,
  options: readonly Option[],
  code: number,
  littleEndian: boolean,
): bigint | null {
  const option = options.find((each) => each.code === code && each.length === 8);
  return option === undefined ? null : view.getBigUint64(option.at, littleEndian);
}

const maxOptionLength = 65_535;
const encoder = new TextEncoder();

export interface OptionValue {
  readonly code: number;
  readonly value: Uint8Array;
}

const room = new Uint8Array(maxOptionLength);

/** Text cut at a character. Escapes control characters, which tshark and capinfos print unchanged. */
export function textBytes(text: string, prefix: readonly number[] = []): Uint8Array {
  room.set(prefix);
  const { written } = encoder.encodeInto(escapeText(text), room.subarray(prefix.length));
  return room.slice(0, prefix.length + written);
}

/** As `textBytes`, none for null. `prefix` precedes the text. */
export function textOption(
  code: number,
  text: string | null | undefined,
  prefix: readonly number[] = [],
): readonly OptionValue[] {
  return text === null || text === undefined ? [] : [{ code, value: textBytes(text, prefix) }];
}

export function u8Option(code: number, value: number): readonly OptionValue[] {
  return [{ code, value: Uint8Array.of(value) }];
}

export function u32Option(code: number, value: number): readonly OptionValue[] {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return [{ code, value: bytes }];
}

export function u64Option(code: number, value: bigint | null | undefined): readonly OptionValue[] {
  if (value === null || value === undefined) return [];
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return [{ code, value: bytes }];
}

/** Upper 32 bits first. */
export function timeOption(code: number, timeNs: bigint | null | undefined): readonly OptionValue[] {
  if (timeNs === null || timeNs === undefined) return [];
  const bytes = new Uint8Array(8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number(timeNs >> 32n), true);
  view.setUint32(4, Number(timeNs & 0xffff_ffffn), true);
  return [{ code, value: bytes }];
}

export function optionsLength(options: readonly OptionValue[]): number {
  return options.reduce((sum, { value }) => sum + 4 + value.length + (-value.length & 3), options.length === 0 ? 0 : 4);
}

/** Writes options and end mark; an empty list takes no byte. */
export function writeOptions(into: Uint8Array, view: DataView, at: number, options: readonly OptionValue[]): void {
  if (options.length === 0) return;
  let next = at;
  for (const { code, value } of options) {
    view.setUint16(next, code, true);
    view.setUint16(next + 2, value.length, true);
    into.set(value, next + 4);
    next += 4 + value.length + (-value.length & 3);
  }
  view.setUint32(next, optionCodes.end, true);
}

export interface PacketOptions {
  readonly packetId: bigint | null;
  readonly comments: readonly string[];
}

/** Slow, on demand. Malformed options give none. */
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
    comments: options
      .filter((option) => option.code === optionCodes.comment)
      .map((option) => textOfOption(bytes, option)),
  };
}
