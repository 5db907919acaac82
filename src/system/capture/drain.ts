import { setTimeout as sleep } from 'node:timers/promises';
import type { Counters } from '../../core/model/timeline.js';
import type { OpenObserver } from './observer-table.js';

/** A ring that hands over nothing for this long has nothing: a partly filled block comes after 100 ms at the latest. */
const patienceMs = 1000;
const maxMs = 30_000;
const pauseMs = 5;
/** A frame that passed the old filter on another processor may still be on its way into the ring. */
const inFlightMs = 10;

/**
 * Drains until `done` holds for every observer that is alive. Gives those for which it did not come true: nothing came
 * any more for a second, or it took over 30 s.
 */
export async function drainUntil(
  observers: readonly OpenObserver[],
  done: (observer: OpenObserver) => boolean,
  drain: () => boolean,
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
    if (now - began >= inFlightMs) {
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
