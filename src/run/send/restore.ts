import type { Flow, StepPlan } from '../../core/model/plan.js';
import { assertKnown } from '../../core/model/verify-error.js';
import { buildFrames } from '../../core/probe/frames/frame.js';
import { tokensFor } from '../../core/wire/token.js';
import type { Sender } from '../../system/inject/sender.js';
import { logFault, type RunContext } from '../context.js';
import { senderSocket, startSenders } from './sockets.js';

async function announced(context: RunContext, flows: readonly Flow[], sender: Sender): Promise<readonly Flow[]> {
  const refused: Flow[] = [];
  for (const flow of flows) {
    const frames = buildFrames(flow.frame, tokensFor(context.key, context.plan.runTag, flow.first, flow.count));
    const { accepted } = await sender.send(senderSocket(flow.sender), frames, flow.frame.size, null);
    if (accepted < flow.count) refused.push(flow);
  }
  return refused;
}

/**
 * After unfinished disruptive probes, rightful owners announce themselves, by another helper if the sender is gone.
 * Failures become faults.
 */
export async function restoreOwners(context: RunContext, step: StepPlan, sender: Sender): Promise<void> {
  const toRestore = [...step.flows].filter(({ purpose }) => purpose === 'restore');
  let remaining = await announced(context, toRestore, sender);
  if (remaining.length === 0) return;
  let why = 'its port takes no frames';
  try {
    const second = await startSenders(context, step);
    remaining = await announced(context, remaining, second);
    await second.stop();
  } catch (error) {
    assertKnown(error);
    why = error.message;
  }
  for (const name of new Set(remaining.map((flow) => flow.sender))) {
    logFault(
      context,
      step,
      'step-failed',
      `${name} could not announce itself after an attack on it: ${why}. Until it speaks, frames for it may go to the attacker`,
    );
  }
}
