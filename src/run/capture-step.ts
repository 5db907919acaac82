import type { Place } from '../core/model/fabric.js';
import { basename, join } from 'node:path';
import type { Observer, StepPlan } from '../core/model/plan.js';
import { assertKnown } from '../core/model/verify-error.js';
import { describeObserver } from '../core/plan/evidence-interfaces.js';
import { framesOfStep } from '../core/plan/flows/shortcuts.js';
import { maxBytesOf } from '../core/plan/size.js';
import type { Capture } from '../system/capture/client.js';
import type { CaptureOptions, ObserverRequest } from '../system/capture/helper.js';
import { joinCaptures } from '../system/capture/join.js';
import { rawFile } from '../system/evidence/folder/folder.js';
import { wallClockNs } from '../system/kernel/clock.js';
import { settleAll } from '../system/process/settle-all.js';
import { type RunContext, remoteOf } from './context.js';
import { startRemoteCapture } from './hosts/remote-helpers.js';
import type { RemoteHost } from './hosts/remote-host.js';
import { namesIn } from '../core/text/collections.js';

/** Rings of all handles. Each observer has two. */
const memoryBudget = 256 * 1024 * 1024;
/**
 * libpcap hands over blocks of 256 KiB after 50 ms, full or not (pcap-linux.c, prepare_tpacket_socket, create_ring,
 * MAXIMUM_SNAPLEN). A ring thus bridges time without a processor: 2 MiB 0.4 s, 8 MiB 1.6 s. Slow kernels may take 1 s
 * for frames that others send in 6 ms. Guests of a host need the memory.
 */
const ringSize = {
  lab: { libpcap: 8 * 1024 * 1024, cap: 10 * 1024 * 1024 },
  host: { libpcap: 2 * 1024 * 1024, cap: 10 * 1024 * 1024 },
} as const;
/** Opening a handle takes 13 ms, closing it 24: from this many observers on, one socket serves all. */
const manyObservers = 32;
/** Frames are sent as fast as the larger ring takes them, several times a small ring's lossless rate. */
const manyFrames = 100_000;
const sharedRing = 64 * 1024 * 1024;
/** Frames of probe size that it holds, each with some 100 bytes of headers. */
export const sharedRingFrames = sharedRing / 192;

/** A shared ring for many observers, or for many frames in the lab. */
export function engineOf(context: Pick<RunContext, 'engine' | 'plan'>, step: StepPlan): ObserverRequest['engine'] {
  const many =
    step.observers.length >= manyObservers ||
    (context.plan.provider === 'lab' &&
      step.rate === null &&
      step.during.length === 0 &&
      framesOfStep(step) >= manyFrames);
  return context.engine === 'libpcap' && many ? 'ring' : context.engine;
}

/** libpcap gives a page to a slot of 2,048 bytes. */
const framesInSlots = 1500;
const slotBytes = 4096;
/** At an MTU of 1,500. The acknowledgement is another frame. */
const segmentBytes = 1448;
/** Beside those with its bytes. */
const framesOfRequest = 12;

function fitsSlots(context: Pick<RunContext, 'engine' | 'plan'>, step: StepPlan): boolean {
  const ofTraffic = step.traffic.reduce(
    (sum, { requests, bytes }) => sum + requests * (framesOfRequest + 2 * Math.ceil(bytes / segmentBytes)),
    0,
  );
  const frames = framesOfStep(step) + step.controls.length + ofTraffic;
  const isBounded = step.listenMs === null && step.during.length === 0 && frames <= framesInSlots;
  return isBounded && ringOf(context, step) >= framesInSlots * slotBytes;
}

/**
 * `{ immediate: true }` for a lab if every step fits the slots. A mark waits up to 50 ms for a block, not for a slot.
 */
export function immediateIn(context: Pick<RunContext, 'engine' | 'plan'>): Pick<ObserverRequest, 'immediate'> {
  const { provider, steps } = context.plan;
  return provider === 'lab' && steps.every((step) => fitsSlots(context, step)) ? { immediate: true } : {};
}

/** Bytes of the ring of each handle. */
export function ringOf(context: Pick<RunContext, 'engine' | 'plan'>, step: StepPlan): number {
  const engine = engineOf(context, step);
  if (engine === 'ring') return sharedRing;
  return Math.min(ringSize[context.plan.provider][engine], Math.floor(memoryBudget / (2 * step.observers.length)));
}

/** Bytes of the ring of a handle of its own. */
export function ringSizeOf({ plan, engine }: Pick<RunContext, 'engine' | 'plan'>): number {
  return ringSize[plan.provider][engine];
}

/** Bytes of a frame that are kept. */
export function snaplenOf(context: Pick<RunContext, 'payload'>, step: StepPlan): number {
  return context.payload ? Math.max(step.snaplen, 2048) : step.snaplen;
}

/** On a host, guests' own traffic is kept only if the step is about it. */
function onlyOwn(context: RunContext, step: StepPlan): boolean {
  return context.plan.provider === 'host' && !context.payload && step.listenMs === null && step.traffic.length === 0;
}

/** The frames to keep, and their limit. */
export function keptOf(context: RunContext, step: StepPlan): Required<Pick<CaptureOptions, 'only' | 'most'>> {
  return onlyOwn(context, step) ? { only: 'run', most: maxBytesOf(context.plan.steps) } : { only: 'all', most: null };
}

/** Each place has a raw capture, numbered in this order. */
function placesOf(context: RunContext, step: StepPlan): ReturnType<typeof groupByPlace<Observer>> {
  return groupByPlace(step.observers, ({ interface: device }) => context.fabric.observingPlace(device));
}

function requestsOf(context: RunContext, step: StepPlan, observers: readonly Observer[]): readonly ObserverRequest[] {
  const engine = engineOf(context, step);
  const buffer = ringOf(context, step);
  const immediate = immediateIn(context);
  return observers.map((observer) => ({
    observer: observer.name,
    device: context.fabric.observingPlace(observer.interface).device,
    watch: observer.place === 'bridge' ? 'bridge' : 'port',
    // directions have to be known where what comes in is towards the guest, or alone proves that it came in
    engine: (observer.place === 'above' || observer.routed === true) && engine === 'cap' ? 'libpcap' : engine,
    macs: observer.macs,
    filter: step.filter,
    snaplen: snaplenOf(context, step),
    buffer,
    ...immediate,
    description: describeObserver(observer, step.index, step.name),
  }));
}

/** Starts a capture helper in each place with observers. Faults go into the timeline. */
export async function startStepCapture(context: RunContext, step: StepPlan): Promise<Capture> {
  const starting = placesOf(context, step).map(async ({ host, netns, items }, at) => {
    const options = {
      netns,
      file: join(context.dir, rawFile(step.index, at + 1)),
      runTag: context.plan.runTag,
      ...keptOf(context, step),
      observers: requestsOf(context, step, items),
    } as const;
    const capture = await startAt(context, step, host, options);
    return { capture, observers: new Set(namesIn(items)) };
  });
  const capture = joinCaptures(await allStarted(starting));
  capture.onFault((fault) => context.timeline.log(step.index, { event: 'fault', fault }));
  return capture;
}

/** Starts a capture helper on a host. null = this one. Another host's clock goes into the timeline. */
export async function startAt(
  context: RunContext,
  step: StepPlan,
  host: string | null,
  options: Parameters<RunContext['devices']['startCapture']>[0],
): Promise<Capture> {
  if (host === null) return context.devices.startCapture(options);
  const capture = await startRemoteCapture(remoteOf(context, host), options);
  await logClock(context, step, host, basename(options.file));
  return capture;
}

/** Captures that start side by side. If one fails, ends the others and rejects. */
export async function allStarted<P extends { readonly capture: Capture }>(
  starting: readonly Promise<P>[],
): Promise<readonly P[]> {
  return settleAll(starting, ({ capture }) => capture.kill());
}

/** In ns, ahead of this host's wall clock, and the largest error. */
interface ClockOffset {
  readonly offsetNs: bigint;
  readonly boundNs: bigint;
}

const clockTries = 8;

/**
 * As NTP does (RFC 5905 8): middle of a round trip, give or take half. It decides no verdict, only places frames of
 * several hosts side by side.
 */
async function clockOffset(host: RemoteHost): Promise<ClockOffset> {
  let best: ClockOffset | null = null;
  for (let at = 0; at < clockTries; at += 1) {
    const before = wallClockNs();
    const { ns } = await host.ask({ ask: 'clock' });
    const after = wallClockNs();
    const boundNs = (after - before) / 2n;
    if (best === null || boundNs < best.boundNs) best = { offsetNs: BigInt(ns) - (before + boundNs), boundNs };
  }
  return best ?? { offsetNs: 0n, boundNs: 0n };
}

async function logClock(context: RunContext, step: StepPlan, host: string, file: string): Promise<void> {
  const { offsetNs, boundNs } = await clockOffset(remoteOf(context, host));
  context.timeline.log(step.index, {
    event: 'clock',
    host,
    file,
    offsetNs: offsetNs.toString(),
    boundNs: boundNs.toString(),
  });
}

/** Logs another host's clock offset when the capture ends, unless the host is lost. */
export async function logLastClock(context: RunContext, step: StepPlan, host: string, file: string): Promise<void> {
  if (remoteOf(context, host).lost !== null) return;
  await logClock(context, step, host, file).catch((error: unknown) => {
    assertKnown(error); // it was lost meanwhile, which its observers' fault reports
  });
}

/** Opens every observer; resolves when all listen. */
export async function openObservers(context: RunContext, step: StepPlan, capture: Capture): Promise<void> {
  for (const { observer, facts, version } of await capture.open(requestsOf(context, step, step.observers))) {
    context.timeline.log(step.index, { event: 'listening', observer, facts, version });
  }
}

/** Nothing more is opened from now on. */
export async function seal(context: RunContext, step: StepPlan, capture: Capture): Promise<void> {
  context.timeline.log(step.index, { event: 'sealed', ...(await capture.seal()) });
}

/** Reads the capture's counters, and before and after the probes its accounts. */
export async function mark(
  context: RunContext,
  step: StepPlan,
  capture: Capture,
  id: 'before' | 'between' | 'after',
): Promise<void> {
  const counters = await capture.mark(id, id !== 'between');
  context.timeline.log(step.index, { event: 'mark', id, counters });
  const windows = id === 'between' ? {} : capture.accounts();
  if (id !== 'between' && Object.keys(windows).length > 0)
    context.timeline.log(step.index, { event: 'accounts-read', when: id, windows });
}

/** Logs counts, written frames and, on a full disk, kept ones. */
export async function stopStepCapture(context: RunContext, step: StepPlan, capture: Capture): Promise<void> {
  await Promise.all(
    placesOf(context, step).map(async ({ host }, at) => {
      if (host !== null) await logLastClock(context, step, host, basename(rawFile(step.index, at + 1)));
    }),
  );
  const { counters, written, kept } = await capture.stop();
  context.timeline.log(step.index, { event: 'stopped', counters, written });
  // What is towards an endpoint above another one comes in there
  const above = new Set(namesIn(step.observers.filter(({ by }) => by !== undefined)));
  for (const frame of kept)
    context.timeline.log(step.index, {
      event: 'kept',
      ...frame,
      towards: above.has(frame.observer) ? !frame.towards : frame.towards,
    });
}

/** Members of one network namespace of a host, served by one helper. */
export interface PlaceGroup<T> {
  /** null = this host. */
  readonly host: string | null;
  readonly netns: string | null;
  readonly items: readonly T[];
}

/** In the order in which places first occur. */
export function groupByPlace<T>(
  items: readonly T[],
  placeOf: (item: T) => Pick<Place, 'netns' | 'host'>,
): readonly PlaceGroup<T>[] {
  const groups = new Map<string, { host: string | null; netns: string | null; items: T[] }>();
  for (const item of items) {
    const { netns, host = null } = placeOf(item);
    const key = JSON.stringify([host, netns]);
    const group = groups.get(key) ?? { host, netns, items: [] };
    group.items.push(item);
    groups.set(key, group);
  }
  return [...groups.values()];
}
