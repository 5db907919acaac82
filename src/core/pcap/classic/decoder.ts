import type { BatchBuilder } from '../batch-builder.js';
import { maxPacketLength } from '../capture-items.js';
import type { Decoder, Window } from '../decoder.js';

/** draft-ietf-opsawg-pcap 4, 5. */
const headerLength = 24;
const recordLength = 16;
export const classicMagic = { micro: 0xa1b2c3d4, nano: 0xa1b23c4d } as const;

/** Reads one byte order, in µs or ns. */
export class ClassicDecoder implements Decoder {
  private readonly out: BatchBuilder;
  private readonly isNano: boolean;
  private readonly littleEndian: boolean;
  private isHeaded = false;
  private second = -1;
  private secondHigh = 0;
  private secondLow = 0;

  constructor(out: BatchBuilder, isNano: boolean, littleEndian: boolean) {
    this.out = out;
    this.isNano = isNano;
    this.littleEndian = littleEndian;
  }

  decode(window: Window, from: number, to: number): number {
    if (this.isHeaded) return this.decodeRecords(window, from, to);
    if (from + headerLength > to) return from;
    return this.decodeHeader(window, from) ? this.decodeRecords(window, from + headerLength, to) : -1;
  }

  needed(window: Window, from: number, to: number): number {
    if (!this.isHeaded) return headerLength;
    return from + recordLength > to ? recordLength : recordLength + window.view.getUint32(from + 8, this.littleEndian);
  }

  private decodeHeader(window: Window, at: number): boolean {
    const { view } = window;
    const { out, littleEndian } = this;
    const version = `${view.getUint16(at + 4, littleEndian)}.${view.getUint16(at + 6, littleEndian)}`;
    if (version !== '2.4') {
      this.fail(window, at, `pcap version ${version} is not 2.4`);
      return false;
    }
    const byteOrder = littleEndian ? 'little' : 'big';
    out.byteOrder = byteOrder;
    const format = this.isNano ? 'pcap-nano' : 'pcap-micro';
    out.add({ kind: 'section', format, byteOrder, hardware: null, os: null, application: null, comments: [] });
    // The upper 16 bits report an FCS at the packets' end.
    const linkType = view.getUint32(at + 20, littleEndian) & 0xffff;
    const snaplen = view.getUint32(at + 16, littleEndian);
    out.add({ kind: 'interface', id: 0, name: null, description: null, linkType, snaplen, filter: null });
    this.isHeaded = true;
    return true;
  }

  private decodeRecords(window: Window, from: number, to: number): number {
    const { view } = window;
    const { out, littleEndian } = this;
    const perUnit = this.isNano ? 1 : 1000;
    let at = from;
    while (at + recordLength <= to) {
      const captured = view.getUint32(at + 8, littleEndian);
      if (captured > maxPacketLength)
        return this.fail(window, at, `a record claims ${captured} bytes, more than ${maxPacketLength}`);
      const next = at + recordLength + captured;
      if (next > to) break;
      const i = out.count;
      const seconds = view.getUint32(at, littleEndian);
      if (seconds !== this.second) this.beginSecond(seconds);
      const low = this.secondLow + view.getUint32(at + 4, littleEndian) * perUnit;
      if (low < 0x1_0000_0000) out.setTimeWords(this.secondHigh, low);
      else out.setTimeWords(this.secondHigh + Math.floor(low / 0x1_0000_0000), low % 0x1_0000_0000);
      const { columns } = out;
      columns.offset[i] = at + recordLength;
      columns.captured[i] = captured;
      columns.original[i] = view.getUint32(at + 12, littleEndian);
      out.next(); // interface, direction and options are 0 in every record, and stay so in the columns
      at = next;
    }
    return at;
  }

  /** seconds · 10^9 in 32-bit words by exact doubles: seconds = upper · 2^16 + lower. */
  private beginSecond(seconds: number): void {
    const lower = (seconds & 0xffff) * 1e9;
    const upper = (seconds >>> 16) * 1e9;
    const low = (lower % 0x1_0000_0000) + (upper % 0x1_0000) * 0x1_0000;
    this.second = seconds;
    this.secondHigh = Math.floor(lower / 0x1_0000_0000) + Math.floor(upper / 0x1_0000) + (low >= 0x1_0000_0000 ? 1 : 0);
    this.secondLow = low % 0x1_0000_0000;
  }

  private fail(window: Window, at: number, message: string): -1 {
    this.out.add({ kind: 'damage', offset: window.fileOffset + at, message, fatal: true });
    return -1;
  }
}
