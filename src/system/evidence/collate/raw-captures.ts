import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Counters } from '../../../core/model/timeline.js';
import type { CaptureItem } from '../../../core/pcap/capture-items.js';
import { files } from '../folder/folder.js';
import { readRawCapture } from '../read/read-capture.js';

/** Last counters by step and observer. */
export type StepCounters = readonly Readonly<Record<string, Counters>>[];

/** The raw captures of a run, whole or still growing. */
export interface RawCaptures {
  /** Paths of those of a step, in order; resolves when it is known which there are. */
  capturesOfStep(step: number): Promise<readonly string[]>;
  /** The items of one, to its end. */
  read(path: string): AsyncGenerator<CaptureItem>;
  /** Resolves when all captures are whole. */
  counters(): Promise<StepCounters>;
  /** Frames among which order is made, where it is not as many as several captures of many handles need. */
  readonly together?: number;
  /** The frames in these bytes, those of a batch, were handed on: their memory may be read into again. */
  release?(bytes: Uint8Array): void;
}

/** Paths of the raw captures of a step that a run's folder has. */
export async function rawCapturesIn(dir: string, step: number): Promise<readonly string[]> {
  const names = await readdir(join(dir, files.raw.name)).catch(() => []);
  return names
    .filter((name) => name.startsWith(`${step + 1}-`))
    .sort()
    .map((name) => join(dir, files.raw.name, name));
}

/** The captures of a run that has ended. */
export function wholeCaptures({
  dir,
  counters,
}: {
  readonly dir: string;
  readonly counters: StepCounters;
}): RawCaptures {
  return { capturesOfStep: (step) => rawCapturesIn(dir, step), read: readRawCapture, counters: async () => counters };
}
