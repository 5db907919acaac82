import type { BatchBuilder } from '../batch-builder.js';
import { maxPacketLength } from '../capture-items.js';
import type { Decoder, Window } from '../decoder.js';

/** Classic pcap (draft-ietf-opsawg-pcap 4, 5): a header of 24 bytes, records of 16 bytes and the packet. */
const headerLength = 24;
const recordLength = 16;
export const classicMagic = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d } as const;

export function classicDecoder(out: BatchBuilder, nano: boolean, littleEndian: boolean): Decoder {
  let headed = false;
  const perUnit = nano ? 1 : 1000;
  let second = -1;
  let secondHigh = 0;
  let secondLow = 0;

  /**
   * seconds · 10^9 in two 32-bit words, by doubles that stay exact: seconds = upper · 2^16 + lower. Records of one
   * second are mostly in a row.
   */
  function beginSecond(seconds: number): void {
    const lower = (seconds & 0xffff) * 1e9;
    const upper = (seconds >>> 16) * 1e9;
    const low = (lower % 0x1_0000_0000) + (upper % 0x1_0000) * 0x1_0000;
    second = seconds;
    secondHigh = Math.floor(lower / 0x1_0000_0000) + Math.floor(upper / 0x1_0000) + (low >= 0x1_0000_0000 ? 1 : 0);
    secondLow = low % 0x1_0000_0000;
  }

  function damage(window: Window, at: number, message: string): -1 {
    out.add({ kind: 'damage', offset: window.fileOffset + at, message, fatal: true });
    return -1;
  }

  function header(window: Window, at: number): boolean {
    const { view } = window;
    const version = `${view.getUint16(at + 4, littleEndian)}.${view.getUint16(at + 6, littleEndian)}`;
    if (version !== '2.4') {
      damage(window, at, `pcap version ${version} is not 2.4`);
      return false;
    }
    const byteOrder = littleEndian ? 'little' : 'big';
    out.byteOrder = byteOrder;
    out.add({
      kind: 'section',
      format: nano ? 'pcap-nano' : 'pcap-micro',
      byteOrder,
      hardware: null,
      os: null,
      application: null,
      comments: [],
    });
    // The upper 16 bits report an FCS at the packets' end.
    const linkType = view.getUint32(at + 20, littleEndian) & 0xffff;
    out.add({
      kind: 'interface',
      id: 0,
      name: null,
      description: null,
      linkType,
      snaplen: view.getUint32(at + 16, littleEndian),
      filter: null,
    });
    headed = true;
    return true;
  }

  function decode(window: Window, from: number, to: number): number {
    let at = from;
    if (!headed) {
      if (at + headerLength > to) return at;
      if (!header(window, at)) return -1;
      at += headerLength;
    }
    const { view } = window;
    while (at + recordLength <= to) {
      const captured = view.getUint32(at + 8, littleEndian);
      if (captured > maxPacketLength)
        return damage(window, at, `a record claims ${captured} bytes, more than ${maxPacketLength}`);
      const next = at + recordLength + captured;
      if (next > to) break;
      const i = out.count;
      const seconds = view.getUint32(at, littleEndian);
      if (seconds !== second) beginSecond(seconds);
      const low = secondLow + view.getUint32(at + 4, littleEndian) * perUnit;
      if (low < 0x1_0000_0000) out.setTimeWords(secondHigh, low);
      else out.setTimeWords(secondHigh + Math.floor(low / 0x1_0000_0000), low % 0x1_0000_0000);
      const { columns } = out;
      columns.offset[i] = at + recordLength;
      columns.captured[i] = captured;
      columns.original[i] = view.getUint32(at + 12, littleEndian);
      out.next(); // interface, direction and options are 0 in every record, and stay so in the columns
      at = next;
    }
    return at;
  }

  function needed(window: Window, from: number, to: number): number {
    if (!headed) return headerLength;
    return from + recordLength > to ? recordLength : recordLength + window.view.getUint32(from + 8, littleEndian);
  }

  return { decode, needed };
}
