import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CaptureItem } from '../../../core/pcap/capture-items.js';
import { pageMemory } from '../../kernel/page-memory.js';
import { readCaptureOf } from '../read/read-capture.js';
import { type RawCaptures, rawCapturesIn, type StepCounters } from './raw-captures.js';

/** Progress of a run's captures. */
export type CapturesMessage =
  /** Its captures exist and grow. */
  | { readonly kind: 'begun'; readonly step: number }
  /** Its captures, if any, are complete. */
  | { readonly kind: 'ended'; readonly step: number }
  | { readonly kind: 'over'; readonly counters: StepCounters };

export interface PartialCaptures extends RawCaptures {
  hear(message: CapturesMessage): void;
}

/** A ring block and the bytes between two. */
const chunkLength = (1 << 20) + (1 << 18);
const pollMs = 20;
/**
 * One socket gives frames of all ports in order, but for simultaneous ones. A processor may pause between a frame's
 * time and its place in the ring, a virtual one for 100 ms. The others' frames overtake it meanwhile.
 */
const orderedTogether = 1 << 17;

/** Reused once no frame in it waits. */
class ReadMemory {
  private readonly chunks: Uint8Array[] = [];
  private readonly holds = new Map<ArrayBufferLike, number>();

  take(): Uint8Array {
    let chunk = this.chunks.find(({ buffer }) => !this.holds.has(buffer));
    if (chunk === undefined) {
      chunk = pageMemory(chunkLength);
      this.chunks.push(chunk);
    }
    this.hold(chunk);
    return chunk;
  }

  hold({ buffer }: Uint8Array): void {
    this.holds.set(buffer, (this.holds.get(buffer) ?? 0) + 1);
  }

  release({ buffer }: Uint8Array): void {
    const remaining = (this.holds.get(buffer) ?? 0) - 1;
    if (remaining > 0) this.holds.set(buffer, remaining);
    else this.holds.delete(buffer);
  }
}

function wholeBlocks(chunk: Uint8Array, length: number): number {
  const view = new DataView(chunk.buffer, chunk.byteOffset, length);
  let end = 0;
  while (end + 8 <= length) {
    const block = view.getUint32(end + 4, true);
    if (block < 12 || end + block > length) break;
    end += block;
  }
  return end;
}

async function* follow(path: string, isWhole: () => boolean, memory: ReadMemory): AsyncGenerator<Uint8Array> {
  const file = openSync(path, 'r');
  try {
    for (let at = 0; ; ) {
      const complete = isWhole(); // before it is read: what is written meanwhile is read the next time
      const chunk = memory.take();
      const length = readSync(file, chunk, 0, chunkLength, at);
      const blocks = wholeBlocks(chunk, length);
      const mayGrow = blocks === 0 && length < chunkLength && !complete;
      if (length > 0 && !mayGrow) {
        const end = blocks > 0 ? blocks : length;
        at += end;
        yield chunk.subarray(0, end);
      }
      memory.release(chunk); // all that it holds was asked for
      if (mayGrow) await sleep(pollMs);
      else if (length === 0) return;
    }
  } finally {
    closeSync(file);
  }
}

async function* heldItems(bytes: AsyncIterable<Uint8Array>, memory: ReadMemory): AsyncGenerator<CaptureItem> {
  for await (const item of readCaptureOf(bytes, { raw: true })) {
    if (item.kind === 'batch') memory.hold(item.bytes);
    yield item;
  }
}

/** Captures in progress, by engines that keep frames in order. */
export function partialCaptures(dir: string): PartialCaptures {
  const begun = new Set<number>();
  const ended = new Set<number>();
  let counters: StepCounters | null = null;
  let wake = (): void => undefined;
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
  };
  const stepOfPath = new Map<string, number>();
  const memory = new ReadMemory();
  return {
    together: orderedTogether,
    release: (bytes) => memory.release(bytes),
    hear(message) {
      if (message.kind === 'over') counters ??= message.counters;
      else (message.kind === 'begun' ? begun : ended).add(message.step);
      wake();
    },
    async capturesOfStep(step) {
      await until(() => begun.has(step) || ended.has(step) || counters !== null);
      const paths = await rawCapturesIn(dir, step);
      for (const path of paths) stepOfPath.set(path, step);
      return paths;
    },
    read: (path) =>
      heldItems(
        follow(path, () => counters !== null || ended.has(stepOfPath.get(path) ?? -1), memory),
        memory,
      ),
    async counters() {
      await until(() => counters !== null);
      return counters ?? [];
    },
  };
}
