import type { StepPlan, TrafficPlan } from '../core/model/plan.js';
import { assertKnown, VerifyError } from '../core/model/verify-error.js';
import type { Capture } from '../system/capture/client.js';
import type { Sender } from '../system/inject/sender.js';
import { settleAll } from '../system/process/settle-all.js';
import { exchangeHttp } from '../system/traffic/http.js';
import { exchangePing } from '../system/traffic/ping.js';
import { mark, openObservers, seal, startStepCapture, stopStepCapture } from './capture-step.js';
import { checkStop, logFault, pause, report, type RunContext, type StepTrace, stopReason, wait } from './context.js';
import { type Events, startEvents } from './events.js';
import { type StateReader, stateReader } from './read-states.js';
import { announce } from './send/announce.js';
import { readSegmentDevices, type SegmentDevices, startAccounts, startEars, withEars, withInside } from './ears.js';
import { restoreOwners } from './send/restore.js';
import { sendControls } from './send/send-controls.js';
import { probeSender } from './send/send-probes.js';
import { startSenders } from './send/sockets.js';
import { ChangeWatch, watchKernel } from './watch-kernel.js';

/** A program may still hold the last controls when the kernel has taken them. */
const controlMs = 60;

/** Frames that a relay holds longer are not in the sample. */
const sampleDrainMs = 100;

/** No relay and no switch polls: a control has arrived when the kernel has taken it. */
function isWithinKernel({ plan }: RunContext, { observers }: StepPlan): boolean {
  return (
    plan.provider === 'lab' &&
    plan.hosts === undefined &&
    plan.bridges.every(({ kind }) => kind !== 'ovs') &&
    observers.every(({ place }) => place !== 'relay')
  );
}

async function change(context: RunContext, step: StepPlan, heard: ChangeWatch): Promise<void> {
  for (const [index, change] of step.changes.entries()) {
    checkStop(context.signal);
    const { commands, readBack } = await context.fabric.apply(change);
    context.timeline.log(step.index, { event: 'changed', change: index, commands, readBack });
  }
  await context.fabric.settled(step.changes.length > 0);
  heard.take(); // the step's own changes, which the snapshots show
}

async function probe(
  context: RunContext,
  step: StepPlan,
  capture: Capture,
  sender: Sender,
  { around, heard }: { readonly around: readonly SegmentDevices[]; readonly heard: ChangeWatch },
): Promise<void> {
  const watch = await watchKernel(context, step);
  try {
    const changes = heard.take();
    if (changes.length > 0) context.timeline.log(step.index, { event: 'settings-changed', changes });
    await probeBetweenSnapshots(context, step, capture, sender, {
      states: stateReader(context, step, watch, around),
      around,
    });
  } finally {
    watch.close();
  }
}

async function probeBetweenSnapshots(
  context: RunContext,
  step: StepPlan,
  capture: Capture,
  sender: Sender,
  { states, around }: { readonly states: StateReader; readonly around: readonly SegmentDevices[] },
): Promise<void> {
  if (context.isDryRun) {
    await states.before();
    await mark(context, step, capture, 'before');
    await states.after();
    throw new VerifyError(
      'dry-run',
      3,
      'every observer listened and every injection port was made; nothing was sent',
      'run it without --dry-run',
    );
  }
  const began = performance.now();
  let leadMs = 0;
  // No probe is under way while controls are: the state may as well be read then.
  await settleAll<unknown>([
    states.before().then(() => (leadMs = performance.now() - began)),
    sendControls(context, step, 'before', sender).then(() => mark(context, step, capture, 'before')),
  ]);
  const trace = context.traces?.start(context, step, around);
  try {
    await probeAndDrain(context, step, capture, sender, { states, leadMs, trace });
  } finally {
    trace?.end();
  }
  await settleAll([states.after(), lastControls(context, step, capture, sender)]);
}

async function probeAndDrain(
  context: RunContext,
  step: StepPlan,
  capture: Capture,
  sender: Sender,
  {
    states,
    leadMs,
    trace,
  }: { readonly states: StateReader; readonly leadMs: number; readonly trace: StepTrace | undefined },
): Promise<void> {
  report(context, step, 'probing');
  context.timeline.log(step.index, { event: 'probing', state: 'started' });
  const events = startEvents(context, step, { readAround: states.around, leadMs });
  events.ended.catch(() => undefined); // reported where it is awaited
  try {
    await probeOn(context, step, capture, sender, { events, trace });
    await events.ended;
  } finally {
    await events.stop();
  }
  context.timeline.log(step.index, { event: 'probing', state: 'ended' });
  report(context, step, 'draining');
  await wait(context, step, 'draining', step.drainMs);
  context.timeline.log(step.index, { event: 'drained', drainMs: step.drainMs });
}

async function lastControls(context: RunContext, step: StepPlan, capture: Capture, sender: Sender): Promise<void> {
  await sendControls(context, step, 'after', sender);
  if (!isWithinKernel(context, step)) await pause(controlMs, context.signal);
  await mark(context, step, capture, 'after');
}

async function probeOn(
  context: RunContext,
  step: StepPlan,
  capture: Capture,
  sender: Sender,
  { events, trace }: { readonly events: Events; readonly trace: StepTrace | undefined },
): Promise<void> {
  const isSampled = trace?.isSample === true;
  const probes = probeSender(context, step, sender, capture, { eventsOver: events.over, isSampled });
  if (isSampled) {
    await probes.send('sample');
    await pause(Math.min(step.drainMs, sampleDrainMs), context.signal);
    trace.end();
  }
  await probes.send(0);
  const listening = step.listenMs === null ? null : wait(context, step, 'probing', step.listenMs);
  await runTraffic(context, step);
  await listening;
  await sendControls(context, step, 'between', sender);
  await mark(context, step, capture, 'between');
  await probes.send(1);
}

/** See core/model/reasons.ts. */
const ownReasons: ReadonlySet<string> = new Set([
  'unsupported',
  'host-lost',
  'interrupted',
  'guests-disturbed',
  'dry-run',
]);

function fault(context: RunContext, step: StepPlan, error: unknown): 'fault' | 'unsupported' {
  assertKnown(error);
  const code = ownReasons.has(error.code) ? error.code : 'step-failed';
  logFault(context, step, code, `${error.message} (${error.hint})`);
  return code === 'unsupported' ? 'unsupported' : 'fault';
}

/** The untaken probes may include the end of an attack, where its owner speaks. */
function isUnfinished(
  { timeline }: RunContext,
  { index }: StepPlan,
  outcome: 'done' | 'fault' | 'unsupported',
): boolean {
  const sent = timeline.entries.flatMap((entry) => (entry.step === index && entry.event === 'sent' ? [entry] : []));
  return sent.length > 0 && (outcome !== 'done' || sent.some(({ accepted, planned }) => accepted < planned));
}

/**
 * In the contract's order: changes, learn, wait, state, probing, drain, state. A fault keeps captured frames. Rejects
 * only for faults of the tool.
 */
async function runStep(context: RunContext, step: StepPlan): Promise<void> {
  report(context, step, 'preparing');
  context.timeline.log(step.index, { event: 'step-started' });
  const starting = step.observers.length === 0 ? null : startStepCapture(context, step);
  starting?.catch(() => undefined); // reported below, where it is awaited
  let ears: Capture | null = null;
  let sender: Sender | null = null;
  let outcome: 'done' | 'fault' | 'unsupported' = 'done';
  let heard: ChangeWatch | null = null;
  try {
    try {
      heard = new ChangeWatch(context, step);
      await change(context, step, heard);
      sender = await startSenders(context, step);
      if (!context.isDryRun) await announce(context, step, sender);
      await wait(context, step, 'preparing', step.waitMs);
      report(context, step, 'listening');
      const capture = await starting;
      if (capture !== null) {
        const opening = openObservers(context, step, capture);
        opening.catch(() => undefined); // reported below, where it is awaited
        const around = await readSegmentDevices(context, step);
        await opening;
        const inside = await startAccounts(context, step, around, capture);
        await seal(context, step, capture);
        ears = await startEars(context, step, around);
        await probe(context, step, withInside(withEars(capture, ears), inside), sender, { around, heard });
      }
    } catch (error) {
      outcome = fault(context, step, error);
    }
    if (sender !== null && isUnfinished(context, step, outcome)) await restoreOwners(context, step, sender);
  } finally {
    heard?.close();
    const capture = await starting?.catch(() => null);
    try {
      if (capture !== null && capture !== undefined) await stopStepCapture(context, step, withEars(capture, ears));
      else ears?.kill();
    } finally {
      await sender?.stop();
    }
  }
  for (const { code, text } of context.fabric.faults()) logFault(context, step, code, text);
  context.timeline.log(step.index, { event: 'step-ended', outcome });
  report(context, step, 'done');
}

/** Runs the steps in order on one topology. After an interruption the others are logged as not run. */
export async function runSteps(context: RunContext): Promise<void> {
  for (const step of context.plan.steps) {
    if (context.signal.aborted) {
      const { code, message } = stopReason(context.signal);
      logFault(context, step, code, message);
      context.timeline.log(step.index, { event: 'step-ended', outcome: 'not-run' });
    } else {
      await runStep(context, step);
    }
  }
}

async function exchange(
  context: RunContext,
  traffic: TrafficPlan,
): Promise<{ readonly ok: boolean; readonly detail: string }> {
  const address = context.plan.endpoints.find((endpoint) => endpoint.name === traffic.to)?.ips[0]?.address;
  if (address === undefined) return { ok: false, detail: `${traffic.to} has no IP address` };
  const client = context.fabric.sendingPlace(traffic.from);
  const server = context.fabric.sendingPlace(traffic.to);
  const { requests, bytes } = traffic;
  switch (traffic.kind) {
    case 'http':
      return exchangeHttp({ client, server, address, requests, bytes });
    case 'ping':
      return exchangePing({ client, server, address, requests, bytes });
    case 'tcp':
    case 'udp':
      throw new VerifyError('unsupported', 69, `traffic ${traffic.kind} is not supported yet`, 'Use http or ping.');
  }
}

async function runTraffic(context: RunContext, step: StepPlan): Promise<void> {
  for (const [index, traffic] of step.traffic.entries()) {
    checkStop(context.signal);
    context.timeline.log(step.index, { event: 'traffic', traffic: index, ...(await exchange(context, traffic)) });
  }
}
