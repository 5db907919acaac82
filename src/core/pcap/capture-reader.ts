import { BatchBuilder } from './batch-builder.js';
import { type CaptureItem, maxBlockLength } from './capture-items.js';
import { classicDecoder, classicMagic } from './classic/decoder.js';
import { type Decoder, windowOf } from './decoder.js';
import { PcapngDecoder } from './pcapng/decoder.js';
import { blockTypes } from './pcapng/options.js';
import { RingDecoder } from './ring/decoder.js';

/** Takes a capture file in chunks of any size, gives what is in it in the file's order. */
export interface CaptureReader {
  /** Batches may point into `chunk`: use them, or copy, before its bytes change. */
  push(chunk: Uint8Array): readonly CaptureItem[];
  /** The file is over: a block that is not whole is damage. */
  end(): readonly CaptureItem[];
}

export interface CaptureReaderOptions {
  readonly fleeting?: boolean;
  readonly raw?: boolean;
}

const magicLength = 4;

/**
 * A reader of pcap (µs and ns, both byte orders) and pcapng. Total over any bytes: never throws, holds one block (16
 * MiB) and one batch at most, and ends at the first fatal damage, with all that was whole before it delivered.
 * `fleeting`: batches are void at the next `push`. `raw`: a capture by this program's own helpers, in which blocks of a
 * ring stand (core/pcap/ring/block.ts); then bytes of a chunk may be changed.
 */
export function createCaptureReader(options: CaptureReaderOptions = {}): CaptureReader {
  const out = new BatchBuilder(options.fleeting ?? false);
  let decoder: Decoder | null = null;
  let over = false;
  /** Bytes of a block that is not whole yet. */
  let carry = new Uint8Array(0);
  let carried = 0;
  let carryOffset = 0;
  let fileOffset = 0;

  function fail(offset: number, message: string): -1 {
    out.add({ kind: 'damage', offset, message, fatal: true });
    return -1;
  }

  function decoderFor(view: DataView, at: number): Decoder | null {
    if (view.getUint32(at) === blockTypes.section)
      return new PcapngDecoder(out, options.raw === true ? new RingDecoder(out) : null);
    for (const little of [true, false]) {
      const magic = view.getUint32(at, little);
      if (magic === classicMagic.micro || magic === classicMagic.nano)
        return classicDecoder(out, magic === classicMagic.nano, little);
    }
    return null;
  }

  /** Position of the first byte of `bytes` not taken, -1 after fatal damage. */
  function decode(bytes: Uint8Array, from: number, to: number, offset: number): number {
    const window = windowOf(bytes, offset);
    if (decoder === null) {
      if (to - from < magicLength) return from;
      decoder = decoderFor(window.view, from);
      if (decoder === null) return fail(offset + from, describeMagic(bytes, from));
    }
    out.window(bytes, offset);
    return decoder.decode(window, from, to);
  }

  /** `whole`: bytes that the block will have, as far as is known. */
  function append(chunk: Uint8Array, from: number, length: number, whole: number): void {
    if (carried + length > carry.length) {
      const larger = new Uint8Array(Math.max(2 * carry.length, carried + length, whole, 4096));
      larger.set(carry.subarray(0, carried));
      carry = larger;
    }
    carry.set(chunk.subarray(from, from + length), carried);
    carried += length;
  }

  function push(chunk: Uint8Array): readonly CaptureItem[] {
    let at = 0;
    // First the block that began in an earlier chunk: only its own bytes are copied.
    while (!over && carried > 0 && at < chunk.length) {
      const needed = decoder === null ? magicLength : decoder.needed(windowOf(carry, carryOffset), 0, carried);
      const taken = Math.min(Math.max(needed - carried, 1), chunk.length - at);
      append(chunk, at, taken, Math.min(needed, maxBlockLength));
      at += taken;
      if (carried < needed) break;
      const next = decode(carry, 0, carried, carryOffset);
      if (next < 0) over = true;
      else if (next > 0) {
        // What is left of it, if anything, begins a block: a file header may have been shorter than the magic's needs.
        const rest = carry.slice(next, carried);
        carryOffset += next;
        carry = rest; // the old array belongs to the batch now
        carried = rest.length;
      }
    }
    if (!over && carried === 0 && at < chunk.length) {
      const next = decode(chunk, at, chunk.length, fileOffset);
      if (next < 0) over = true;
      else {
        carryOffset = fileOffset + next;
        if (next < chunk.length) append(chunk, next, chunk.length - next, 0);
      }
    }
    fileOffset += chunk.length;
    return out.take();
  }

  function end(): readonly CaptureItem[] {
    if (!over) {
      if (fileOffset === 0) fail(0, 'the file is empty');
      else if (carried > 0)
        fail(carryOffset, `the file ends inside a block or record, ${carried} bytes after its start`);
      over = true;
      carry = new Uint8Array(0);
    }
    return out.take();
  }

  return { push, end };
}

function describeMagic(bytes: Uint8Array, at: number): string {
  if (bytes[at] === 0x1f && bytes[at + 1] === 0x8b) return 'the file is compressed with gzip: decompress it first';
  const magic = Array.from(bytes.subarray(at, at + magicLength), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `the file is neither pcap nor pcapng: it begins with ${magic}`;
}
