import { basename } from 'node:path';
import type { Batch, CaptureItem } from '../../../core/pcap/capture-items.js';
import { highHalf, lowHalf, timeWords } from '../../../core/pcap/time-words.js';
import { hostOf } from '../../../core/model/host-names.js';
import type { EvidenceInterface } from '../../../core/plan/evidence-interfaces.js';
import { escapeText } from '../../../core/text/escape.js';
import { readRawCapture } from '../read/read-capture.js';

/** Frames of a step's raw captures by time. */
export interface RawFrames {
  readonly count: number;
  each(take: TakeRawFrame): void;
}

/** `interfaceId`: the block in evidence.pcapng, -1 = an observer outside the plan. */
export type TakeRawFrame = (batch: Batch, packet: number, interfaceId: number) => void;

/** Half goes on at a time: a helper is behind by less than the rings hold. */
const sortedTogether = 1 << 19;

interface Loaded {
  readonly batch: Batch;
  /** By raw interface, -1 = an observer outside the plan. */
  readonly interfaces: readonly number[];
  /** ns since the first frame loaded. */
  readonly times: Float64Array;
}

interface Source {
  readonly path: string;
  readonly items: AsyncGenerator<CaptureItem>;
  readonly interfaces: number[];
  latest: number;
}

interface Waiting {
  readonly loaded: readonly Loaded[];
  readonly batchOf: Uint32Array;
  readonly packetOf: Uint32Array;
  readonly times: Float64Array;
}

function roomFor(loaded: readonly Loaded[], count: number): Waiting {
  return {
    loaded,
    batchOf: new Uint32Array(count),
    packetOf: new Uint32Array(count),
    times: new Float64Array(count),
  };
}

function timesOf(batch: Batch, base: { high: number; low: number }): Float64Array {
  const words = timeWords(batch.timeNs);
  const times = new Float64Array(batch.count);
  for (let i = 0; i < batch.count; i += 1)
    times[i] = ((words[2 * i + highHalf] ?? 0) - base.high) * 2 ** 32 + ((words[2 * i + lowHalf] ?? 0) - base.low);
  return times;
}

function withBatches(waiting: Waiting, more: readonly Loaded[]): Waiting {
  const count = more.reduce((sum, { times }) => sum + times.length, waiting.times.length);
  const longer = roomFor([...waiting.loaded, ...more], count);
  longer.batchOf.set(waiting.batchOf);
  longer.packetOf.set(waiting.packetOf);
  longer.times.set(waiting.times);
  let next = waiting.times.length;
  for (const [at, { times }] of more.entries()) {
    longer.batchOf.fill(waiting.loaded.length + at, next, next + times.length);
    longer.times.set(times, next);
    numberFrom0(longer.packetOf, next, next + times.length);
    next += times.length;
  }
  return longer;
}

function numberFrom0(numbers: Uint32Array, start: number, end: number): void {
  for (let at = start; at < end; at += 1) numbers[at] = at - start;
}

function onlyThose(waiting: Waiting, positions: Uint32Array): Waiting {
  const captures: Loaded[] = [];
  const places = new Int32Array(waiting.loaded.length).fill(-1);
  const those = roomFor(captures, positions.length);
  for (let at = 0; at < positions.length; at += 1) {
    const position = positions[at] ?? 0;
    const before = waiting.batchOf[position] ?? 0;
    const capture = waiting.loaded[before];
    if (places[before] === -1 && capture !== undefined) places[before] = captures.push(capture) - 1;
    those.batchOf[at] = places[before] ?? 0;
    those.packetOf[at] = waiting.packetOf[position] ?? 0;
    those.times[at] = waiting.times[position] ?? 0;
  }
  return those;
}

class OrderedFrames implements RawFrames {
  constructor(
    private readonly waiting: Waiting,
    private readonly order: Uint32Array,
  ) {}

  get count(): number {
    return this.order.length;
  }

  each(take: TakeRawFrame): void {
    const { order } = this;
    const { loaded, batchOf, packetOf } = this.waiting;
    for (let at = 0; at < order.length; at += 1) {
      const position = order[at] ?? 0;
      const capture = loaded[batchOf[position] ?? 0];
      const packet = packetOf[position] ?? 0;
      if (capture !== undefined)
        take(capture.batch, packet, capture.interfaces[capture.batch.interfaceId[packet] ?? 0] ?? -1);
    }
  }
}

/** Options for reading raw captures. */
export interface RawReading {
  /** Their description identifies an observer. */
  readonly blocks: readonly EvidenceInterface[];
  readonly damages: string[];
  /** By file name: ns to subtract, as its host's clock is ahead. */
  readonly clocks: ReadonlyMap<string, bigint>;
  /** By file name: the remote host, whose observers alone are valid. */
  readonly hosts?: ReadonlyMap<string, string> | undefined;
  /** For another host's observer, whose frames are left out. */
  readonly onMisplaced?: ((text: string) => void) | undefined;
  readonly together?: number | undefined;
  readonly read?: ((path: string) => AsyncGenerator<CaptureItem>) | undefined;
  /** After all frames of a batch. */
  readonly release?: ((bytes: Uint8Array) => void) | undefined;
}

/** A step's frames by time, equal times by file and position. Memory is constant. */
export async function* readRawFrames(paths: readonly string[], reading: RawReading): AsyncGenerator<RawFrames> {
  const { together = sortedTogether, read = readRawCapture, release } = reading;
  const loader = new BatchLoader(reading);
  let sources: readonly Source[] = paths.map((path) => ({
    path,
    items: read(path),
    interfaces: [],
    latest: -Infinity,
  }));
  let waiting = roomFor([], 0);
  while (sources.length > 0 || waiting.times.length > 0) {
    const more: Loaded[] = [];
    for (let loadedFrames = waiting.times.length; loadedFrames < together && sources.length > 0; ) {
      const behind = sources.reduce((least, source) => (source.latest < least.latest ? source : least));
      const loaded = await loader.next(behind);
      if (loaded === null) sources = sources.filter((source) => source !== behind);
      else loadedFrames += more[more.push(loaded) - 1]?.batch.count ?? 0;
    }
    waiting = withBatches(waiting, more);
    const order = sortByTime(waiting.times);
    const ready = sources.length === 0 ? order.length : order.length >> 1;
    yield new OrderedFrames(waiting, order.subarray(0, ready));
    const remaining = onlyThose(waiting, order.subarray(ready));
    if (release !== undefined) releaseGone(release, waiting.loaded, remaining.loaded);
    waiting = remaining;
  }
}

function releaseGone(
  release: (bytes: Uint8Array) => void,
  before: readonly Loaded[],
  remaining: readonly Loaded[],
): void {
  const kept = new Set(remaining);
  for (const loaded of before) if (!kept.has(loaded)) release(loaded.batch.bytes);
}

class BatchLoader {
  private readonly known: ReadonlyMap<string, number>;
  private readonly reading: RawReading;
  private base: { readonly high: number; readonly low: number } | null = null;

  constructor(reading: RawReading) {
    this.known = new Map(reading.blocks.map((block, number) => [escapeText(block.description), number]));
    this.reading = reading;
  }

  /** -1 = its host has no such observer. */
  private observerOf({ path }: Source, description: string): number {
    const number = this.known.get(escapeText(description)) ?? -1;
    const { blocks, hosts, onMisplaced } = this.reading;
    const host = hosts?.get(basename(path));
    const block = blocks[number];
    if (host === undefined || block === undefined || hostOf(block.name) === host) return number;
    onMisplaced?.(`${host} sent frames as those of ${block.description}, which is not there`);
    return -1;
  }

  async next(source: Source): Promise<Loaded | null> {
    for (let next = await source.items.next(); next.done !== true; next = await source.items.next()) {
      const item = next.value;
      switch (item.kind) {
        case 'interface':
          source.interfaces[item.id] = this.observerOf(source, item.description ?? '');
          break;
        case 'batch':
          return this.load(source, item);
        case 'damage':
          this.reading.damages.push(`${source.path}, offset ${item.offset}: ${item.message}`);
          break;
        case 'section':
        case 'statistics':
          break;
      }
    }
    return null;
  }

  private load(source: Source, batch: Batch): Loaded {
    const clockNs = this.reading.clocks.get(basename(source.path)) ?? 0n;
    if (clockNs !== 0n)
      for (let packet = 0; packet < batch.count; packet += 1)
        batch.timeNs[packet] = (batch.timeNs[packet] ?? 0n) - clockNs;
    const words = timeWords(batch.timeNs);
    this.base ??= { high: words[highHalf] ?? 0, low: words[lowHalf] ?? 0 };
    const times = timesOf(batch, this.base);
    source.latest = times[times.length - 1] ?? source.latest;
    return { batch, interfaces: source.interfaces, times };
  }
}

/** Stable positions by time. Merges runs, as captures are mostly in order. */
export function sortByTime(time: Float64Array): Uint32Array {
  const count = time.length;
  let runs: number[] = [0];
  for (let i = 1; i < count; i += 1) if ((time[i] ?? 0) < (time[i - 1] ?? 0)) runs.push(i);
  let from = new Uint32Array(count);
  for (let i = 0; i < count; i += 1) from[i] = i;
  let to = new Uint32Array(count);
  while (runs.length > 1) {
    const next: number[] = [];
    for (let run = 0; run < runs.length; run += 2) {
      const start = runs[run] ?? 0;
      merge(from, to, time, { start, middle: runs[run + 1] ?? count, end: runs[run + 2] ?? count });
      next.push(start);
    }
    runs = next;
    [from, to] = [to, from];
  }
  return from;
}

function merge(
  from: Uint32Array,
  to: Uint32Array,
  time: Float64Array,
  { start, middle, end }: { readonly start: number; readonly middle: number; readonly end: number },
): void {
  let left = start;
  let right = middle;
  for (let at = start; at < end; at += 1) {
    const first = from[left] ?? 0;
    const second = from[right] ?? 0;
    const takeLeft = left < middle && (right >= end || (time[first] ?? 0) <= (time[second] ?? 0));
    to[at] = takeLeft ? first : second;
    if (takeLeft) left += 1;
    else right += 1;
  }
}
