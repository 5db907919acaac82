import type { Sender } from '../inject/send-client.js';
import type { StepPlan } from '../model/plan.js';
import { buildFrames } from '../probe/frame.js';
import { tokensFor } from '../wire/token.js';
import type { RunContext } from './context.js';
import { senderSocket } from './sockets.js';

/** Undoes what the disruptive probes of a step that did not come to its end have done: rightful owners announce themselves. */
export async function restoreOwners(context: RunContext, step: StepPlan, sender: Sender): Promise<void> {
  for (const flow of step.flows.filter(({ purpose }) => purpose === 'restore')) {
    const frames = buildFrames(flow.frame, tokensFor(context.key, context.plan.runTag, flow.first, flow.count));
    await sender.send(senderSocket(flow.sender), frames, flow.frame.size, null);
  }
}
