import type { StepPlan } from '../core/model/plan.js';
import type { HostState, StepStates } from '../core/model/state.js';
import type { TimelineEvent } from '../core/model/timeline.js';
import { VerifyError } from '../core/model/verify-error.js';
import { stateFile, writeJson } from '../system/evidence/folder/folder.js';
import type { RunContext } from './context.js';
import type { ReadAround } from './events.js';
import type { KernelWatch } from './watch-kernel.js';

/**
 * The readings of the state of one step, and what was heard changing between them. Each rejects with VerifyError where
 * the state cannot be read.
 */
export interface StateReader {
  before(): Promise<void>;
  after(): Promise<void>;
  readonly around: ReadAround;
}

/** Reads a step's states into its folder and the timeline. */
export function stateReader(context: RunContext, step: StepPlan, watch: KernelWatch): StateReader {
  const read = async (
    when: 'before' | 'after' | number,
    keep: (states: StepStates, state: HostState) => StepStates,
    event: TimelineEvent,
  ): Promise<void> => {
    const state = await context.fabric.readState();
    context.states[step.index] = keep(context.states[step.index] ?? { before: null, after: null }, state);
    await writeJson(context.dir, stateFile(step.index, when), state).catch((error: unknown) => {
      // Disk full: what can still be seen is seen, and a leak is still reported.
      if (!(error instanceof VerifyError)) throw error;
      context.timeline.log(step.index, {
        event: 'fault',
        fault: { code: 'file-failed', observers: [], text: error.message },
      });
    });
    context.timeline.log(step.index, event);
  };
  const heard = (meanwhile: { readonly meanwhile?: true }): void => {
    const rules = watch.rules.take();
    if (rules.length > 0) context.timeline.log(step.index, { event: 'rules-changed', changes: rules, ...meanwhile });
    const settings = watch.settings.take();
    if (settings.length > 0)
      context.timeline.log(step.index, { event: 'settings-changed', changes: settings, ...meanwhile });
  };
  let reading = 0;
  const readDuring = async (): Promise<void> => {
    reading += 1;
    await read(reading, (states, state) => ({ ...states, during: [...(states.during ?? []), state] }), {
      event: 'state-read',
      when: 'during',
      reading,
    });
  };
  return {
    before: () => read('before', (states, before) => ({ ...states, before }), { event: 'state-read', when: 'before' }),
    after: async () => {
      await read('after', (states, after) => ({ ...states, after }), { event: 'state-read', when: 'after' });
      heard({});
    },
    // What is heard while the state is read is no event's: it may be in the reading or not.
    around: async (when) => {
      if (when === 'after') heard({ meanwhile: true });
      await readDuring();
      if (when === 'before') heard({});
    },
  };
}
