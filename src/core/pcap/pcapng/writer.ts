import type { Direction, InterfaceItem, StatisticsItem } from '../capture-items.js';
import {
  blockTypes,
  byteOrderMagic,
  type OptionValue,
  optionCodes,
  optionsLength,
  textOption,
  timeOption,
  u8Option,
  u32Option,
  u64Option,
  writeOptions,
} from './options.js';

/** Blocks are little-endian with times in ns (draft-ietf-opsawg-pcapng 4). */
export interface SectionHeader {
  readonly hardware?: string | null;
  readonly os?: string | null;
  readonly application?: string | null;
  readonly comment?: string | null;
}

export function sectionHeader(section: SectionHeader): Uint8Array {
  const codes = optionCodes.section;
  const options = [
    ...textOption(optionCodes.comment, section.comment),
    ...textOption(codes.hardware, section.hardware),
    ...textOption(codes.os, section.os),
    ...textOption(codes.application, section.application),
  ];
  return block(blockTypes.section, 16, options, (view) => {
    view.setUint32(8, byteOrderMagic, true);
    view.setUint16(12, 1, true);
    view.setUint16(14, 0, true);
    view.setBigInt64(16, -1n, true); // length of the section: not reported, it is appended to
  });
}

export interface InterfaceDescription {
  readonly name: string;
  readonly description?: string | null;
  readonly filter?: string | null;
  readonly os?: string | null;
  readonly comment?: string | null;
  /** 0 = no limit. */
  readonly snaplen: number;
  /** LINKTYPE_, default Ethernet. */
  readonly linkType?: number;
}

/** Blocks number interfaces in order, from 0. */
export function interfaceDescription(description: InterfaceDescription): Uint8Array {
  const codes = optionCodes.interface;
  const options = [
    ...textOption(optionCodes.comment, description.comment),
    ...textOption(codes.name, description.name),
    ...textOption(codes.description, description.description),
    ...u8Option(codes.timeResolution, 9),
    ...textOption(codes.filter, description.filter, [0]),
    ...textOption(codes.os, description.os),
  ];
  return block(blockTypes.interface, 8, options, (view) => {
    view.setUint16(8, description.linkType ?? 1, true);
    view.setUint32(12, description.snaplen, true);
  });
}

/** For a copy of its capture. */
export function interfaceAsRead({ name, description, filter, snaplen }: InterfaceItem): Uint8Array {
  return interfaceDescription({ name: name ?? '', description, filter, snaplen, os: 'Linux' });
}

export interface EnhancedPacket {
  readonly interfaceId: number;
  readonly timeNs: bigint;
  /** Bytes on the wire: `data`'s length if it was not cut. */
  readonly originalLength: number;
  readonly data: Uint8Array;
  readonly direction: Direction;
  readonly packetId?: bigint | null;
  readonly comments?: readonly string[];
}

export function enhancedPacket(packet: EnhancedPacket): Uint8Array {
  const codes = optionCodes.packet;
  const options = [
    // first: a reader then need not look further
    ...(packet.direction === 0 ? [] : u32Option(codes.flags, packet.direction)),
    ...u64Option(codes.packetId, packet.packetId),
    ...(packet.comments ?? []).flatMap((comment) => textOption(optionCodes.comment, comment)),
  ];
  const { data } = packet;
  return block(blockTypes.packet, 20 + padded(data.length), options, (view, bytes) => {
    view.setUint32(8, packet.interfaceId, true);
    view.setUint32(12, Number((packet.timeNs >> 32n) & 0xffff_ffffn), true);
    view.setUint32(16, Number(packet.timeNs & 0xffff_ffffn), true);
    view.setUint32(20, data.length, true);
    view.setUint32(24, packet.originalLength, true);
    bytes.set(data, 28);
  });
}

export interface InterfaceStatistics extends Partial<Omit<StatisticsItem, 'kind' | 'interfaceId'>> {
  readonly interfaceId: number;
  readonly timeNs: bigint;
}

export function interfaceStatistics(statistics: InterfaceStatistics): Uint8Array {
  const codes = optionCodes.statistics;
  const options = [
    ...timeOption(codes.startTime, statistics.startNs),
    ...timeOption(codes.endTime, statistics.endNs),
    ...u64Option(codes.received, statistics.received),
    ...u64Option(codes.dropped, statistics.dropped),
    ...u64Option(codes.delivered, statistics.delivered),
  ];
  return block(blockTypes.statistics, 12, options, (view) => {
    view.setUint32(8, statistics.interfaceId, true);
    view.setUint32(12, Number((statistics.timeNs >> 32n) & 0xffff_ffffn), true);
    view.setUint32(16, Number(statistics.timeNs & 0xffff_ffffn), true);
  });
}

function block(
  type: number,
  bodyLength: number,
  options: readonly OptionValue[],
  body: (view: DataView, bytes: Uint8Array) => void,
): Uint8Array {
  const length = 12 + bodyLength + optionsLength(options);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  body(view, bytes);
  writeOptions(bytes, view, 8 + bodyLength, options);
  view.setUint32(length - 4, length, true);
  return bytes;
}

function padded(length: number): number {
  return length + (-length & 3);
}
