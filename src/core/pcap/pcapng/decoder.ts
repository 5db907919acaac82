import { endianness } from '../../wire/bytes.js';
import type { BatchBuilder } from '../batch-builder.js';
import { maxBlockLength } from '../capture-items.js';
import type { Decoder, Window } from '../decoder.js';
import { takePlainPackets } from '../plain-packets.js';
import type { RingDecoder } from '../ring/decoder.js';
import { readInterface, readSection, readStatistics } from './descriptions.js';
import { blockTypes, byteOrderMagic } from './options.js';
import { readPacket, readSimplePacket } from './packets.js';
import { newSectionState, type SectionState } from './descriptions.js';

/** Type and length; every block repeats its length at its end. */
const headLength = 12;

const isLittle = endianness === 'little';

/** draft-ietf-opsawg-pcapng, sections in either byte order. */
export class PcapngDecoder implements Decoder {
  private readonly state: SectionState;

  constructor(
    private readonly out: BatchBuilder,
    private readonly ring: RingDecoder | null,
  ) {
    this.state = newSectionState(out);
  }

  decode(window: Window, from: number, to: number): number {
    const state = this.state;
    const { view, words } = window;
    let at = from;
    while (at + headLength <= to) {
      if (words !== null && (at & 3) === 0 && state.little === isLittle) {
        at = takePlainPackets(this.out, words, at, to, state);
        if (at + headLength > to) break;
      }
      const type = view.getUint32(at, state.little);
      const fault = this.faultOfHead(view, type, at);
      if (fault !== null) return this.damage(window, at, fault);
      const length = view.getUint32(at + 4, state.little);
      if (at + length > to) return at;
      const closing = view.getUint32(at + length - 4, state.little);
      if (closing !== length)
        return this.damage(window, at, `a block of ${length} bytes ends with another length, ${closing}`);
      const inside = this.readBlock(window, type, at, at + length - 4);
      if (inside !== null) return this.damage(window, at, inside);
      at += length;
    }
    return at;
  }

  needed(window: Window, from: number, to: number): number {
    return from + headLength > to ? headLength : window.view.getUint32(from + 4, this.state.little);
  }

  private damage(window: Window, at: number, message: string): -1 {
    this.out.add({ kind: 'damage', offset: window.fileOffset + at, message, fatal: true });
    return -1;
  }

  /** A section header sets its own byte order. */
  private faultOfHead(view: DataView, type: number, at: number): string | null {
    const state = this.state;
    if (type === blockTypes.section) {
      const order = littleOf(view, at);
      if (order === null) return 'a section header without its byte-order magic';
      state.little = order;
    } else if (!state.isOpen) return 'the file does not begin with a section header';
    const length = view.getUint32(at + 4, state.little);
    return length < headLength || (length & 3) !== 0 || length > maxBlockLength
      ? `a block claims ${length} bytes; 12 to ${maxBlockLength}, a multiple of 4, can be`
      : null;
  }

  private readBlock(window: Window, type: number, at: number, to: number): string | null {
    const state = this.state;
    switch (type) {
      case blockTypes.packet:
        return readPacket(state, window, at, to, true);
      case blockTypes.obsoletePacket:
        return readPacket(state, window, at, to, false);
      case blockTypes.simplePacket:
        return readSimplePacket(state, window, at, to);
      case blockTypes.section:
        return readSection(state, window, at, to);
      case blockTypes.interface:
        return readInterface(state, window, at, to);
      case blockTypes.statistics:
        return readStatistics(state, window, at, to);
      default:
        // name resolution and all that is not known is skipped by its length
        return this.ring?.readBlock(window, type, at, to, state.interfaces.length) ?? null;
    }
  }
}

function littleOf(view: DataView, at: number): boolean | null {
  if (view.getUint32(at + 8, true) === byteOrderMagic) return true;
  return view.getUint32(at + 8, false) === byteOrderMagic ? false : null;
}
