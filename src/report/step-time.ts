import type { RunDetails } from './reporter.js';

/** From the first to the last entry of a step in the timeline, in seconds; null = the timeline is not at hand. */
export function stepSeconds(details: RunDetails | null, step: number): number | null {
  let [first, last] = [Infinity, -Infinity];
  for (const { step: of, monoMs } of details?.timeline ?? []) {
    if (of !== step) continue;
    first = Math.min(first, monoMs);
    last = Math.max(last, monoMs);
  }
  return last < first ? null : (last - first) / 1000;
}
