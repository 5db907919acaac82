import { maxPacketLength } from '../capture-items.js';
import { classicMagic } from './decoder.js';

/** Checks a classic µs capture in chunks of any size: file header, captured lengths, and final size. */
export class ClassicGuard {
  private readonly head = new Uint8Array(24);
  private readonly view = new DataView(this.head.buffer);
  private filled = 0;
  private expected = 24;
  private little = true;
  private inFileHeader = true;
  private skip = 0;
  private complete = 0;
  private fault: string | null = null;

  get records(): number {
    return this.complete;
  }

  /** The first fault; null = none. No other reader may get a faulty chunk. */
  see(chunk: Uint8Array): string | null {
    for (let at = 0; at < chunk.length && this.fault === null; )
      at += this.skip > 0 ? this.passRecord(chunk.length - at) : this.takeHeader(chunk, at);
    return this.fault;
  }

  atEnd(): string | null {
    if (this.fault !== null) return this.fault;
    if (this.inFileHeader) return this.filled === 0 ? 'the file is empty' : 'the file ends inside its header';
    return this.skip > 0 || this.filled > 0 ? 'the file ends inside a record' : null;
  }

  private passRecord(remaining: number): number {
    const passed = Math.min(this.skip, remaining);
    this.skip -= passed;
    if (this.skip === 0) this.complete += 1;
    return passed;
  }

  private takeHeader(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.expected - this.filled, chunk.length - at);
    this.head.set(chunk.subarray(at, at + taken), this.filled);
    this.filled += taken;
    if (this.filled === this.expected) this.readHeader();
    return taken;
  }

  private readHeader(): void {
    this.filled = 0;
    if (this.inFileHeader) {
      this.fault = this.readFileHeader();
      this.inFileHeader = false;
      this.expected = 16;
      return;
    }
    this.skip = this.view.getUint32(8, this.little);
    if (this.skip > maxPacketLength) this.fault = `a record claims ${this.skip} bytes, more than ${maxPacketLength}`;
    else if (this.skip === 0) this.complete += 1;
  }

  private readFileHeader(): string | null {
    const { view } = this;
    if (view.getUint32(0, true) !== classicMagic.micro && view.getUint32(0, false) !== classicMagic.micro)
      return 'the file is no classic pcap in µs';
    this.little = view.getUint32(0, true) === classicMagic.micro;
    const [major, minor] = [view.getUint16(4, this.little), view.getUint16(6, this.little)];
    return major === 2 && minor === 4 ? null : `pcap version ${major}.${minor} is not 2.4`;
  }
}
