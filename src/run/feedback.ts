import { setTimeout as sleep } from 'node:timers/promises';
import type { Capture } from '../capture/capture-client.js';

/** Lets frames go as fast as the observers take them: what is under way fits half of their ring. */
export interface Pace {
  /** Frames that may be sent now; waits until there are some. */
  room(): Promise<number>;
  sent(frames: number): void;
}

export interface PaceOptions {
  /** Frames that the ring of the observers holds. */
  readonly capacity: number;
  /** Places that may see a frame: what each frame costs before anything is known. */
  readonly observers: number;
}

/** However few sightings a frame makes: later ones may make more, and are then not too many. */
const mostUnderWay = 32_768;
/** Counts come every 100 ms. Where none come for so long, the capture is at fault, which its proofs tell. */
const patienceMs = 3000;
const pollMs = 5;
/** The sightings of the first frames are all counted when two reports in a row say the same. */
const settledReports = 2;

/** Learns from the counts of the observers how many sightings a frame makes, and how many are still to come. */
export function createPace(capture: Pick<Capture, 'onCounts'>, { capacity, observers }: PaceOptions): Pace {
  const delivered = new Map<string, number>();
  let total = 0;
  let base = 0;
  let unchanged = 0;
  let reports = 0;
  let sent = 0;
  let perFrame: number | null = null;
  capture.onCounts((counts) => {
    const before = total;
    for (const [observer, count] of Object.entries(counts)) {
      total += count - (delivered.get(observer) ?? 0);
      delivered.set(observer, count);
    }
    unchanged = total === before && reports > 0 ? unchanged + 1 : 0;
    reports += 1;
  });

  function roomNow(): number {
    const settled = unchanged >= settledReports;
    if (sent === 0) {
      if (!settled) return 0;
      base = total;
      return Math.max(1, Math.floor(capacity / 2 / (observers + 1)));
    }
    const sightings = total - base;
    if (settled && sightings > 0) perFrame = sightings / sent; // nothing is under way
    if (perFrame === null) return 0;
    return Math.floor(Math.min(mostUnderWay, capacity / 2 / (perFrame * 1.25)) - (sent - sightings / perFrame));
  }
  return {
    sent(frames) {
      sent += frames;
      unchanged = 0; // what the last reports said was before these
    },
    async room() {
      const began = performance.now();
      for (;;) {
        const room = roomNow();
        if (room > 0) return room;
        if (performance.now() - began > patienceMs) return mostUnderWay / 8;
        await sleep(pollMs);
      }
    },
  };
}
