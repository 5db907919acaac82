import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Counters } from '../../../core/model/timeline.js';
import type { CaptureItem } from '../../../core/pcap/capture-items.js';
import { files } from '../folder/folder.js';
import { readRawCapture } from '../read/read-capture.js';

/** Last counters by step and observer. */
export type StepCounters = readonly Readonly<Record<string, Counters>>[];

/** The raw captures of a run, complete or growing. */
export interface RawCaptures {
  /** Their paths in order. Resolves when they are known. */
  capturesOfStep(step: number): Promise<readonly string[]>;
  /** Items to the capture's end. */
  read(path: string): AsyncGenerator<CaptureItem>;
  /** Resolves when all captures are complete. */
  counters(): Promise<StepCounters>;
  /** Frames sorted together; absent = the number for captures of many handles. */
  readonly together?: number;
  /** The batch's memory may be reused. */
  release?(bytes: Uint8Array): void;
}

/** Paths of a step's raw captures in a run's folder. */
export async function rawCapturesIn(dir: string, step: number): Promise<readonly string[]> {
  const names = await readdir(join(dir, files.raw.name)).catch(() => []);
  return names
    .filter((name) => name.startsWith(`${step + 1}-`))
    .sort()
    .map((name) => join(dir, files.raw.name, name));
}

/** Captures of an ended run. */
export function wholeCaptures({
  dir,
  counters,
}: {
  readonly dir: string;
  readonly counters: StepCounters;
}): RawCaptures {
  return { capturesOfStep: (step) => rawCapturesIn(dir, step), read: readRawCapture, counters: async () => counters };
}
