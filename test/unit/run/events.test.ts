import { expect, it } from 'vitest';
import type { RunContext } from '../../../src/run/context.js';
import { startEvents } from '../../../src/run/events.js';
import { makePlan } from '../../../src/core/plan/make-plan.js';
import { fakeClock } from '../../support/fake-clock.js';
import { scenario, step } from '../../support/judge/perfect-run.js';

/**
 * When the commands of events at these times ran, in ms from the start of the probes, where a snapshot of the state
 * takes `snapshotMs`.
 */
async function begunAt(times: readonly number[], snapshotMs: number): Promise<readonly number[]> {
  const [planned] = makePlan(scenario([step()]), { runTag: 1, keySha256: '0'.repeat(64) }).steps;
  if (planned === undefined) throw new Error('the fixture has changed');
  const clock = fakeClock();
  const ran: number[] = [];
  const context = {
    fabric: { happen: async () => void ran.push(clock.now()) },
    timeline: { log: () => undefined },
    signal: new AbortController().signal,
  } as unknown as RunContext;
  const during = times.map((atMs) => ({ atMs, run: [['nft', 'flush', 'ruleset']], settleMs: 0 }));
  const { ended } = startEvents(
    context,
    { ...planned, during },
    { readAround: () => clock.sleep(snapshotMs), leadMs: 10, clock },
  );
  await ended;
  return ran;
}

it('events keep their distance where the first begins late, because to read the state took longer than it waited', async () => {
  const [first = 0, second = 0, third = 0] = await begunAt([20, 140, 260], 300);
  // The snapshot began 10 ms before the first event's time and took 300.
  expect(first).toBeGreaterThan(300);
  expect(second).toBeGreaterThan(300 + 120);
  expect(third).toBeGreaterThan(300 + 240);
});

it('events in time are where they were written', async () => {
  const [first = 0, second = 0] = await begunAt([50, 250], 1);
  expect(first).toBeGreaterThan(49);
  expect(second).toBeGreaterThan(249);
});
