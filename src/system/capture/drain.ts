import { setTimeout as sleep } from 'node:timers/promises';
import type { Counters } from '../../core/model/timeline.js';
import type { OpenObserver } from './observer-table.js';

/** A ring that hands over nothing for this long has nothing: a partly filled block comes after 100 ms at the latest. */
const patienceMs = 1000;
const maxMs = 30_000;
const pauseMs = 5;
/** After a change of filter: a frame that passed the old one on another processor is still on its way to the ring. */
export const inFlightMs = 10;

/**
 * Drains until `done` holds for every live observer, for `leastMs` at least. Gives the observers for which it does not:
 * nothing came for a second, or 30 s passed.
 */
export async function drainUntil(
  observers: readonly OpenObserver[],
  done: (observer: OpenObserver) => boolean,
  drain: () => boolean,
  leastMs = 0,
): Promise<readonly OpenObserver[]> {
  const began = performance.now();
  let lastProgress = began;
  let before = -1;
  let waiting = observers;
  for (;;) {
    const more = drain();
    const now = performance.now();
    const delivered = observers.reduce((sum, observer) => sum + observer.delivered, 0);
    if (delivered !== before) lastProgress = now;
    before = delivered;
    if (now - began >= leastMs) {
      waiting = waiting.filter((observer) => observer.alive && !done(observer));
      if (waiting.length === 0) return [];
      if (now - lastProgress > patienceMs || now - began > maxMs) return waiting;
    }
    await sleep(more ? 0 : pauseMs);
  }
}

/** True if each kernel handle has delivered what `reading` says it received and did not drop. */
export function reached(observer: OpenObserver, reading: readonly Counters[]): boolean {
  const now = observer.counters();
  return reading.every((then, at) => (now[at]?.delivered ?? 0) >= then.received - then.dropped);
}

/** True if each kernel handle is even: everything received was delivered or dropped. */
export function settled(observer: OpenObserver): boolean {
  return observer.counters().every(({ received, dropped, delivered }) => delivered === received - dropped);
}
