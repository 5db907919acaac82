import { expect, it } from 'vitest';
import type { Counters } from '../../src/model/timeline.js';
import { createPace } from '../../src/run/feedback.js';

type Listener = (taken: number) => void;

/** A capture whose counts the test tells. */
function observers(): { onCounts(listener: Listener): void; mark(): Promise<Readonly<Record<string, Counters>>>; tell(count: number): void } {
  const listeners: Listener[] = [];
  return {
    onCounts: (listener) => void listeners.push(listener),
    mark: () => Promise.resolve({}),
    tell: (count) => listeners.forEach((listener) => listener(count)),
  };
}

it('sends little before it knows how many sightings a frame makes, and then what fits the ring', async () => {
  const capture = observers();
  const pace = createPace(capture, { capacity: 10_000, observers: 99 });
  capture.tell(500); // the controls
  expect(await pace.room()).toBe(50);
  pace.sent(50);
  capture.tell(600); // two sightings a frame
  expect(await pace.room()).toBe(2000);
});

it('waits while what was sent is still under way', async () => {
  const capture = observers();
  const pace = createPace(capture, { capacity: 10_000, observers: 99 });
  pace.sent(await pace.room());
  capture.tell(100);
  pace.sent(await pace.room());
  let free = false;
  const waiting = pace.room().then(() => (free = true));
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(free).toBe(false);
  capture.tell(4100);
  await waiting;
  expect(free).toBe(true);
});

it('sends less as soon as frames make more sightings than the first ones did', async () => {
  const capture = observers();
  const pace = createPace(capture, { capacity: 10_000, observers: 99 });
  pace.sent(await pace.room());
  capture.tell(100);
  expect(await pace.room()).toBe(2000);
  pace.sent(50);
  capture.tell(100 + 50 * 20); // the first hundred made 2.2 thousand in all but for what is still to come
  expect(await pace.room()).toBe(Math.floor(10_000 / 2 / (11 * 1.25)));
});

it('does not take controls for sightings', async () => {
  const capture = observers();
  const pace = createPace(capture, { capacity: 10_000, observers: 99 });
  pace.sent(await pace.room());
  capture.tell(100);
  expect(await pace.room()).toBe(2000);
  pace.interrupted();
  capture.tell(100_000);
  expect(await pace.room()).toBe(2000);
});
