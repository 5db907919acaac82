import { expect, it } from 'vitest';
import type { Counters } from '../../../../src/core/model/timeline.js';
import { createFeedback } from '../../../../src/run/send/pace.js';
import { fakeClock } from '../../../support/fake-clock.js';

type Listener = (taken: number) => void;

/** A capture whose counts the test tells; who begins to listen hears the last one. */
function observers(): {
  onCounts(listener: Listener): void;
  mark(): Promise<Readonly<Record<string, Counters>>>;
  report(count: number): void;
  marks(): number;
  hold(): void;
  release(): void;
} {
  const listeners: Listener[] = [];
  let marks = 0;
  let last = 0;
  let held: Promise<void> = Promise.resolve();
  let release = (): void => undefined;
  return {
    onCounts(listener) {
      listeners.push(listener);
      listener(last);
    },
    mark: async () => {
      marks += 1;
      await held;
      return {};
    },
    report(count) {
      last = count;
      listeners.forEach((listener) => listener(count));
    },
    marks: () => marks,
    hold() {
      held = new Promise((resolve) => {
        release = resolve;
      });
    },
    release: () => release(),
  };
}

const handedOver = (): Promise<void> => Promise.resolve();
const clock = fakeClock();

it('sends little before it knows how many sightings a frame makes, and then what fits the ring', async () => {
  const capture = observers();
  capture.report(500); // the controls
  const pace = createFeedback(capture, { capacity: 10_000, observers: 99, handedOver, clock });
  expect(await pace.room()).toBe(50);
  pace.sent(50);
  capture.report(600); // two sightings a frame
  expect(await pace.room()).toBe(2000);
});

it('waits while what was sent is still under way', async () => {
  const capture = observers();
  const pace = createFeedback(capture, { capacity: 10_000, observers: 99, handedOver, clock });
  pace.sent(await pace.room());
  capture.report(100);
  pace.sent(await pace.room());
  let free = false;
  capture.hold(); // what is under way is not taken yet
  const waiting = pace.room().then(() => (free = true));
  await clock.sleep(60);
  expect(free).toBe(false);
  capture.report(4100);
  capture.release();
  await waiting;
  expect(free).toBe(true);
});

it('goes on when frames make fewer sightings than the first ones did, once a mark has said that none is under way', async () => {
  const capture = observers();
  const pace = createFeedback(capture, { capacity: 10_000, observers: 99, handedOver, clock });
  pace.sent(await pace.room());
  capture.report(150); // three sightings a frame
  const marks = capture.marks();
  const rooms: number[] = [];
  for (let taken = 150; rooms.length < 20; ) {
    const room = await pace.room();
    rooms.push(room);
    pace.sent(room);
    capture.report((taken += 2 * room));
  }
  const fits = Math.floor(10_000 / 2 / (3 * 1.25));
  expect(Math.min(...rooms)).toBeGreaterThanOrEqual(fits / 4);
  expect(Math.max(...rooms)).toBeGreaterThan(fits);
  expect(Math.max(...rooms)).toBeLessThanOrEqual(10_000 / 2 / (2 * 1.25));
  expect(capture.marks()).toBeGreaterThan(marks);
});

it('takes frames for sent only when they are with the kernel', async () => {
  const capture = observers();
  let hand = (): void => undefined;
  const pace = createFeedback(capture, {
    capacity: 10_000,
    observers: 99,
    handedOver: () => new Promise((resolve) => (hand = resolve)),
    clock,
  });
  pace.sent(await pace.room());
  const marks = capture.marks();
  const second = pace.room();
  await clock.sleep(20);
  expect(capture.marks()).toBe(marks);
  capture.report(50 * 100); // each to everybody, taken while the last of them was handed over
  hand();
  expect(await second).toBe(Math.floor(10_000 / 2 / (100 * 1.25)));
});

it('sends less as soon as frames make more sightings than the first ones did', async () => {
  const capture = observers();
  const pace = createFeedback(capture, { capacity: 10_000, observers: 99, handedOver, clock });
  pace.sent(await pace.room());
  capture.report(100);
  expect(await pace.room()).toBe(2000);
  pace.sent(50);
  capture.report(100 + 50 * 20); // the first hundred made 2.2 thousand in all but for what is still to come
  expect(await pace.room()).toBe(Math.floor(10_000 / 2 / (11 * 1.25)));
});

it('does not take controls for sightings', async () => {
  const capture = observers();
  const pace = createFeedback(capture, { capacity: 10_000, observers: 99, handedOver, clock });
  pace.sent(await pace.room());
  capture.report(100);
  expect(await pace.room()).toBe(2000);
  capture.report(100_000);
  pace.interrupted();
  expect(await pace.room()).toBe(2000);
  pace.sent(1000);
  capture.report(102_000); // two sightings a frame, as before
  expect(await pace.room()).toBe(2000);
});
