import { withPassing, withPassingPrograms } from '../core/bridge/states-by-host.js';
import type { StepPlan } from '../core/model/plan.js';
import type { HostState, StepStates } from '../core/model/state.js';
import type { TimelineEvent } from '../core/model/timeline.js';
import { assertKnown } from '../core/model/verify-error.js';
import { stateFile, writeJson } from '../system/evidence/folder/folder.js';
import { logFault, type RunContext } from './context.js';
import { lookForUnheard, type SegmentDevices, stateAtEars } from './ears.js';
import type { ReadAround } from './events.js';
import type { KernelWatch } from './watch-kernel.js';

/** Snapshots of a step, and changes heard between them. Each rejects with VerifyError if the state cannot be read. */
export interface StateReader {
  before(): Promise<void>;
  after(): Promise<void>;
  readonly around: ReadAround;
}

/** Writes to the step's folder and the timeline. `segments`: from the search for ears. */
export function stateReader(
  context: RunContext,
  step: StepPlan,
  watch: KernelWatch,
  segments: readonly SegmentDevices[],
): StateReader {
  let around = segments;
  const read = async (
    when: 'before' | 'after' | number,
    keep: (states: StepStates, state: HostState) => StepStates,
    event: TimelineEvent,
    reading = context.fabric.readState(),
  ): Promise<void> => {
    const now = { ...(await reading), ...stateAtEars(step, around) };
    if (when === 'after') await watch.fetch();
    const state = when === 'after' ? watch.withPassing(await withHeard(now, watch)) : now;
    if (when === 'before') watch.begin(state.links);
    context.states[step.index] = keep(context.states[step.index] ?? { before: null, after: null }, state);
    await writeJson(context.dir, stateFile(step.index, when), state).catch((error: unknown) => {
      // Disk full: what can still be seen is seen, and a leak is still reported.
      assertKnown(error);
      logFault(context, step, 'file-failed', error.message);
    });
    context.timeline.log(step.index, event);
  };
  const logChanges = (meanwhile: { readonly meanwhile?: true }): void => logHeard(context, step, watch, meanwhile);
  let snapshot = 0;
  const readDuring = async (): Promise<void> => {
    snapshot += 1;
    await read(snapshot, (states, state) => ({ ...states, during: [...(states.during ?? []), state] }), {
      event: 'state-read',
      when: 'during',
      reading: snapshot,
    });
  };
  return {
    before: () => read('before', (states, before) => ({ ...states, before }), { event: 'state-read', when: 'before' }),
    after: async () => {
      // Begun first: which frames wait in queues has to be read before the last controls are sent.
      const reading = context.fabric.readState();
      reading.catch(() => undefined); // reported where it is awaited
      around = await lookForUnheard(context, step, segments);
      await read('after', (states, after) => ({ ...states, after }), { event: 'state-read', when: 'after' }, reading);
      logChanges({});
      logUnheard(context, step, watch);
    },
    // What is heard while the state is read is not an event's: it may be in the snapshot or not.
    around: async (when) => {
      await watch.fetch();
      if (when === 'after') logChanges({ meanwhile: true });
      await readDuring();
      if (when === 'before') logChanges({});
    },
  };
}

/** `meanwhile`: an event was at work. */
function logHeard(
  { timeline }: RunContext,
  step: StepPlan,
  watch: KernelWatch,
  meanwhile: { readonly meanwhile?: true },
): void {
  const rules = watch.rules.take();
  if (rules.length > 0) timeline.log(step.index, { event: 'rules-changed', changes: rules, ...meanwhile });
  const settings = watch.settings.take();
  if (settings.length > 0) timeline.log(step.index, { event: 'settings-changed', changes: settings, ...meanwhile });
}

/** Costs a *holds*. */
function logUnheard({ timeline }: RunContext, step: StepPlan, watch: KernelWatch): void {
  for (const text of watch.unheard())
    timeline.log(step.index, {
      event: 'fault',
      fault: { code: 'state-unread', observers: [], text: `changes that were undone meanwhile are not known: ${text}` },
    });
}

async function withHeard(state: HostState, watch: KernelWatch): Promise<HostState> {
  const behind = watch.behind.take();
  const passing = await watch.carriers.take();
  return {
    ...withPassing(state, passing),
    ...withPassingPrograms(state, passing.programs, null),
    ...(behind.length === 0 ? {} : { behind }),
  };
}
