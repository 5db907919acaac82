import { expect, it } from 'vitest';
import { createPace } from '../../src/run/feedback.js';

type Listener = (delivered: Readonly<Record<string, number>>) => void;

/** Observers whose counts the test tells. */
function observers(): { onCounts(listener: Listener): void; tell(count: number, times?: number): void } {
  const listeners: Listener[] = [];
  return {
    onCounts: (listener) => void listeners.push(listener),
    tell(count, times = 1) {
      for (let i = 0; i < times; i += 1) for (const listener of listeners) listener({ a: count });
    },
  };
}

it('sends little before it knows how many sightings a frame makes, and then what fits the ring', async () => {
  const capture = observers();
  const pace = createPace(capture, { capacity: 10_000, observers: 99 });
  capture.tell(500, 4); // the controls
  expect(await pace.room()).toBe(50);
  pace.sent(50);
  capture.tell(600, 4); // two sightings a frame
  expect(await pace.room()).toBe(2000);
});

it('waits while what was sent is still under way', async () => {
  const capture = observers();
  const pace = createPace(capture, { capacity: 10_000, observers: 99 });
  capture.tell(0, 4);
  pace.sent(await pace.room());
  capture.tell(100, 4);
  pace.sent(await pace.room());
  let free = false;
  const waiting = pace.room().then(() => (free = true));
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(free).toBe(false);
  capture.tell(4100);
  await waiting;
  expect(free).toBe(true);
});
