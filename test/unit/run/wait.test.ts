import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { makePlan } from '../../../src/core/plan/make-plan.js';
import { type RunContext, wait } from '../../../src/run/context.js';
import { scenario, step } from '../../support/judge/perfect-run.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** What is reported while it is waited for so long, and whether the wait is over after `afterMs`. */
async function reportedIn(ms: number, afterMs: number, signal = new AbortController().signal) {
  const plan = makePlan(scenario([step()]), { runTag: 1, keySha256: '0'.repeat(64) });
  const [planned] = plan.steps;
  if (planned === undefined) throw new Error('the fixture has changed');
  const details: string[] = [];
  const context = {
    plan,
    signal,
    onProgress: (event: { readonly detail?: string }) => void details.push(event.detail ?? ''),
  } as unknown as RunContext;
  let outcome = 'waiting';
  void wait(context, planned, 'probing', ms).then(
    () => (outcome = 'over'),
    () => (outcome = 'stopped'),
  );
  await vi.advanceTimersByTimeAsync(afterMs);
  return { details, outcome };
}

it('a wait of seconds says every second how long still, and lasts as long as it was asked for', async () => {
  expect(await reportedIn(3500, 3400)).toEqual({
    details: ['4 s left', '3 s left', '2 s left', '1 s left'],
    outcome: 'waiting',
  });
  expect((await reportedIn(3500, 3600)).outcome).toBe('over');
  expect((await reportedIn(600_000, 1100)).details).toEqual(['10 min left', '10 min left']);
});

it('a short wait says nothing, and both end with the run', async () => {
  expect(await reportedIn(1000, 1001)).toEqual({ details: [], outcome: 'over' });
  const stop = new AbortController();
  setTimeout(() => stop.abort(), 2500);
  expect(await reportedIn(60_000, 2600, stop.signal)).toMatchObject({ outcome: 'stopped' });
});
