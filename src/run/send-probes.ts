import type { Capture } from '../capture/capture-client.js';
import type { Sender, SocketRoute } from '../inject/send-client.js';
import type { Flow, Flows, StepPlan } from '../model/plan.js';
import { stampToken } from '../probe/frame.js';
import { templateSeries } from '../probe/template-series.js';
import { tokenLength, tokensFor } from '../wire/token.js';
import { engineOf, sharedRingFrames } from './capture-step.js';
import { checkStop, type RunContext, tell } from './context.js';
import { createPace } from './feedback.js';
import { lossFreeRate } from './loss-free-rate.js';
import { paceText } from './pace.js';
import { sendRounds } from './send-rounds.js';
import { senderSocket } from './sockets.js';

/** Consecutive frames of one flow. */
export interface Burst {
  readonly flow: Flow;
  readonly sequence: number;
  readonly count: number;
}

const mostInBurst = 1000;
/** Frames of several flows that go to the helper together, where there are many flows. */
const mostInBatch = 8192;
/** Up to so many flows are sent one by one. */
const fewFlows = 64;
/** Steps with fewer are sent at a fixed rate: learning what the observers take would last longer. */
const fewFrames = 50_000;

function* burstsOf(flows: Flows, from: number, to: number): Generator<Burst> {
  let at = 0;
  for (const flow of flows) {
    let sequence = Math.max(0, from - at);
    const end = Math.min(flow.count, to - at);
    while (sequence < end) {
      const count = Math.min(mostInBurst, end - sequence);
      yield { flow, sequence, count };
      sequence += count;
    }
    at += flow.count;
    if (at >= to) return;
  }
}

/** Bursts with frames of one length whose tokens follow one another, put together. */
function* batchesOf(bursts: Iterable<Burst>, most: () => number): Generator<readonly Burst[]> {
  let batch: Burst[] = [];
  let frames = 0;
  for (const burst of bursts) {
    const [first] = batch;
    if (first !== undefined && (frames + burst.count > most() || first.flow.frame.size !== burst.flow.frame.size)) {
      yield batch;
      batch = [];
      frames = 0;
    }
    batch.push(burst);
    frames += burst.count;
  }
  if (batch.length > 0) yield batch;
}

function framesOf(context: RunContext, batch: readonly Burst[], first: number, count: number, size: number): Uint8Array {
  const tokens = tokensFor(context.key, context.plan.runTag, first, count);
  const frames = new Uint8Array(count * size);
  const templateOf = templateSeries();
  let at = 0;
  for (const burst of batch) {
    const template = templateOf(burst.flow.frame);
    for (let i = 0; i < burst.count; i += 1, at += 1) stampToken(template, frames, at * size, tokens, at * tokenLength);
  }
  return frames;
}

/** Where a batch leaves: bursts of one sender in a row are one route, so that the kernel takes many frames at once. */
function routesOf(batch: readonly Burst[]): readonly SocketRoute[] {
  const routes: { readonly socket: string; count: number }[] = [];
  let sender = '';
  for (const { flow, count } of batch) {
    const last = routes[routes.length - 1];
    if (last !== undefined && flow.sender === sender) last.count += count;
    else routes.push({ socket: senderSocket(flow.sender), count });
    ({ sender } = flow);
  }
  return routes;
}

/** Sends a batch; where an interface refuses, what was left for its flow is given up and the flows after it are sent. */
export async function sendBatch(context: RunContext, step: StepPlan, sender: Sender, batch: readonly Burst[], rate: number | null): Promise<void> {
  const [head] = batch;
  if (head === undefined) return;
  const first = head.flow.first + head.sequence;
  const planned = batch.reduce((sum, burst) => sum + burst.count, 0);
  const { size } = head.flow.frame;
  const frames = framesOf(context, batch, first, planned, size);
  const { accepted } = await sender.sendRouted(routesOf(batch), frames, size, rate);
  context.timeline.log(step.index, { event: 'sent', flow: head.flow.id, first, planned, accepted });
  if (accepted === planned) return;
  let sum = 0;
  const next = batch.findIndex((burst) => {
    sum += burst.count;
    return sum > accepted;
  });
  await sendBatch(context, step, sender, batch.slice(next + 1), rate);
}

/**
 * Sends one part of a step's probes, counted over all its flows: `part` 0 the first half, 1 the second. What the kernel
 * took is written down for each batch; a burst that was cut short ends its flow's part, not the step.
 */
export async function sendProbes(context: RunContext, step: StepPlan, sender: Sender, capture: Capture, part: 0 | 1): Promise<void> {
  if (step.during.length > 0) return sendRounds(context, step, sender, part);
  const total = step.flows.reduce((sum, flow) => sum + flow.count, 0);
  const half = Math.ceil(total / 2);
  const [from, to] = part === 0 ? [0, half] : [half, total];
  const host = context.plan.provider === 'host';
  const paced = !host && step.rate === null && total > fewFrames && engineOf(context, step) === 'ring';
  const pace = paced ? createPace(capture, { capacity: sharedRingFrames, observers: step.observers.length }) : null;
  const rate = pace !== null ? null : (step.rate ?? lossFreeRate(context));
  let done = from;
  const began = performance.now();
  let room = pace === null ? mostInBatch : Math.min(mostInBatch, await pace.room());
  for (const batch of batchesOf(burstsOf(step.flows, from, to), () => (step.flows.length > fewFlows ? room : 1))) {
    checkStop(context.signal);
    await sendBatch(context, step, sender, batch, rate);
    const frames = batch.reduce((sum, burst) => sum + burst.count, 0);
    done += frames;
    tell(context, step, 'probing', paceText(done, from, total, performance.now() - began));
    pace?.sent(frames);
    if (pace !== null) room = Math.min(mostInBatch, await pace.room());
  }
}
