import { expect, it } from 'vitest';
import type { Plan } from '../../../../src/core/model/plan.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import type { RunContext } from '../../../../src/run/context.js';
import { probeSender } from '../../../../src/run/send/send-probes.js';
import type { Capture } from '../../../../src/system/capture/client.js';
import type { Sender, SendOutcome } from '../../../../src/system/inject/sender.js';
import { framesOfStep } from '../../../../src/core/plan/flows/shortcuts.js';
import { there } from '../../../support/there.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';

const contextOf = (plan: Plan): RunContext =>
  ({
    plan,
    key: new Uint8Array(32),
    signal: new AbortController().signal,
    timeline: { log: () => undefined },
    onProgress: () => undefined,
  }) as unknown as RunContext;

/** How often a step with an event is sent as, in both its parts, where each attempt ends so. */
async function attempts(outcome: SendOutcome): Promise<number> {
  const plan = makePlan(scenario([step({ during: [{ atMs: 0, run: [], settleMs: 0 }] })]), {
    runTag: 1,
    keySha256: '0'.repeat(64),
  });
  const [planned] = plan.steps;
  if (planned === undefined) throw new Error('the fixture has changed');
  const fast = { ...planned, rate: 1_000_000 };
  let sent = 0;
  const sendRouted = async (): Promise<SendOutcome> => {
    sent += 1;
    return outcome;
  };
  const sender = { sendRouted } as unknown as Sender;
  const probes = probeSender(contextOf(plan), fast, sender, {} as Capture, {
    eventsOver: () => true,
    isSampled: false,
  });
  await probes.send(0);
  await probes.send(1);
  return sent;
}

it('each probe of a step keeps to its own rate', async () => {
  const [probe] = step().probes;
  if (probe === undefined) throw new Error('the fixture has changed');
  const entries = [100, 20].map((rate) => ({ ...probe, count: 10, rate }));
  const plan = makePlan(scenario([step({ probes: entries })]), { runTag: 1, keySha256: '0'.repeat(64) });
  const [planned] = plan.steps;
  if (planned === undefined) throw new Error('the fixture has changed');
  expect([planned.rate, planned.rates]).toEqual([20, [100, 20]]);
  const sent: { readonly atMs: number; readonly frames: number; readonly rate: number | null }[] = [];
  const began = performance.now();
  const sendRouted: Sender['sendRouted'] = async (routes, _frames, _size, rate) => {
    const frames = routes.reduce((sum, { count }) => sum + count, 0);
    sent.push({ atMs: performance.now() - began, frames, rate });
    return { accepted: frames, error: null };
  };
  const probes = probeSender(contextOf(plan), planned, { sendRouted } as unknown as Sender, {} as Capture, {
    eventsOver: () => true,
    isSampled: false,
  });
  await probes.send(0);
  await probes.send(1);
  const framesAt = (wanted: number): number =>
    sent.filter(({ rate }) => rate === wanted).reduce((sum, { frames }) => sum + frames, 0);
  expect([framesAt(100), framesAt(20)]).toEqual([planned.flows.length * 5, planned.flows.length * 5]);
  const [slow] = sent.filter(({ rate }) => rate === 20);
  const last = sent.at(-1);
  expect(slow?.atMs).toBeGreaterThan((framesAt(100) / 100) * 900);
  expect(last?.atMs).toBeGreaterThan((framesAt(100) / 100 + (framesAt(20) - (last?.frames ?? 0)) / 20) * 900);
});

it('a sample is the first frames of each flow, sent before all others, and no frame is sent twice', async () => {
  const plan = makePlan(scenario([step()]), { runTag: 1, keySha256: '0'.repeat(64) });
  const planned = there(plan.steps[0]);
  const tokens: number[] = [];
  const context = contextOf(plan);
  context.timeline.log = (_, event) => {
    if (event.event === 'sent') tokens.push(...Array.from({ length: event.planned }, (__, at) => event.first + at));
  };
  const sender = {
    sendRouted: async (routes: readonly { readonly count: number }[]) => ({
      accepted: routes.reduce((sum, { count }) => sum + count, 0),
      error: null,
    }),
  } as unknown as Sender;
  const probes = probeSender(context, planned, sender, {} as Capture, { eventsOver: () => true, isSampled: true });
  await probes.send('sample');
  const first = planned.flows.flatMap((flow) =>
    Array.from({ length: Math.ceil(flow.count / 10) }, (_, at) => flow.first + at),
  );
  expect(tokens).toEqual(first);
  await probes.send(0);
  const half = Math.ceil(framesOfStep(planned) / 2);
  expect(Math.max(...tokens.slice(first.length))).toBe(half - 1);
  await probes.send(1);
  expect([...tokens].sort((a, b) => a - b)).toEqual(Array.from({ length: framesOfStep(planned) }, (_, at) => at));
});

it('rounds of probes end with a sender that is gone, and not with an interface that refuses', async () => {
  expect(await attempts({ accepted: 0, error: 'helper-silent' })).toBe(1);
  expect(await attempts({ accepted: 0, error: 'host-lost' })).toBe(1);
  expect(await attempts({ accepted: 0, error: 'ENETDOWN' })).toBeGreaterThan(2);
});
