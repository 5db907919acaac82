import { maxPacketLength } from '../capture-items.js';
import { classicMagic } from './decoder.js';

/** Watches the bytes of a classic µs capture go by, in chunks of any size. */
export interface ClassicGuard {
  /**
   * What is wrong with the file so far; null = nothing. The chunk must not be read by anybody else where it is not
   * null.
   */
  see(chunk: Uint8Array): string | null;
  /** What is wrong now that the file is over. */
  atEnd(): string | null;
  /** Records that are whole. */
  readonly records: number;
}

/** Checks the first 24 bytes and bounds every captured length; at the end 24 + Σ(16 + captured) has to be the size. */
export function classicGuard(): ClassicGuard {
  const head = new Uint8Array(24);
  const view = new DataView(head.buffer);
  let filled = 0;
  let expected = 24;
  let little = true;
  let inFileHeader = true;
  let skip = 0;
  let records = 0;
  let fault: string | null = null;

  function fileHeader(): string | null {
    if (view.getUint32(0, true) !== classicMagic.micro && view.getUint32(0, false) !== classicMagic.micro)
      return 'the file is no classic pcap in µs';
    little = view.getUint32(0, true) === classicMagic.micro;
    if (view.getUint16(4, little) !== 2 || view.getUint16(6, little) !== 4)
      return `pcap version ${view.getUint16(4, little)}.${view.getUint16(6, little)} is not 2.4`;
    return null;
  }

  function see(chunk: Uint8Array): string | null {
    let at = 0;
    while (at < chunk.length && fault === null) {
      if (skip > 0) {
        const passed = Math.min(skip, chunk.length - at);
        skip -= passed;
        at += passed;
        if (skip === 0) records += 1;
        continue;
      }
      const taken = Math.min(expected - filled, chunk.length - at);
      head.set(chunk.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < expected) break;
      filled = 0;
      if (inFileHeader) {
        fault = fileHeader();
        inFileHeader = false;
        expected = 16;
        continue;
      }
      skip = view.getUint32(8, little);
      if (skip > maxPacketLength) fault = `a record claims ${skip} bytes, more than ${maxPacketLength}`;
      else if (skip === 0) records += 1;
    }
    return fault;
  }

  function atEnd(): string | null {
    if (fault !== null) return fault;
    if (inFileHeader) return filled === 0 ? 'the file is empty' : 'the file ends inside its header';
    return skip > 0 || filled > 0 ? 'the file ends inside a record' : null;
  }

  return {
    see,
    atEnd,
    get records() {
      return records;
    },
  };
}
