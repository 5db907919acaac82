import { join } from 'node:path';
import type { StepPlan } from '../core/model/plan.js';
import { describeObserver } from '../core/plan/evidence-interfaces.js';
import { type Ear, earsAbove } from '../core/plan/ears.js';
import { type Capture, startCapture } from '../system/capture/client.js';
import { joinCaptures } from '../system/capture/join.js';
import { rawFile } from '../system/evidence/folder/folder.js';
import { readLinkedDevices } from '../system/state/read-linked-devices.js';
import { onlyOwn, ringSizeOf, snaplenOf } from './capture-step.js';
import type { RunContext } from './context.js';
import { groupByPlace } from './place-groups.js';

/** Raw captures of ears are numbered from here: what a step has observers in is less. */
const firstFile = 901;
/** Each namespace with an ear has a helper of its own, of some 50 MB. */
const mostSpaces = 16;

/** The namespace of the step's bridges on this host; undefined = they are on several, or on another one. */
function homeOf({ fabric }: RunContext, step: StepPlan): string | null | undefined {
  const places = groupByPlace(step.observers, ({ interface: device }) => fabric.observingPlace(device));
  const [only] = places;
  return places.length === 1 && only?.host === null ? only.netns : undefined;
}

/** Ears in namespaces beyond the last that gets a helper are told. */
function withinReach(context: RunContext, step: StepPlan, ears: readonly Ear[]): readonly Ear[] {
  const spaces = [...new Set(ears.map(({ space }) => space))];
  const beyond = new Set(spaces.slice(mostSpaces));
  const names = ears.filter(({ space }) => beyond.has(space)).map(({ observer }) => observer.name);
  if (names.length > 0)
    context.timeline.log(step.index, {
      event: 'fault',
      fault: {
        code: 'coverage-partial',
        observers: [],
        text: `not observed, for they are in more than ${mostSpaces} network namespaces: ${names.join(', ')}`,
      },
    });
  return ears.filter(({ space }) => !beyond.has(space));
}

/**
 * Listens where somebody gets frames of the step's bridges beside their ports, for as long as the step runs; null =
 * there is nobody. Rejects with VerifyError as `listen` does.
 */
export async function startEars(context: RunContext, step: StepPlan): Promise<Capture | null> {
  const home = homeOf(context, step);
  if (home === undefined) return null;
  const ears = withinReach(context, step, earsAbove(step, readLinkedDevices(home)));
  if (ears.length === 0) return null;
  const requests = ears.map(({ observer, device }) => ({
    observer: observer.name,
    device,
    watch: 'port' as const,
    engine: context.engine,
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
