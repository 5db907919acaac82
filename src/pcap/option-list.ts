import { escapeText } from '../model/escape-text.js';
import { optionCodes } from './pcapng-options.js';

const maxOptionLength = 65_535;
const encoder = new TextEncoder();

/** One option to write: its code and its octets. */
export interface OptionValue {
  readonly code: number;
  readonly value: Uint8Array;
}

/** A text as an option holds it, without a prefix. */
export function textOctets(text: string): Uint8Array {
  return textOption(optionCodes.comment, text)[0]?.value ?? new Uint8Array(0);
}

/**
 * Text as an option, or none for null. Cut to what an option holds, at a character; what a terminal would act on is
 * escaped, since tshark and capinfos print comments and names of interfaces as they are. `prefix` are octets in front
 * of the text.
 */
export function textOption(
  code: number,
  text: string | null | undefined,
  prefix: readonly number[] = [],
): readonly OptionValue[] {
  if (text === null || text === undefined) return [];
  const escaped = escapeText(text);
  // no UTF-16 unit takes more
  const value = new Uint8Array(Math.min(maxOptionLength, prefix.length + 3 * escaped.length));
  value.set(prefix);
  const { written } = encoder.encodeInto(escaped, value.subarray(prefix.length));
  return [{ code, value: value.slice(0, prefix.length + written) }];
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

/** A time as options of a statistics block hold it: upper 32 bits first. */
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

/** Writes options and their end mark at `at`; an empty list takes no octet. */
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
