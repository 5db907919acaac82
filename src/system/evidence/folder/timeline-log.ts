import { messageOf } from '../../../core/model/verify-error.js';
import { closeSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { TimelineEntry, TimelineEvent } from '../../../core/model/timeline.js';
import { jsonText } from '../../../core/text/json-text.js';
import { files } from './folder.js';
import { openAtEnd } from './named-file.js';

/** Events of a run, written at once. */
export interface TimelineLog {
  /** Even if the file failed. */
  readonly entries: readonly TimelineEntry[];
  /** null = the file takes entries. */
  readonly failure: string | null;
  log(step: number, event: TimelineEvent): void;
  close(): void;
}

/** Mode 0600. Unbuffered, so a killed run leaves all entries. `hear` receives each. */
export function openTimeline(dir: string, hear: (entry: TimelineEntry) => void = () => undefined): TimelineLog {
  const fd = openAtEnd(join(dir, files.timeline.name));
  const began = performance.now();
  const entries: TimelineEntry[] = [];
  let failure: string | null = null;
  return {
    entries,
    get failure() {
      return failure;
    },
    log(step, event) {
      const atNs = (BigInt(Date.now()) * 1_000_000n).toString();
      const entry: TimelineEntry = {
        n: entries.length,
        atNs,
        monoMs: Math.round((performance.now() - began) * 1000) / 1000,
        step,
        ...event,
      };
      entries.push(entry);
      hear(entry);
      if (failure !== null) return;
      try {
        const line = Buffer.from(`${jsonText(entry)}\n`);
        for (let done = 0; done < line.length; ) done += writeSync(fd, line, done);
      } catch (error) {
        failure = messageOf(error);
      }
    },
    close: () => closeSync(fd),
  };
}

/** The remote host by raw capture; the orchestrator's are left out. */
export function captureHosts(timeline: readonly TimelineEntry[]): ReadonlyMap<string, string> {
  return new Map(timeline.flatMap((entry) => (entry.event === 'clock' ? [[entry.file, entry.host] as const] : [])));
}

/** By raw capture, ns that its host's clock was ahead of the orchestrator's at the start. */
export function clockOffsets(timeline: readonly TimelineEntry[]): ReadonlyMap<string, bigint> {
  const offsets = new Map<string, bigint>();
  for (const entry of timeline) {
    if (entry.event === 'clock' && !offsets.has(entry.file) && /^-?\d{1,20}$/.test(entry.offsetNs))
      offsets.set(entry.file, BigInt(entry.offsetNs));
  }
  return offsets;
}
