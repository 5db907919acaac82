import { expect, it } from 'vitest';
import type { Plan } from '../../../src/core/model/plan.js';
import { framesOfStep } from '../../../src/core/plan/flows/shortcuts.js';
import { makePlan } from '../../../src/core/plan/make-plan.js';
import { engineOf, immediateIn, ringOf } from '../../../src/run/capture-step.js';
import { keepOf } from '../../../src/run/context.js';
import { scenario, step } from '../../support/judge/perfect-run.js';

/** The plan of one step of so many frames among four endpoints. */
function planOf(count: number, rate: number | null = null): Plan {
  const base = scenario([step()]);
  const steps = base.steps.map((step) => ({
    ...step,
    probes: step.probes.map((probe) => ({ ...probe, count, rate })),
  }));
  return makePlan({ ...base, steps }, { runTag: 1, keySha256: '0'.repeat(64) });
}

/** The engine for the step of such a plan. */
function engineFor(
  count: number,
  provider: 'lab' | 'host',
  over: { readonly rate?: number; readonly engine?: 'cap' } = {},
): { readonly engine: string; readonly frames: number } {
  const plan = { ...planOf(count, over.rate), provider };
  const [only] = plan.steps;
  if (only === undefined) throw new Error('the fixture has changed');
  return { engine: engineOf({ engine: over.engine ?? 'libpcap', plan }, only), frames: framesOfStep(only) };
}

it('many frames of a lab step are captured by the ring, whose size lets them go faster', () => {
  expect(engineFor(99_999, 'lab')).toEqual({ engine: 'libpcap', frames: 99_999 });
  expect(engineFor(100_000, 'lab')).toEqual({ engine: 'ring', frames: 100_000 });
});

it('beyond 100,000 frames the leaks stay in the evidence, unless another word was said', () => {
  expect([100_000, 100_001].map((count) => keepOf({}, planOf(count)))).toEqual(['all', 'leaks']);
  expect([1, 100_001].map((count) => keepOf({ keep: 'all' }, planOf(count)))).toEqual(['all', 'all']);
  expect(keepOf({ keep: 'leaks' }, planOf(1))).toBe('leaks');
});

it('a host, a rate that was asked for, and an engine that was asked for stay as they are', () => {
  expect(engineFor(100_000, 'host').engine).toBe('libpcap');
  expect(engineFor(100_000, 'lab', { rate: 1000 }).engine).toBe('libpcap');
  expect(engineFor(100_000, 'lab', { engine: 'cap' }).engine).toBe('cap');
});

it('the ring of the lab lasts four times as long as that of a host in every step, within the budget for all', () => {
  const base = makePlan(scenario([step()]), { runTag: 1, keySha256: '0'.repeat(64) });
  const [only] = base.steps;
  if (only === undefined) throw new Error('the fixture has changed');
  const mib = (
    over: Partial<typeof only>,
    provider: 'lab' | 'host' = 'lab',
    engine: 'libpcap' | 'cap' = 'libpcap',
  ): number => ringOf({ engine, plan: { ...base, provider } }, { ...only, ...over }) / 1024 / 1024;
  expect([mib({}), mib({ rate: 100 }), mib({ listenMs: 1000 }), mib({}, 'host'), mib({ rate: 100 }, 'host')]).toEqual([
    8, 8, 8, 2, 2,
  ]);
  expect([mib({}, 'lab', 'cap'), mib({}, 'host', 'cap')]).toEqual([10, 10]);
  const [observer] = only.observers;
  if (observer === undefined) throw new Error('the fixture has changed');
  const many = Array.from({ length: 31 }, (_, at) => ({ ...observer, name: `g${at}` }));
  expect([mib({ observers: many.slice(0, 16) }), mib({ observers: many })]).toEqual([
    8,
    Math.floor((256 * 1024 * 1024) / 62) / 1024 / 1024,
  ]);
});

it('the slots of a lab are for runs of which every step fits them', () => {
  const base = makePlan(scenario([step(), step()]), { runTag: 1, keySha256: '0'.repeat(64) });
  const [first, last] = base.steps;
  if (first === undefined || last === undefined) throw new Error('the fixture has changed');
  const immediate = (over: Partial<typeof last>, provider: 'lab' | 'host' = 'lab'): true | undefined =>
    immediateIn({ engine: 'libpcap', plan: { ...base, provider, steps: [first, { ...last, ...over }] } }).immediate;
  const http = { kind: 'http', from: 'a', to: 'b', bytes: 100_000, must: [], may: [] } as const;
  expect([immediate({}), immediate({ traffic: [{ ...http, requests: 5 }] })]).toEqual([true, true]);
  expect(immediate({}, 'host')).toBeUndefined();
  expect(immediate({ listenMs: 1000 })).toBeUndefined();
  expect(immediate({ traffic: [{ ...http, requests: 10 }] })).toBeUndefined();
  const [observer] = last.observers;
  if (observer === undefined) throw new Error('the fixture has changed');
  const many = Array.from({ length: 31 }, (_, at) => ({ ...observer, name: `g${at}` }));
  expect(immediate({ observers: many })).toBeUndefined();
});
