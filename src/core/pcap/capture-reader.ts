import { BatchBuilder } from './batch-builder.js';
import { type CaptureItem, maxBlockLength } from './capture-items.js';
import { ClassicDecoder, classicMagic } from './classic/decoder.js';
import { type Decoder, windowOf } from './decoder.js';
import { PcapngDecoder } from './pcapng/decoder.js';
import { blockTypes } from './pcapng/options.js';
import { RingDecoder } from './ring/decoder.js';

export interface CaptureReaderOptions {
  readonly fleeting?: boolean;
  readonly raw?: boolean;
}

const magicLength = 4;

/**
 * Reads pcap (µs and ns, both byte orders) and pcapng. Never throws: the first fatal damage ends it after all complete
 * items. Holds at most one block (16 MiB) and one batch. `fleeting`: the next `push` voids batches. `raw`: a helper's
 * capture with ring blocks, whose chunks may be changed.
 */
export class CaptureReader {
  private readonly options: CaptureReaderOptions;
  private readonly out: BatchBuilder;
  private decoder: Decoder | null = null;
  private isOver = false;
  private carry = new Uint8Array(0);
  private carried = 0;
  private carryOffset = 0;
  private fileOffset = 0;

  constructor(options: CaptureReaderOptions = {}) {
    this.options = options;
    this.out = new BatchBuilder(options.fleeting ?? false);
  }

  /** Takes chunks of any size. Batches may point into them. */
  push(chunk: Uint8Array): readonly CaptureItem[] {
    const at = this.completeBlock(chunk);
    if (!this.isOver && this.carried === 0 && at < chunk.length) {
      const next = this.decode(chunk, at, chunk.length, this.fileOffset);
      if (next < 0) this.isOver = true;
      else {
        this.carryOffset = this.fileOffset + next;
        if (next < chunk.length) this.append(chunk, next, chunk.length - next, 0);
      }
    }
    this.fileOffset += chunk.length;
    return this.out.take();
  }

  end(): readonly CaptureItem[] {
    if (!this.isOver) {
      if (this.fileOffset === 0) this.fail(0, 'the file is empty');
      else if (this.carried > 0)
        this.fail(this.carryOffset, `the file ends inside a block or record, ${this.carried} bytes after its start`);
      this.isOver = true;
      this.carry = new Uint8Array(0);
    }
    return this.out.take();
  }

  private completeBlock(chunk: Uint8Array): number {
    let at = 0;
    while (!this.isOver && this.carried > 0 && at < chunk.length) {
      const { carry, carried, carryOffset } = this;
      const needed =
        this.decoder === null ? magicLength : this.decoder.needed(windowOf(carry, carryOffset), 0, carried);
      const taken = Math.min(Math.max(needed - carried, 1), chunk.length - at);
      this.append(chunk, at, taken, Math.min(needed, maxBlockLength));
      at += taken;
      if (this.carried < needed) break;
      const next = this.decode(this.carry, 0, this.carried, this.carryOffset);
      if (next < 0) this.isOver = true;
      else if (next > 0) {
        // What is left of it, if anything, begins a block: a file header may have been shorter than the magic's needs.
        const rest = this.carry.slice(next, this.carried);
        this.carryOffset += next;
        this.carry = rest; // the old array belongs to the batch now
        this.carried = rest.length;
      }
    }
    return at;
  }

  private decode(bytes: Uint8Array, from: number, to: number, offset: number): number {
    const window = windowOf(bytes, offset);
    if (this.decoder === null) {
      if (to - from < magicLength) return from;
      this.decoder = this.decoderFor(window.view, from);
      if (this.decoder === null) return this.fail(offset + from, describeMagic(bytes, from));
    }
    this.out.window(bytes, offset);
    return this.decoder.decode(window, from, to);
  }

  private decoderFor(view: DataView, at: number): Decoder | null {
    const { out } = this;
    if (view.getUint32(at) === blockTypes.section)
      return new PcapngDecoder(out, this.options.raw === true ? new RingDecoder(out) : null);
    for (const little of [true, false]) {
      const magic = view.getUint32(at, little);
      if (magic === classicMagic.micro || magic === classicMagic.nano)
        return new ClassicDecoder(out, magic === classicMagic.nano, little);
    }
    return null;
  }

  private append(chunk: Uint8Array, from: number, length: number, complete: number): void {
    if (this.carried + length > this.carry.length) {
      const larger = new Uint8Array(Math.max(2 * this.carry.length, this.carried + length, complete, 4096));
      larger.set(this.carry.subarray(0, this.carried));
      this.carry = larger;
    }
    this.carry.set(chunk.subarray(from, from + length), this.carried);
    this.carried += length;
  }

  private fail(offset: number, message: string): -1 {
    this.out.add({ kind: 'damage', offset, message, fatal: true });
    return -1;
  }
}

function describeMagic(bytes: Uint8Array, at: number): string {
  if (bytes[at] === 0x1f && bytes[at + 1] === 0x8b) return 'the file is compressed with gzip: decompress it first';
  const magic = Array.from(bytes.subarray(at, at + magicLength), (byte) => byte.toString(16).padStart(2, '0')).join('');
  return `the file is neither pcap nor pcapng: it begins with ${magic}`;
}
