import { maxInterfaces } from '../capture-items.js';
import type { Window } from '../decoder.js';
import { type TimeResolution, timeResolution, toNs } from '../time-resolution.js';
import { type Option, optionCodes, optionText, optionU64, readOptions, textOfOption } from './options.js';
import type { BatchBuilder } from '../batch-builder.js';

/** For its packets and statistics. */
export interface InterfaceOfSection {
  readonly snaplen: number;
  readonly resolution: TimeResolution;
}

/** A file's current section and its builder. */
export interface SectionState {
  readonly out: BatchBuilder;
  little: boolean;
  isOpen: boolean;
  interfaces: InterfaceOfSection[];
  /** Interfaces of earlier sections; ids count on behind them. */
  earlier: number;
  /** Once, as a file may be full of times outside 64 bits of ns. */
  isTimeFaultReported: boolean;
}

export function newSectionState(out: BatchBuilder): SectionState {
  return { out, little: true, isOpen: false, interfaces: [], earlier: 0, isTimeFaultReported: false };
}

/** Reads a block up to its closing length. Gives a fault or null. */
export type ReadBlock = (state: SectionState, window: Window, at: number, to: number) => string | null;

/** Resets interfaces and byte order. */
export const readSection: ReadBlock = (state, { view, bytes }, at, to) => {
  const { little, out } = state;
  if (at + 24 > to) return 'a section header is too short for its fields';
  const major = view.getUint16(at + 12, little);
  if (major !== 1) return `pcapng version ${major} is not 1`;
  const options = readOptions(view, at + 24, to, little);
  if (options === null) return 'an option of a section header runs past its block';
  state.earlier += state.interfaces.length;
  state.interfaces = [];
  state.isOpen = true;
  const codes = optionCodes.section;
  const byteOrder = little ? 'little' : 'big';
  out.add({
    kind: 'section',
    format: 'pcapng',
    byteOrder,
    hardware: optionText(bytes, options, codes.hardware),
    os: optionText(bytes, options, codes.os),
    application: optionText(bytes, options, codes.application),
    comments: options
      .filter((option) => option.code === optionCodes.comment)
      .map((option) => textOfOption(bytes, option)),
  });
  out.byteOrder = byteOrder;
  return null;
};

export const readInterface: ReadBlock = (state, { view, bytes }, at, to) => {
  const { little, interfaces, earlier, out } = state;
  if (at + 16 > to) return 'an interface description is too short for its fields';
  const id = earlier + interfaces.length;
  if (id >= maxInterfaces) return `more than ${maxInterfaces} interfaces`;
  const options = readOptions(view, at + 16, to, little);
  if (options === null) return 'an option of an interface description runs past its block';
  const codes = optionCodes.interface;
  const snaplen = view.getUint32(at + 12, little);
  const resolution = options.find((option) => option.code === codes.timeResolution && option.length === 1);
  const offset = options.find((option) => option.code === codes.timeOffset && option.length === 8);
  interfaces.push({
    snaplen,
    resolution: timeResolution(
      resolution === undefined ? 6 : view.getUint8(resolution.at),
      offset === undefined ? 0n : view.getBigInt64(offset.at, little),
    ),
  });
  out.add({
    kind: 'interface',
    id,
    name: optionText(bytes, options, codes.name),
    description: optionText(bytes, options, codes.description),
    linkType: view.getUint16(at + 8, little),
    snaplen,
    filter: filterText(bytes, options),
  });
  return null;
};

export const readStatistics: ReadBlock = (state, { view }, at, to) => {
  const { little, interfaces, earlier, out } = state;
  if (at + 20 > to) return 'interface statistics are too short for their fields';
  const id = view.getUint32(at + 8, little);
  const captureInterface = interfaces[id];
  if (captureInterface === undefined)
    return `statistics of interface ${id}, of which the section has ${interfaces.length}`;
  const options = readOptions(view, at + 20, to, little);
  if (options === null) return 'an option of interface statistics runs past its block';
  const codes = optionCodes.statistics;
  const timeOf = (code: number): bigint | null =>
    timeOption(
      view,
      options.find((option) => option.code === code && option.length === 8),
      captureInterface.resolution,
      little,
    );
  out.add({
    kind: 'statistics',
    interfaceId: earlier + id,
    received: optionU64(view, options, codes.received, little),
    dropped: optionU64(view, options, codes.dropped, little),
    delivered: optionU64(view, options, codes.delivered, little),
    startNs: timeOf(codes.startTime),
    endNs: timeOf(codes.endTime),
  });
  return null;
};

function timeOption(
  view: DataView,
  option: Option | undefined,
  resolution: TimeResolution,
  little: boolean,
): bigint | null {
  if (option === undefined) return null;
  const high = BigInt(view.getUint32(option.at, little));
  return toNs((high << 32n) | BigInt(view.getUint32(option.at + 4, little)), resolution);
}

/** if_filter: a leading 0 byte, then a libpcap expression. */
function filterText(bytes: Uint8Array, options: readonly Option[]): string | null {
  const option = options.find(
    (each) => each.code === optionCodes.interface.filter && each.length > 0 && bytes[each.at] === 0,
  );
  return option === undefined ? null : textOfOption(bytes, { ...option, at: option.at + 1, length: option.length - 1 });
}
