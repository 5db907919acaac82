import { readdirSync } from 'node:fs';
import { beforeEach, expect, it, vi } from 'vitest';
import type { StepPlan } from '../../../src/core/model/plan.js';
import type { RunContext } from '../../../src/run/context.js';
import { watchKernel } from '../../../src/run/watch-kernel.js';
import type { PlaceChange, PlaceWatch } from '../../../src/system/state/changes/place-changes.js';
import { perfectRun } from '../../support/judge/perfect-run.js';
import { there } from '../../support/there.js';

const watchPlaces = vi.hoisted(() => vi.fn<() => PlaceWatch>());
vi.mock('../../../src/system/state/changes/place-changes.js', () => ({ watchPlaces }));

const { plan } = perfectRun();
const step: StepPlan = { ...there(plan.steps[0]), listenMs: 1000 };
const log = vi.fn();
const context = {
  plan,
  fabric: { observingPlace: (device: string) => ({ device, netns: null }) },
  timeline: { log },
} as unknown as RunContext;

beforeEach(() => log.mockReset());

it('what was opened to hear the kernel is closed where the rest cannot be opened', async () => {
  watchPlaces.mockImplementation(() => {
    throw new Error('too many files are open');
  });
  const [set, clear] = [vi.spyOn(globalThis, 'setInterval'), vi.spyOn(globalThis, 'clearInterval')];
  const before = readdirSync('/proc/self/fd').length;
  await expect(watchKernel(context, step)).rejects.toThrow('too many files');
  expect(readdirSync('/proc/self/fd')).toHaveLength(before);
  const timers = set.mock.results.map(({ value }) => value as unknown);
  expect(timers).not.toHaveLength(0);
  expect(clear.mock.calls.map(([timer]) => timer)).toEqual(expect.arrayContaining(timers));
  vi.restoreAllMocks();
});

it('MACs that a bridge learned and that are not written down are said to be missing, once', async () => {
  const moved = (number: number): PlaceChange => {
    const octets = Buffer.from([2, 0, 0, 0, number >> 8, number & 0xff]).toString('hex');
    return { kind: 'moved', mac: octets.replaceAll(/(..)(?=.)/g, '$1:'), ifindex: 7, bridge: 2 };
  };
  let number = 0;
  watchPlaces.mockReturnValue({
    take: () => Array.from({ length: 5000 }, () => moved((number += 1))),
    hasLost: () => true,
    close: () => undefined,
  });
  const watch = await watchKernel(context, step);
  watch.begin([]);
  await vi.waitFor(() => expect(number).toBeGreaterThanOrEqual(10_000));
  watch.close();
  const events = log.mock.calls.map(([, event]: readonly unknown[]) => event);
  const fault = (why: string) => ({
    event: 'fault',
    fault: { code: 'state-unread', observers: [], text: `MACs that the bridge learned are not all known: ${why}` },
  });
  expect(events).toHaveLength(4096 + 2);
  expect(events.slice(4096)).toEqual([fault('more than 4096'), fault('more at once than the kernel keeps')]);
});
