import { setImmediate as turn } from 'node:timers/promises';
import type { Clock } from '../../src/system/kernel/clock.js';

/** A clock that goes to the next moment somebody sleeps for, as soon as nothing else is to be done. */
export function fakeClock(): Clock {
  const sleepers: { readonly atMs: number; readonly wake: () => void }[] = [];
  let nowMs = 0;
  let isGoing = false;
  async function go(): Promise<void> {
    isGoing = true;
    while (sleepers.length > 0) {
      await turn();
      const next = sleepers.reduce((first, sleeper) => (sleeper.atMs < first.atMs ? sleeper : first));
      sleepers.splice(sleepers.indexOf(next), 1);
      nowMs = Math.max(nowMs, next.atMs);
      next.wake();
    }
    isGoing = false;
  }
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        sleepers.push({ atMs: nowMs + ms, wake: resolve });
        if (!isGoing) void go();
      }),
  };
}
