import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Counters } from '../../../core/model/timeline.js';
import type { CaptureItem } from '../../../core/pcap/capture-items.js';
import { files } from '../folder/folder.js';
import { readRawCapture } from '../read/read-capture.js';

/** Last counters by step and observer. */
export type StepCounters = readonly Readonly<Record<string, Counters>>[];

/** A run's raw captures, complete or growing. */
export interface RawCaptures {
  /** Paths in order, once known. */
  capturesOfStep(step: number): Promise<readonly string[]>;
  read(path: string): AsyncGenerator<CaptureItem>;
  /** Resolves when all captures are complete. */
  counters(): Promise<StepCounters>;
  /** Frames sorted together. Absent = enough for many handles. */
  readonly together?: number;
  /** Its memory may be reused. */
  release?(bytes: Uint8Array): void;
}

/** Paths of a step's raw captures. */
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
