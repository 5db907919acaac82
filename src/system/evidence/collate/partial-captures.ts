import { closeSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCaptureOf } from '../read/read-capture.js';
import { type RawCaptures, rawCapturesIn, type StepCounters } from './raw-captures.js';

/** What becomes of the captures of a run while it goes on. */
export type CapturesMessage =
  /** The captures of a step are there, and grow. */
  | { readonly kind: 'begun'; readonly step: number }
  /** Those of a step are whole, or it has none. */
  | { readonly kind: 'ended'; readonly step: number }
  /** All are whole. */
  | { readonly kind: 'over'; readonly counters: StepCounters };

export interface PartialCaptures extends RawCaptures {
  hear(message: CapturesMessage): void;
}

const chunkLength = 1 << 18;
/** Waited where nothing more is there to be read. */
const pollMs = 20;
/** One socket hands the frames of all ports over in their order, but for those that came at once. */
const orderedTogether = 1 << 17;

/** Memory that is written to before it is read: it need not be cleared. */
function newChunk(): Uint8Array {
  return new Uint8Array(Buffer.allocUnsafeSlow(chunkLength).buffer);
}

async function* follow(path: string, isWhole: () => boolean): AsyncGenerator<Uint8Array> {
  const file = openSync(path, 'r');
  let chunk = newChunk();
  try {
    for (;;) {
      const complete = isWhole(); // before it is read: what is written meanwhile is read the next time
      const length = readSync(file, chunk, 0, chunkLength, null);
      if (length > 0) {
        yield chunk.subarray(0, length);
        chunk = newChunk(); // the owner of the bytes keeps them
      } else if (complete) return;
      else await sleep(pollMs);
    }
  } finally {
    closeSync(file);
  }
}

/** The captures of a run that goes on, of engines that hand frames over in their order. */
export function partialCaptures(dir: string): PartialCaptures {
  const begun = new Set<number>();
  const ended = new Set<number>();
  let counters: StepCounters | null = null;
  let wake = (): void => undefined;
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) await new Promise<void>((resolve) => (wake = resolve));
  };
  const stepOfPath = new Map<string, number>();
  return {
    together: orderedTogether,
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
      readCaptureOf(
        follow(path, () => counters !== null || ended.has(stepOfPath.get(path) ?? -1)),
        { raw: true },
      ),
    async counters() {
      await until(() => counters !== null);
      return counters ?? [];
    },
  };
}
