/** Block types (draft-ietf-opsawg-pcapng 4, 11.1). */
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

/** Option codes by the block that they stand in (draft-ietf-opsawg-pcapng 3.5, 4). */
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
 * The options in `view[from, to)`, up to the end mark; null where one runs past `to`. Each takes at least 4 octets, so
 * that a list is never longer than a quarter of its block.
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

/** Text of an option: UTF-8, not terminated; what is none becomes U+FFFD. */
export function textOf(bytes: Uint8Array, option: Option): string {
  return decoder.decode(bytes.subarray(option.at, option.at + option.length));
}

/** The first option of a code as text. */
export function optionText(bytes: Uint8Array, options: readonly Option[], code: number): string | null {
  const option = options.find((each) => each.code === code);
  return option === undefined ? null : textOf(bytes, option);
}

/** The first option of a code as an unsigned 64-bit number. */
export function optionU64(
  view: DataView,
  options: readonly Option[],
  code: number,
  littleEndian: boolean,
): bigint | null {
  const option = options.find((each) => each.code === code && each.length === 8);
  return option === undefined ? null : view.getBigUint64(option.at, littleEndian);
}
