import { endianness } from './host-order.js';
import type { Batch, CaptureItem } from './capture-items.js';

/** Packets of a batch at most: the columns then fit a processor's second-level cache. */
export const batchCapacity = 16_384;
const lowWord = endianness === 'little' ? 0 : 1;

/** Collects packets into columns that are used again, and items in the order of the file. Decoders write the columns directly. */
export class BatchBuilder {
  readonly offset = new Uint32Array(batchCapacity);
  readonly captured = new Uint32Array(batchCapacity);
  readonly original = new Uint32Array(batchCapacity);
  readonly interfaceId = new Uint32Array(batchCapacity);
  readonly direction = new Uint8Array(batchCapacity);
  readonly optionsAt = new Uint32Array(batchCapacity);
  readonly optionsLength = new Uint32Array(batchCapacity);
  private readonly timeNs = new BigInt64Array(batchCapacity);
  private readonly timeWords = new Uint32Array(this.timeNs.buffer);
  /** Packets in the columns. */
  count = 0;
  private items: CaptureItem[] = [];
  private frames = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private fileOffset = 0;
  byteOrder: 'little' | 'big' = 'little';

  /** The octets that packets lie in from now on, and the position of the first in the file. */
  window(bytes: Uint8Array, fileOffset: number): void {
    this.flush();
    this.bytes = bytes;
    this.fileOffset = fileOffset;
  }

  /** The time of the packet being written, in two words: a BigInt for each packet would cost more than all the rest. */
  setTimeWords(high: number, low: number): void {
    this.timeWords[2 * this.count + (1 - lowWord)] = high;
    this.timeWords[2 * this.count + lowWord] = low;
  }

  setTime(timeNs: bigint): void {
    this.timeNs[this.count] = timeNs;
  }

  /** The packet whose columns were written is whole. */
  next(): void {
    this.count += 1;
    if (this.count === batchCapacity) this.flush();
  }

  /** An item that is no packet, after all packets before it. */
  add(item: CaptureItem): void {
    this.flush();
    this.items.push(item);
  }

  flush(): void {
    const { count } = this;
    if (count === 0) return;
    const batch: Batch = {
      kind: 'batch',
      bytes: this.bytes,
      count,
      offset: this.offset.slice(0, count),
      captured: this.captured.slice(0, count),
      original: this.original.slice(0, count),
      interfaceId: this.interfaceId.slice(0, count),
      timeNs: this.timeNs.slice(0, count),
      direction: this.direction.slice(0, count),
      fileOffset: this.fileOffset,
      firstFrame: this.frames + 1,
      optionsAt: this.optionsAt.slice(0, count),
      optionsLength: this.optionsLength.slice(0, count),
      byteOrder: this.byteOrder,
    };
    this.items.push(batch);
    this.frames += count;
    this.count = 0;
  }

  /** What was collected since the last call. */
  take(): readonly CaptureItem[] {
    this.flush();
    const { items } = this;
    this.items = [];
    return items;
  }
}
