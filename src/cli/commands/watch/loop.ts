import { driftOf } from '../../../core/audit/drift.js';
import type { Drift } from '../../../core/model/audit.js';
import type { Reading } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { openKernelEvents } from '../../../system/state/changes/events.js';
import { silentState } from '../../../system/state/changes/sysctl-changes.js';
import { readReading } from '../../../system/state/read-reading.js';

/** A storm of events is one reading: it waits this long after the first. */
const coalesceMs = 40;
/** How often is looked for what raises no event. */
const pollMs = 300;
/** Without any event the state is read this often all the same. */
const idleMs = 60_000;
const retryMs = 1000;

export interface WatchCounts {
  readonly reads: number;
  readonly failures: number;
  readonly events: number;
  readonly overruns: number;
}

export interface WatchLoopOptions {
  readonly netns: string | null;
  readonly bridge: string | null;
  /** What ought to be; null = what is there now. */
  readonly baseline: Reading | null;
  readonly signal: AbortSignal;
  /** The first reading is there and everything is listened to. */
  readonly onReady: (reading: Reading) => void;
  /** After each reading: what changed since the last one, and all that differs from the baseline now. */
  readonly onReading: (
    reading: Reading,
    changed: readonly Drift[],
    open: readonly Drift[],
    counts: WatchCounts,
  ) => void;
  /** A reading failed; it is tried again. */
  readonly onFailure: (error: VerifyError) => void;
}

/**
 * Reads whenever the kernel says that something happened, compares, reports; until the signal. Rejects where the first
 * reading fails.
 */
export async function watchLoop(options: WatchLoopOptions): Promise<void> {
  const { netns, signal } = options;
  let [rung, reads, failures] = [false, 0, 0];
  let wake: () => void = () => undefined;
  const ring = (): void => {
    rung = true;
    wake();
  };
  const bell = openKernelEvents(netns, ring);
  let links: Reading['state']['links'] = [];
  let silent = silentOr(netns, links, '');
  const poll = setInterval(() => {
    const now = silentOr(netns, links, 'not to be read');
    if (now !== silent) ring();
    silent = now;
  }, pollMs);
  const sleep = (ms: number, untilRung: boolean): Promise<void> =>
    new Promise((resolve) => {
      if (signal.aborted || (untilRung && rung)) return resolve();
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        wake = () => undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      if (untilRung) wake = end;
    });
  try {
    const first = await readReading({ netns, whole: false });
    reads += 1;
    const baseline = options.baseline ?? first;
    let last = baseline;
    ({ links } = first.state);
    options.onReady(first);
    if (options.baseline !== null) rung = true; // what differs already is reported at once
    while (!signal.aborted) {
      await sleep(idleMs, true);
      await sleep(coalesceMs, false);
      if (signal.aborted) break;
      rung = false;
      const began = performance.now();
      try {
        const now = await readReading({ netns, whole: false });
        reads += 1;
        options.onReading(now, driftOf(last, now, options), driftOf(baseline, now, options), {
          reads,
          failures,
          ...bell.counts(),
        });
        last = now;
        ({ links } = now.state);
      } catch (error) {
        if (!(error instanceof VerifyError)) throw error;
        failures += 1;
        options.onFailure(error);
        rung = true;
        await sleep(retryMs, false);
      }
      // No more than half of the time is spent on reading, however many events there are.
      await sleep(performance.now() - began, false);
    }
  } finally {
    clearInterval(poll);
    await bell.close();
  }
}

/** A namespace that is gone shows in the next reading, which says so and is tried again. */
function silentOr(netns: string | null, links: Reading['state']['links'], otherwise: string): string {
  try {
    return silentState(netns, links);
  } catch (error) {
    if (error instanceof VerifyError) return otherwise;
    throw error;
  }
}
