import { join } from 'node:path';
import type { StepPlan } from '../core/model/plan.js';
import { isOnPort } from '../core/model/attach.js';
import type { Place } from '../core/model/fabric.js';
import type { LinkedDevice } from '../core/model/state.js';
import type { AccountWindow } from '../core/model/timeline.js';
import { insideAccounts } from '../core/plan/accounts.js';
import { restOf, restReadings, withReading } from '../core/protocol/account-window.js';
import { describeObserver } from '../core/plan/evidence-interfaces.js';
import { type Ear, earsAbove } from '../core/plan/ears.js';
import { type Capture, startCapture } from '../system/capture/client.js';
import { joinCaptures } from '../system/capture/join.js';
import { rawFile } from '../system/evidence/folder/folder.js';
import { type Passed, readPassed } from '../system/state/read-devices.js';
import { accountsAt, accountsOfPorts, readLinkedDevices } from '../system/state/read-linked-devices.js';
import { engineOf, onlyOwn, ringSizeOf, snaplenOf } from './capture-step.js';
import type { RunContext } from './context.js';
import { groupByPlace } from './place-groups.js';

/** Raw captures of ears are numbered from here: what a step has observers in is less. */
const firstFile = 901;
/** Each namespace with an ear has a helper of its own, of some 50 MB. */
const maxSpaces = 16;

/** The namespace of the step's bridges on this host; undefined = they are on several, or on another one. */
function homeOf({ fabric }: RunContext, step: StepPlan): string | null | undefined {
  const around = step.observers.filter(({ by }) => by === undefined);
  const places = groupByPlace(around, ({ interface: device }) => fabric.observingPlace(device));
  const [only] = places;
  return places.length === 1 && only?.host === null ? only.netns : undefined;
}

/** The devices around a step's bridges, and the namespace that these are in. */
export interface SegmentDevices {
  readonly home: string | null;
  readonly devices: readonly LinkedDevice[];
}

/** What is around a step's bridges now; null = they are in several namespaces, or on another host. */
export function readSegmentDevices(context: RunContext, step: StepPlan): SegmentDevices | null {
  const home = homeOf(context, step);
  return home === undefined ? null : { home, devices: readLinkedDevices(home) };
}

/** Reads accounts that no capture can read, as often as it takes to see whether the ports are at rest. */
export type InsideReader = () => Readonly<Record<string, AccountWindow>>;

/** Readings of ports that do not come to rest. */
const maxInsideReadings = 25;

/** The other end of each veth port that can be read, by port: in the lab the endpoint's own. */
function endsOf(context: RunContext, step: StepPlan, { devices }: SegmentDevices): ReadonlyMap<string, Place> {
  const { plan, fabric } = context;
  const here = new Map(devices.flatMap((device) => (device.space === null ? [[device.name, device] as const] : [])));
  const isOwnGuest = new Set(
    plan.endpoints.flatMap(({ name, attach, tunnel }) => (isOnPort(attach) && tunnel === undefined ? [name] : [])),
  );
  return new Map(
    step.observers.flatMap(({ name, interface: port, place }): readonly (readonly [string, Place])[] => {
      const link = place === 'port' ? here.get(port) : undefined;
      if (link?.kind !== 'veth') return [];
      if (plan.provider === 'lab') return isOwnGuest.has(name) ? [[port, fabric.sendingPlace(name)]] : [];
      const end = devices.find(({ kind, space, lower }) => kind === 'veth' && space !== null && lower === link.ifindex);
      return end === undefined ? [] : [[port, { device: end.name, netns: end.space }]];
    }),
  );
}

/** What passed one device; null = it cannot be read now. */
function passedAt({ device, netns }: Place): Passed | null {
  try {
    return readPassed(netns).get(device) ?? null;
  } catch {
    return null; // its namespace ended
  }
}

function insideReader(ends: ReadonlyMap<string, Place>, home: string | null): InsideReader {
  return () => {
    const windows = new Map<string, AccountWindow>();
    const broken = new Set<string>();
    const isEachAtRest = (): boolean => [...windows.values()].every((window) => restOf(window) >= restReadings);
    for (let reading = 0; reading < maxInsideReadings && (reading === 0 || !isEachAtRest()); reading += 1) {
      const first = new Map([...ends].map(([port, end]) => [port, passedAt(end)]));
      const left = readPassed(home);
      for (const [port, end] of ends) {
        const [before, sent, after] = [first.get(port)?.received, left.get(port)?.sent, passedAt(end)?.received];
        if (before === undefined || sent === undefined || after === undefined) broken.add(port);
        else
          windows.set(
            port,
            withReading(windows.get(port) ?? null, {
              before: { sent: before, dropped: 0 },
              heard: sent,
              after: { sent: after, dropped: 0 },
            }),
          );
      }
    }
    return Object.fromEntries(
      [...windows].flatMap(([port, window]) => (broken.has(port) ? [] : [[`${port} inside`, window]])),
    );
  };
}

/** Of a step whose bridges are in several places: each counts at its own ports, other hosts there. */
async function startAccountsApart(
  { fabric, timeline }: RunContext,
  step: StepPlan,
  capture: Capture,
  pooled: boolean,
): Promise<void> {
  const ports = step.observers.flatMap(({ name, bridge, interface: port, place, by }) =>
    place === 'port' && by === undefined
      ? [{ observer: name, bridge, port, device: fabric.observingPlace(port).device }]
      : [],
  );
  const here = groupByPlace(ports, ({ port }) => fabric.observingPlace(port)).filter(({ host }) => host === null);
  const isHere = new Set(here.flatMap(({ items }) => items));
  const ofHere = here.map(({ netns, items }) => {
    const { accounts, counted } = accountsOfPorts(netns, items, pooled);
    capture.count(counted);
    return accounts;
  });
  const accounts = Object.assign(
    {},
    ...ofHere,
    await capture.countThere(
      ports.filter((port) => !isHere.has(port)),
      pooled,
    ),
  );
  if (Object.keys(accounts).length > 0) timeline.log(step.index, { event: 'accounts', accounts });
}

/**
 * Begins to count what leaves by the ports of a step beside their ears, before the capture is sealed. Gives what reads
 * the accounts behind the ports, where the bridges are in one place on this host. Rejects as a capture on another host
 * does.
 */
export async function startAccounts(
  context: RunContext,
  step: StepPlan,
  around: SegmentDevices | null,
  capture: Capture,
): Promise<InsideReader> {
  const pooled = engineOf(context, step) === 'ring';
  if (around === null) {
    await startAccountsApart(context, step, capture, pooled);
    return () => ({});
  }
  // the lab's own ends, which are held by descriptors, do not poll (system/fabric/lab/endpoints.ts)
  const lostEndPolls = context.plan.provider !== 'lab';
  const accounts = accountsAt({ ...around, pooled, lostEndPolls }, step.observers);
  if (Object.keys(accounts).length === 0) return () => ({});
  const deviceOf = (port: string): string => context.fabric.observingPlace(port).device;
  capture.count(
    Object.fromEntries(
      Object.entries(accounts).map(([name, { ports, observers }]) => [
        name,
        { observers, devices: ports.map(deviceOf) },
      ]),
    ),
  );
  const ends = endsOf(context, step, around);
  const inside = insideAccounts(accounts, (port) => ends.has(port));
  context.timeline.log(step.index, { event: 'accounts', accounts: { ...accounts, ...inside } });
  const asked = new Set(Object.values(inside).flatMap(({ ports }) => ports));
  return insideReader(new Map([...ends].filter(([port]) => asked.has(port))), around.home);
}

/** The capture of a step that reads also the accounts behind its ports. */
export function withInside(capture: Capture, read: InsideReader): Capture {
  return { ...capture, accounts: () => ({ ...capture.accounts(), ...read() }) };
}

/** Ears in namespaces beyond the last that gets a helper are reported. */
function withinReach(context: RunContext, step: StepPlan, ears: readonly Ear[]): readonly Ear[] {
  const spaces = [...new Set(ears.map(({ space }) => space))];
  const beyond = new Set(spaces.slice(maxSpaces));
  const names = ears.filter(({ space }) => beyond.has(space)).map(({ observer }) => observer.name);
  if (names.length > 0)
    context.timeline.log(step.index, {
      event: 'fault',
      fault: {
        code: 'coverage-partial',
        observers: [],
        text: `not observed, for they are in more than ${maxSpaces} network namespaces: ${names.join(', ')}`,
      },
    });
  return ears.filter(({ space }) => !beyond.has(space));
}

/**
 * Listens where somebody gets frames of the step's bridges beside their ports, for as long as the step runs; null =
 * there is nobody. Rejects with VerifyError as `listen` does.
 */
export async function startEars(
  context: RunContext,
  step: StepPlan,
  around: SegmentDevices | null,
): Promise<Capture | null> {
  if (around === null) return null;
  const { home, devices } = around;
  const ears = withinReach(context, step, earsAbove(step, devices));
  if (ears.length === 0) return null;
  const requests = ears.map(({ observer, device }) => ({
    observer: observer.name,
    device,
    watch: 'port' as const,
    engine: 'libpcap' as const, // cap knows no directions, and what is towards somebody here comes in
    macs: observer.macs,
    filter: step.filter,
    snaplen: snaplenOf(context, step),
    buffer: ringSizeOf(context),
    description: describeObserver(observer, step.index, step.name),
  }));
  const places = groupByPlace(
    ears.map((ear, at) => ({ ear, request: requests[at] })),
    ({ ear }) => ({ netns: ear.space ?? home }),
  );
  const parts = await Promise.all(
    places.map(async ({ netns, items }, at) => ({
      capture: await startCapture({
        netns,
        file: join(context.dir, rawFile(step.index, firstFile + at)),
        runTag: context.plan.runTag,
        only: onlyOwn(context, step) ? 'run' : 'all',
      }),
      observers: new Set(items.map(({ ear }) => ear.observer.name)),
    })),
  );
  const capture = joinCaptures(parts);
  capture.onFault((fault) => context.timeline.log(step.index, { event: 'fault', fault }));
  try {
    const listening = await capture.open(requests);
    for (const { observer } of ears) context.timeline.log(step.index, { event: 'ear', observer });
    for (const { observer, facts, version } of listening)
      context.timeline.log(step.index, { event: 'listening', observer, facts, version });
    context.timeline.log(step.index, { event: 'sealed', ...(await capture.seal()) });
  } catch (error) {
    capture.kill();
    throw error;
  }
  return { ...capture, stop: async () => towardsAbove(await capture.stop()) };
}

/** What is towards somebody above a bridge comes in there. */
function towardsAbove(captured: Awaited<ReturnType<Capture['stop']>>): Awaited<ReturnType<Capture['stop']>> {
  return { ...captured, kept: captured.kept.map((frame) => ({ ...frame, towards: !frame.towards })) };
}

/** The capture of a step with that of its ears; all of them are open. */
export function withEars(capture: Capture, ears: Capture | null): Capture {
  return ears === null
    ? capture
    : joinCaptures([
        { capture, observers: new Set() },
        { capture: ears, observers: new Set() },
      ]);
}
