import type { Batch, CaptureItem } from './capture-items.js';
import { highHalf, lowHalf, timeWords } from './time-words.js';

/** A batch's columns fit a processor's second-level cache. */
export const batchCapacity = 16_384;

interface Columns
  extends Pick<
    Batch,
    'offset' | 'captured' | 'original' | 'interfaceId' | 'direction' | 'optionsAt' | 'optionsLength'
  > {
  readonly timeNs: BigInt64Array;
  readonly timeWords: Uint32Array;
}

function createColumns(): Columns {
  const words = (): Uint32Array => new Uint32Array(batchCapacity);
  const timeNs = new BigInt64Array(batchCapacity);
  return {
    offset: words(),
    captured: words(),
    original: words(),
    interfaceId: words(),
    direction: new Uint8Array(batchCapacity),
    optionsAt: words(),
    optionsLength: words(),
    timeNs,
    timeWords: timeWords(timeNs),
  };
}

/** Decoders write packets directly into its columns. Items keep the file's order. */
export class BatchBuilder {
  columns = createColumns();
  count = 0;
  byteOrder: 'little' | 'big' = 'little';
  private readonly pool: Columns[] = [this.columns];
  private handedOut = 0;
  private items: CaptureItem[] = [];
  private frames = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private fileOffset = 0;

  /** Fleeting: the next `window` voids batches of `take`, which saves copying columns. */
  constructor(private readonly fleeting: boolean) {}

  window(bytes: Uint8Array, fileOffset: number): void {
    this.flush();
    this.bytes = bytes;
    this.fileOffset = fileOffset;
  }

  /** In two words, as a BigInt would cost more than all the rest. */
  setTimeWords(high: number, low: number): void {
    const words = this.columns.timeWords;
    words[2 * this.count + highHalf] = high;
    words[2 * this.count + lowHalf] = low;
  }

  setTime(timeNs: bigint): void {
    this.columns.timeNs[this.count] = timeNs;
  }

  next(): void {
    this.count += 1;
    if (this.count === batchCapacity) this.flush();
  }

  add(item: CaptureItem): void {
    this.flush();
    this.items.push(item);
  }

  flush(): void {
    const { count, columns, fleeting } = this;
    if (count === 0) return;
    const end = fleeting ? 'subarray' : 'slice';
    const batch: Batch = {
      kind: 'batch',
      bytes: this.bytes,
      count,
      offset: columns.offset[end](0, count),
      captured: columns.captured[end](0, count),
      original: columns.original[end](0, count),
      interfaceId: columns.interfaceId[end](0, count),
      timeNs: columns.timeNs[end](0, count),
      direction: columns.direction[end](0, count),
      fileOffset: this.fileOffset,
      firstFrame: this.frames + 1,
      optionsAt: columns.optionsAt[end](0, count),
      optionsLength: columns.optionsLength[end](0, count),
      byteOrder: this.byteOrder,
    };
    this.items.push(batch);
    this.frames += count;
    this.count = 0;
    if (fleeting) this.columns = this.nextColumns();
  }

  private nextColumns(): Columns {
    this.handedOut += 1;
    const known = this.pool[this.handedOut];
    if (known !== undefined) return known;
    const columns = createColumns();
    this.pool.push(columns);
    return columns;
  }

  take(): readonly CaptureItem[] {
    this.flush();
    const { items } = this;
    this.items = [];
    this.handedOut = 0;
    this.columns = this.pool[0] ?? this.columns;
    return items;
  }
}
