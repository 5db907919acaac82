import type { Sender } from '../inject/send-client.js';
import type { Flow, Flows, StepPlan } from '../model/plan.js';
import { buildFrames } from '../probe/frame.js';
import { tokensFor } from '../wire/token.js';
import { checkStop, type RunContext, tell } from './context.js';
import { senderSocket } from './sockets.js';

/** Consecutive frames of one flow. */
interface Burst {
  readonly flow: Flow;
  readonly sequence: number;
  readonly count: number;
}

const mostInBurst = 1000;
/** A burst takes no longer at any rate: whoever interrupts a run does not wait for it. */
const mostBurstSeconds = 0.25;
/** Frames a second that the engines take without loss at the ring sizes of capture.ts, with room to spare. */
const defaultRate = { libpcap: 50_000, cap: 5000 } as const;

function burstsOf(flows: Flows, from: number, to: number, most: number): readonly Burst[] {
  const bursts: Burst[] = [];
  let at = 0;
  for (const flow of flows) {
    let sequence = Math.max(0, from - at);
    const end = Math.min(flow.count, to - at);
    while (sequence < end) {
      const count = Math.min(most, end - sequence);
      bursts.push({ flow, sequence, count });
      sequence += count;
    }
    at += flow.count;
  }
  return bursts;
}

/**
 * Sends one part of a step's probes, counted over all its flows: `part` 0 the first half, 1 the second. What the kernel
 * took is written down for each burst; a burst that was cut short ends its flow's part, not the step.
 */
export async function sendProbes(context: RunContext, step: StepPlan, sender: Sender, part: 0 | 1): Promise<void> {
  const total = step.flows.reduce((sum, flow) => sum + flow.count, 0);
  const half = Math.ceil(total / 2);
  const [from, to] = part === 0 ? [0, half] : [half, total];
  const rate = step.rate ?? defaultRate[context.engine];
  let done = from;
  const most = Math.max(1, Math.min(mostInBurst, Math.floor(rate * mostBurstSeconds)));
  for (const { flow, sequence, count } of burstsOf(step.flows, from, to, most)) {
    checkStop(context.signal);
    const first = flow.first + sequence;
    const frames = buildFrames(flow.frame, tokensFor(context.key, context.plan.runTag, first, count));
    const { accepted } = await sender.send(senderSocket(flow.sender), frames, flow.frame.size, rate);
    context.timeline.log(step.index, { event: 'sent', flow: flow.id, first, planned: count, accepted });
    done += count;
    tell(context, step, 'probing', `${done} of ${total} frames`);
  }
}
