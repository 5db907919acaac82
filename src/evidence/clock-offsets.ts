import type { TimelineEntry } from '../core/model/timeline.js';

/** By the name of a raw capture: by how many ns the clock of its host was ahead of the orchestrator's when it began. */
export function clockOffsets(timeline: readonly TimelineEntry[]): ReadonlyMap<string, bigint> {
  const offsets = new Map<string, bigint>();
  for (const entry of timeline) {
    if (entry.event === 'clock' && !offsets.has(entry.file) && /^-?\d{1,20}$/.test(entry.offsetNs))
      offsets.set(entry.file, BigInt(entry.offsetNs));
  }
  return offsets;
}
