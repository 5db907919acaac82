import { expect, it } from 'vitest';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import type { RunContext } from '../../../../src/run/context.js';
import { probeSender } from '../../../../src/run/send/send-probes.js';
import type { Capture } from '../../../../src/system/capture/client.js';
import type { Sender, SendOutcome } from '../../../../src/system/inject/sender.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';

/** How often a step with an event is sent as, in both its parts, where each attempt ends so. */
async function attempts(outcome: SendOutcome): Promise<number> {
  const plan = makePlan(scenario([step({ during: [{ atMs: 0, run: [], settleMs: 0 }] })]), {
    runTag: 1,
    keySha256: '0'.repeat(64),
  });
  const [planned] = plan.steps;
  if (planned === undefined) throw new Error('the fixture has changed');
  const fast = { ...planned, rate: 1_000_000 };
  const context = {
    plan,
    key: new Uint8Array(32),
    signal: new AbortController().signal,
    timeline: { log: () => undefined },
    onProgress: () => undefined,
  } as unknown as RunContext;
  let sent = 0;
  const sendRouted = async (): Promise<SendOutcome> => {
    sent += 1;
    return outcome;
  };
  const sender = { sendRouted } as unknown as Sender;
  const probes = probeSender(context, fast, sender, {} as Capture, () => true);
  await probes.send(0);
  await probes.send(1);
  return sent;
}

it('rounds of probes end with a sender that is gone, and not with an interface that refuses', async () => {
  expect(await attempts({ accepted: 0, error: 'helper-silent' })).toBe(1);
  expect(await attempts({ accepted: 0, error: 'host-lost' })).toBe(1);
  expect(await attempts({ accepted: 0, error: 'ENETDOWN' })).toBeGreaterThan(2);
});
