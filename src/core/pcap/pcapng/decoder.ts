import { endianness } from '../../wire/octets.js';
import type { BatchBuilder } from '../batch-builder.js';
import { maxBlockLength, maxInterfaces, maxPacketLength } from '../capture-items.js';
import type { Decoder, Window } from '../decoder.js';
import { takePlainPackets } from '../plain-packets.js';
import type { RingDecoder } from '../ring/decoder.js';
import { latestNs, type TimeResolution, timeResolution, toNs } from '../time-resolution.js';
import {
  blockTypes,
  byteOrderMagic,
  type Option,
  optionCodes,
  optionText,
  optionU64,
  readOptions,
  textOfOption,
} from './options.js';

/** Block type and length; every block repeats its length at its end. */
const headLength = 12;

const isLittle = endianness === 'little';

interface SeenInterface {
  readonly snaplen: number;
  readonly resolution: TimeResolution;
}

/**
 * pcapng (draft-ietf-opsawg-pcapng): blocks by their length, sections in either byte order. `ring`: also what a raw
 * capture has of a ring.
 */
export function pcapngDecoder(out: BatchBuilder, ring: RingDecoder | null): Decoder {
  let little = true;
  let inSection = false;
  /** Interfaces of the section, and how many earlier sections had. */
  let interfaces: SeenInterface[] = [];
  let earlier = 0;
  let timeFault = false;

  function damage(window: Window, at: number, message: string): false {
    out.add({ kind: 'damage', offset: window.fileOffset + at, message, fatal: true });
    return false;
  }

  function decode(window: Window, from: number, to: number): number {
    const { view, words } = window;
    let at = from;
    while (at + headLength <= to) {
      if (words !== null && (at & 3) === 0 && little === isLittle) {
        at = takePlainPackets(out, words, at, to, interfaces, earlier);
        if (at + headLength > to) break;
      }
      const type = view.getUint32(at, little);
      if (type === blockTypes.section && !sectionOrder(window, at)) return -1;
      if (!inSection && type !== blockTypes.section) {
        damage(window, at, 'the file does not begin with a section header');
        return -1;
      }
      const length = view.getUint32(at + 4, little);
      if (length < headLength || (length & 3) !== 0 || length > maxBlockLength) {
        damage(window, at, `a block claims ${length} octets; 12 to ${maxBlockLength}, a multiple of 4, can be`);
        return -1;
      }
      if (at + length > to) return at;
      if (view.getUint32(at + length - 4, little) !== length) {
        damage(
          window,
          at,
          `a block of ${length} octets ends with another length, ${view.getUint32(at + length - 4, little)}`,
        );
        return -1;
      }
      if (!block(window, type, at, at + length - 4)) return -1;
      at += length;
    }
    return at;
  }

  /** A section header says its byte order before its length can be read. */
  function sectionOrder(window: Window, at: number): boolean {
    const asLittle = window.view.getUint32(at + 8, true);
    const asBig = window.view.getUint32(at + 8, false);
    if (asLittle !== byteOrderMagic && asBig !== byteOrderMagic)
      return damage(window, at, 'a section header without its byte-order magic');
    little = asLittle === byteOrderMagic;
    return true;
  }

  /** `to`: where the block's closing length begins. */
  function block(window: Window, type: number, at: number, to: number): boolean {
    switch (type) {
      case blockTypes.packet:
        return at + 28 > to
          ? damage(window, at, 'a packet block is too short for its fields')
          : packet(window, at, to, window.view.getUint32(at + 8, little));
      case blockTypes.obsoletePacket:
        return at + 28 > to
          ? damage(window, at, 'a packet block is too short for its fields')
          : packet(window, at, to, window.view.getUint16(at + 8, little));
      case blockTypes.simplePacket:
        return simplePacket(window, at, to);
      case blockTypes.section:
        return section(window, at, to);
      case blockTypes.interface:
        return interfaceDescription(window, at, to);
      case blockTypes.statistics:
        return statistics(window, at, to);
      default:
        if (ring !== null) return ringBlock(ring, window, type, at, to);
        return true; // name resolution and all that is not known: skipped by its length
    }
  }

  function ringBlock(ring: RingDecoder, window: Window, type: number, at: number, to: number): boolean {
    const fault = ring.block(window, type, at, to, interfaces.length);
    return fault === null || damage(window, at, fault);
  }

  function packet(window: Window, at: number, to: number, id: number): boolean {
    const { view } = window;
    const seen = interfaces[id];
    if (seen === undefined)
      return damage(window, at, `a packet of interface ${id}, of which the section has ${interfaces.length}`);
    const captured = view.getUint32(at + 20, little);
    if (captured > maxPacketLength)
      return damage(window, at, `a packet claims ${captured} octets, more than ${maxPacketLength}`);
    const optionsAt = at + 28 + captured + (-captured & 3);
    if (optionsAt > to) return damage(window, at, `a packet claims ${captured} octets, more than its block holds`);
    const direction = directionOf(view, optionsAt, to);
    if (direction < 0) return damage(window, at, 'an option of a packet runs past its block');
    time(window, at, seen.resolution, view.getUint32(at + 12, little), view.getUint32(at + 16, little));
    store(at + 28, captured, view.getUint32(at + 24, little), id, direction, optionsAt, to - optionsAt);
    return true;
  }

  function store(
    offset: number,
    captured: number,
    original: number,
    id: number,
    direction: number,
    optionsAt: number,
    optionsLength: number,
  ): void {
    const i = out.count;
    const { columns } = out;
    columns.offset[i] = offset;
    columns.captured[i] = captured;
    columns.original[i] = original;
    columns.interfaceId[i] = earlier + id;
    columns.direction[i] = direction;
    columns.optionsAt[i] = optionsAt;
    columns.optionsLength[i] = optionsLength;
    out.next();
  }

  /**
   * Bits 0 and 1 of epb_flags (pack_flags has the same code); 0 without the option, -1 where an option runs past its
   * block.
   */
  function directionOf(view: DataView, from: number, to: number): number {
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

  function time(window: Window, at: number, resolution: TimeResolution, high: number, low: number): void {
    if (resolution.fast === 'ns' && high < 0x8000_0000) {
      out.setTimeWords(high, low);
      return;
    }
    const lowNs = low * 1000;
    const highNs = high * 1000 + Math.floor(lowNs / 0x1_0000_0000);
    if (resolution.fast === 'us' && highNs < 0x8000_0000) {
      out.setTimeWords(highNs, lowNs % 0x1_0000_0000);
      return;
    }
    const ns = toNs((BigInt(high) << 32n) | BigInt(low), resolution);
    if (ns === null && !timeFault) {
      timeFault = true; // told once: a file may be full of them
      out.add({
        kind: 'damage',
        offset: window.fileOffset + at,
        message: "a packet's time is not between 1970 and 2262",
        fatal: false,
      });
    }
    out.setTime(ns ?? latestNs);
  }

  function simplePacket(window: Window, at: number, to: number): boolean {
    const first = interfaces[0];
    if (at + 12 > to || first === undefined)
      return damage(window, at, 'a simple packet block without length or without interface');
    const original = window.view.getUint32(at + 8, little);
    const captured = Math.min(original, first.snaplen === 0 ? original : first.snaplen);
    if (captured > maxPacketLength || at + 12 + captured > to)
      return damage(window, at, `a simple packet claims ${captured} octets, more than its block holds`);
    out.setTimeWords(0, 0);
    store(at + 12, captured, original, 0, 0, 0, 0);
    return true;
  }

  function section(window: Window, at: number, to: number): boolean {
    const { view, bytes } = window;
    if (at + 24 > to) return damage(window, at, 'a section header is too short for its fields');
    const major = view.getUint16(at + 12, little);
    if (major !== 1) return damage(window, at, `pcapng version ${major} is not 1`);
    const options = readOptions(view, at + 24, to, little);
    if (options === null) return damage(window, at, 'an option of a section header runs past its block');
    earlier += interfaces.length;
    interfaces = [];
    inSection = true;
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
    return true;
  }

  function interfaceDescription(window: Window, at: number, to: number): boolean {
    const { view, bytes } = window;
    if (at + 16 > to) return damage(window, at, 'an interface description is too short for its fields');
    const id = earlier + interfaces.length;
    if (id >= maxInterfaces) return damage(window, at, `more than ${maxInterfaces} interfaces`);
    const options = readOptions(view, at + 16, to, little);
    if (options === null) return damage(window, at, 'an option of an interface description runs past its block');
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
    return true;
  }

  function statistics(window: Window, at: number, to: number): boolean {
    const { view } = window;
    if (at + 20 > to) return damage(window, at, 'interface statistics are too short for their fields');
    const id = view.getUint32(at + 8, little);
    const seen = interfaces[id];
    if (seen === undefined)
      return damage(window, at, `statistics of interface ${id}, of which the section has ${interfaces.length}`);
    const options = readOptions(view, at + 20, to, little);
    if (options === null) return damage(window, at, 'an option of interface statistics runs past its block');
    const codes = optionCodes.statistics;
    out.add({
      kind: 'statistics',
      interfaceId: earlier + id,
      received: optionU64(view, options, codes.received, little),
      dropped: optionU64(view, options, codes.dropped, little),
      delivered: optionU64(view, options, codes.delivered, little),
      startNs: timeOption(view, options, codes.startTime, seen.resolution),
      endNs: timeOption(view, options, codes.endTime, seen.resolution),
    });
    return true;
  }

  function timeOption(
    view: DataView,
    options: readonly Option[],
    code: number,
    resolution: TimeResolution,
  ): bigint | null {
    const option = options.find((each) => each.code === code && each.length === 8);
    return option === undefined
      ? null
      : toNs(
          (BigInt(view.getUint32(option.at, little)) << 32n) | BigInt(view.getUint32(option.at + 4, little)),
          resolution,
        );
  }

  function needed(window: Window, from: number, to: number): number {
    return from + headLength > to ? headLength : window.view.getUint32(from + 4, little);
  }

  return { decode, needed };
}

/** if_filter: a leading 0 octet says that a libpcap expression follows. */
function filterText(bytes: Uint8Array, options: readonly Option[]): string | null {
  const option = options.find(
    (each) => each.code === optionCodes.interface.filter && each.length > 0 && bytes[each.at] === 0,
  );
  return option === undefined ? null : textOfOption(bytes, { ...option, at: option.at + 1, length: option.length - 1 });
}
