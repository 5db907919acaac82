import type { Capture } from '../capture/capture-client.js';
import type { Sender, SocketRoute } from '../inject/send-client.js';
import type { Flow, Flows, StepPlan } from '../model/plan.js';
import { stampToken } from '../probe/frame.js';
import { templateSeries } from '../probe/template-series.js';
import { tokenLength, tokensFor } from '../wire/token.js';
import { engineOf, framesOfStep, sharedRingFrames } from './capture-step.js';
import { checkStop, pause, type RunContext, tell } from './context.js';
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
/** Frames that go to the helper at once last no longer than this where a rate is asked for: an interruption takes no longer. */
const mostBurstMs = 250;
/** Frames of several flows that go to the helper together, where there are many flows. */
const mostInBatch = 8192;
/** Up to so many flows are sent one by one. */
const fewFlows = 64;
/** Steps with fewer are sent at a fixed rate: to learn what the observers take would last longer. */
const fewFrames = 2000;

/** `first`: frames of the first burst, of which nobody knows yet what they cost; `most`: of any. */
function* burstsOf(flows: Flows, from: number, to: number, { first, most }: { readonly first: number; readonly most: number }): Generator<Burst> {
  let at = 0;
  let longest = Math.min(most, first);
  for (const flow of flows) {
    let sequence = Math.max(0, from - at);
    const end = Math.min(flow.count, to - at);
    while (sequence < end) {
      const count = Math.min(longest, end - sequence);
      yield { flow, sequence, count };
      longest = most;
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

/** A batch with its frames built. */
interface Prepared {
  readonly batch: readonly Burst[];
  readonly first: number;
  readonly planned: number;
  readonly size: number;
  readonly frames: Uint8Array;
}

function prepare(context: RunContext, batch: readonly Burst[]): Prepared | null {
  const [head] = batch;
  if (head === undefined) return null;
  const first = head.flow.first + head.sequence;
  const planned = batch.reduce((sum, burst) => sum + burst.count, 0);
  const { size } = head.flow.frame;
  return { batch, first, planned, size, frames: framesOf(context, batch, first, planned, size) };
}

/** Nobody is there any more who could send: what is left of the step's probes is given up. */
const goneErrors: readonly (string | null)[] = ['helper-died', 'helper-silent', 'host-lost'];

/** Gives whether there still is somebody who sends. */
async function transmit(context: RunContext, step: StepPlan, sender: Sender, prepared: Prepared, rate: number | null): Promise<boolean> {
  const { batch, first, planned, size, frames } = prepared;
  const { accepted, error } = await sender.sendRouted(routesOf(batch), frames, size, rate);
  context.timeline.log(step.index, { event: 'sent', flow: batch[0]?.flow.id ?? 0, first, planned, accepted });
  if (accepted === planned) return true;
  if (goneErrors.includes(error)) return false;
  let sum = 0;
  const next = batch.findIndex((burst) => {
    sum += burst.count;
    return sum > accepted;
  });
  return sendBatch(context, step, sender, batch.slice(next + 1), rate);
}

/** Sends a batch; where an interface refuses, what was left for its flow is given up and the flows after it are sent. Gives whether there still is somebody who sends. */
export async function sendBatch(context: RunContext, step: StepPlan, sender: Sender, batch: readonly Burst[], rate: number | null): Promise<boolean> {
  const prepared = prepare(context, batch);
  return prepared === null || transmit(context, step, sender, prepared, rate);
}

/** When each of many batches may begin so that all together keep to a rate: resolves then. Throws as `pause` does. */
function evenly(perSecond: number, signal: AbortSignal): (frames: number) => Promise<void> {
  let dueMs = 0;
  return async (frames) => {
    const aheadMs = dueMs - performance.now();
    if (aheadMs > 0) await pause(Math.ceil(aheadMs), signal);
    dueMs = Math.max(performance.now(), dueMs) + (frames * 1000) / perSecond;
  };
}

/** How a step's probes are sent: one part, then the other. */
export interface ProbeSender {
  send(part: 0 | 1): Promise<void>;
}

/** The second part begins with the round at which the first ended. */
function inRounds(sendFrom: (round: number) => Promise<number>): ProbeSender {
  let next = 0;
  return {
    send: async () => {
      next = await sendFrom(next);
    },
  };
}

/**
 * Sends a step's probes in two parts, counted over all its flows: `part` 0 the first half, 1 the second. What the kernel
 * took is written down for each batch; a burst that was cut short ends its flow's part, not the step. The next batch is built while one is sent.
 * `eventsOver`: whether the events of the step are, which belong into the first part.
 */
export function probeSender(context: RunContext, step: StepPlan, sender: Sender, capture: Capture, eventsOver: () => boolean): ProbeSender {
  if (step.during.length > 0) return inRounds((from) => sendRounds(context, step, sender, { from, over: eventsOver }));
  const total = framesOfStep(step);
  const half = Math.ceil(total / 2);
  const paced = context.plan.provider === 'lab' && step.rate === null && total > fewFrames && engineOf(context, step) === 'ring';
  let sending: Promise<boolean> = Promise.resolve(true);
  const pace = paced ? createPace(capture, { capacity: sharedRingFrames, observers: step.observers.length, handedOver: async () => void (await sending) }) : null;
  const rate = pace === null ? (step.rate ?? lossFreeRate(context)) : null;
  // What is asked for holds over all batches: a helper paces the frames of one, and the first of the next would follow at once.
  const startOf = step.rate === null ? null : evenly(step.rate, context.signal);
  const mostAtOnce = step.rate === null ? mostInBatch : Math.max(1, Math.floor((step.rate * mostBurstMs) / 1000));
  const together = pace !== null || step.flows.length > fewFlows;

  async function send(part: 0 | 1): Promise<void> {
    const [from, to] = part === 0 ? [0, half] : [half, total];
    const began = performance.now();
    let done = from;
    pace?.interrupted();
    const roomNow = async (): Promise<number> => (pace === null ? mostAtOnce : Math.min(mostAtOnce, await pace.room()));
    let room = from < to ? await roomNow() : 0;
    try {
      for (const batch of batchesOf(burstsOf(step.flows, from, to, { first: room, most: Math.min(mostInBurst, mostAtOnce) }), () => (together ? room : 1))) {
        checkStop(context.signal);
        const prepared = prepare(context, batch);
        if (!(await sending)) return;
        if (prepared === null) continue;
        await startOf?.(prepared.planned);
        sending = transmit(context, step, sender, prepared, rate);
        sending.catch(() => undefined); // told where it is awaited
        pace?.sent(prepared.planned);
        done += prepared.planned;
        tell(context, step, 'probing', paceText(done, from, total, performance.now() - began));
        room = await roomNow();
      }
    } finally {
      await sending;
    }
  }
  return { send };
}
