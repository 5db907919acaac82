import { basename, join } from 'node:path';
import { isOnPort } from '../core/model/attach.js';
import type { Place } from '../core/model/fabric.js';
import { bareName, hostOf, onHost } from '../core/model/host-names.js';
import type { Observer, StepPlan } from '../core/model/plan.js';
import type { HostState, LinkedDevice } from '../core/model/state.js';
import { describeObserver } from '../core/plan/evidence-interfaces.js';
import { type Ear, earsAbove, maxSpaces, programsAtEars, unheardDevices } from '../core/plan/ears.js';
import type { Capture } from '../system/capture/client.js';
import { joinCaptures } from '../system/capture/join.js';
import { rawFile } from '../system/evidence/folder/folder.js';
import { accountsOfPorts, type InsideReader, readLinkedDevices } from '../system/state/read-linked-devices.js';
import {
  allStarted,
  engineOf,
  logLastClock,
  keptOf,
  ringSizeOf,
  snaplenOf,
  startAt,
  groupByPlace,
  type PlaceGroup,
} from './capture-step.js';
import { logFault, remoteOf, type RunContext } from './context.js';

/** Above the number of any observer's raw capture. */
const firstFile = 901;

/** A namespace with bridges of a step, and devices around it. */
export interface SegmentDevices {
  /** null = this host. */
  readonly host: string | null;
  readonly home: string | null;
  readonly devices: readonly LinkedDevice[];
  readonly observers: readonly Observer[];
}

/**
 * Reads devices around a step's bridges. An unreadable namespace costs a *holds*. Rejects with VerifyError if a host is
 * lost.
 */
export async function readSegmentDevices(context: RunContext, step: StepPlan): Promise<readonly SegmentDevices[]> {
  const { fabric } = context;
  const around = step.observers.filter(({ by }) => by === undefined);
  const places = groupByPlace(around, ({ interface: device }) => fabric.observingPlace(device));
  return Promise.all(
    places.map(async ({ host, netns, items }): Promise<SegmentDevices> => {
      const { devices, unread = [] } =
        host === null ? readLinkedDevices(netns) : await remoteOf(context, host).ask({ ask: 'around', netns });
      for (const why of unread)
        logFault(
          context,
          step,
          'state-unread',
          `observers of the bridges in another namespace are not known: ${host === null ? '' : `${host}: `}${why}`,
        );
      return { host, home: netns, devices, observers: items };
    }),
  );
}

/** Held by a descriptor. */
function labEndOf({ plan, fabric }: RunContext): (observer: string) => Place | undefined {
  const isOwnGuest = new Set(
    plan.endpoints.flatMap(({ name, attach, tunnel }) => (isOnPort(attach) && tunnel === undefined ? [name] : [])),
  );
  return (observer) => (isOwnGuest.has(observer) ? fabric.sendingPlace(observer) : undefined);
}

/**
 * Counts frames that leave by ports beside their observers or enter behind them. Call it before the capture is sealed.
 * Gives the reader for this host's ports. Rejects as remote captures do.
 */
export async function startAccounts(
  context: RunContext,
  step: StepPlan,
  segments: readonly SegmentDevices[],
  capture: Capture,
): Promise<InsideReader> {
  const pooled = engineOf(context, step) === 'ring';
  // the lab's own ends, which are held by descriptors, do not poll (system/fabric/lab/endpoints.ts)
  const ofProvider =
    context.plan.provider === 'lab' ? { lostEndPolls: false, endOf: labEndOf(context) } : { lostEndPolls: true };
  const portsOf = ({ observers }: SegmentDevices): Parameters<Capture['countThere']>[0] =>
    observers.flatMap(({ name, bridge, interface: port, place }) =>
      place === 'port' ? [{ observer: name, bridge, port, device: context.fabric.observingPlace(port).device }] : [],
    );
  const isHere = ({ host }: SegmentDevices): boolean => host === null;
  const here = segments.filter(isHere).map((segment) => {
    const { home, devices } = segment;
    const ofPorts = accountsOfPorts({ home, devices, pooled, ...ofProvider }, portsOf(segment));
    capture.count(ofPorts.counted);
    return ofPorts;
  });
  const there = segments.filter((segment) => !isHere(segment)).flatMap(portsOf);
  const accounts = Object.assign(
    {},
    ...here.map((ofPorts) => ofPorts.accounts),
    await capture.countThere(there, pooled),
  );
  if (Object.keys(accounts).length > 0) context.timeline.log(step.index, { event: 'accounts', accounts });
  return () => Object.assign({}, ...here.map(({ readInside }) => readInside()));
}

/** The capture of a step that reads also the accounts behind its ports. */
export function withInside(capture: Capture, read: InsideReader): Capture {
  return { ...capture, accounts: () => ({ ...capture.accounts(), ...read() }) };
}

interface PlacedEar extends Ear {
  readonly host: string | null;
  readonly netns: string | null;
}

/** Devices have their kernel's names. `prefix`: their host across hosts. */
interface StepThere {
  readonly prefix: string | null;
  readonly local: StepPlan;
}

function stepIn(step: StepPlan, { observers }: SegmentDevices): StepThere {
  const [first] = observers;
  const prefix = first === undefined ? null : hostOf(first.bridge);
  const isOfPlace = (observer: Observer): boolean =>
    observers.includes(observer) || (observer.by !== undefined && hostOf(observer.bridge) === prefix);
  const local = step.observers
    .filter(isOfPlace)
    .map((observer) => ({ ...observer, bridge: bareName(observer.bridge), interface: bareName(observer.interface) }));
  return { prefix, local: { ...step, observers: local } };
}

/**
 * Looks again after the last probe. A receiver without an observer costs a *holds*, even if it came before the first
 * probe. Rejects as `readSegmentDevices` does.
 */
export async function lookForUnheard(
  context: RunContext,
  step: StepPlan,
  segments: readonly SegmentDevices[],
): Promise<readonly SegmentDevices[]> {
  const found = await readSegmentDevices(context, step);
  for (const now of found) {
    const began = segments.find(({ host, home }) => host === now.host && home === now.home);
    const { prefix, local } = stepIn(step, now);
    for (const text of unheardDevices(local, began?.devices ?? [], now.devices, (name) => onHost(prefix, name)))
      logFault(context, step, 'settings-changed', text);
  }
  return found;
}

/** Programs that a step's observers meet in other namespaces. */
export function stateAtEars(step: StepPlan, segments: readonly SegmentDevices[]): Pick<HostState, 'earPrograms'> {
  const earPrograms = segments.flatMap((segment) => {
    const { prefix, local } = stepIn(step, segment);
    return programsAtEars(local, segment.devices, (name) => onHost(prefix, name));
  });
  return earPrograms.length === 0 ? {} : { earPrograms };
}

/** Devices have their kernel's names, observers those across hosts. */
function earsIn(step: StepPlan, segment: SegmentDevices): readonly PlacedEar[] {
  const { host, home, devices } = segment;
  const { prefix, local } = stepIn(step, segment);
  return earsAbove(local, devices).map(({ observer, ...ear }) => {
    const name = onHost(prefix, observer.name);
    const named = { ...observer, name, interface: name, bridge: onHost(prefix, observer.bridge) };
    return { ...ear, observer: named, host, netns: ear.space ?? home };
  });
}

function withinReach(
  context: RunContext,
  step: StepPlan,
  ears: readonly PlacedEar[],
): readonly PlaceGroup<PlacedEar>[] {
  const places = groupByPlace(ears, ({ host, netns }) => ({ netns, ...(host === null ? {} : { host }) }));
  const beyond = places.slice(maxSpaces).flatMap(({ items }) => items);
  if (beyond.length > 0)
    logFault(
      context,
      step,
      'coverage-partial',
      `not observed, for they are in more than ${maxSpaces} network namespaces: ${beyond.map(({ observer }) => observer.name).join(', ')}`,
    );
  return places.slice(0, maxSpaces);
}

function requestOf(
  context: RunContext,
  step: StepPlan,
  { observer, device }: Ear,
): Parameters<Capture['open']>[0][number] {
  return {
    observer: observer.name,
    device,
    watch: 'port',
    engine: 'libpcap', // cap knows no directions, and what is towards somebody here comes in
    macs: observer.macs,
    filter: step.filter,
    snaplen: snaplenOf(context, step),
    buffer: ringSizeOf(context),
    description: describeObserver(observer, step.index, step.name),
  };
}

/**
 * Listens beside the ports while the step runs. null = no receiver there. Rejects with VerifyError as `listen` does.
 */
export async function startEars(
  context: RunContext,
  step: StepPlan,
  segments: readonly SegmentDevices[],
): Promise<Capture | null> {
  const places = withinReach(
    context,
    step,
    segments.flatMap((segment) => earsIn(step, segment)),
  );
  if (places.length === 0) return null;
  const ears = places.flatMap(({ items }) => items);
  const parts = await allStarted(
    places.map(async ({ host, netns, items }, at) => {
      const options = {
        netns,
        file: join(context.dir, rawFile(step.index, firstFile + at)),
        runTag: context.plan.runTag,
        ...keptOf(context, step),
      } as const;
      const capture = await startAt(context, step, host, options);
      return { host, file: basename(options.file), capture, observers: new Set(items.map((ear) => ear.observer.name)) };
    }),
  );
  const capture = joinCaptures(parts);
  capture.onFault((fault) => context.timeline.log(step.index, { event: 'fault', fault }));
  try {
    const listening = await capture.open(ears.map((ear) => requestOf(context, step, ear)));
    for (const { observer } of ears) context.timeline.log(step.index, { event: 'ear', observer });
    for (const { observer, facts, version } of listening)
      context.timeline.log(step.index, { event: 'listening', observer, facts, version });
    context.timeline.log(step.index, { event: 'sealed', ...(await capture.seal()) });
  } catch (error) {
    capture.kill();
    throw error;
  }
  return {
    ...capture,
    async stop() {
      for (const { host, file } of parts) if (host !== null) await logLastClock(context, step, host, file);
      return towardsAbove(await capture.stop());
    },
  };
}

function towardsAbove(captured: Awaited<ReturnType<Capture['stop']>>): Awaited<ReturnType<Capture['stop']>> {
  return { ...captured, kept: captured.kept.map((frame) => ({ ...frame, towards: !frame.towards })) };
}

/** Both captures as one. All of `ears` are open. */
export function withEars(capture: Capture, ears: Capture | null): Capture {
  return ears === null
    ? capture
    : joinCaptures([
        { capture, observers: new Set() },
        { capture: ears, observers: new Set() },
      ]);
}
