import { type RunContext } from './context.js';
import { runStep } from './step.js';

/** Carries out the steps in order on the same topology. After an interruption the rest is written down as not run. */
export async function runSteps(context: RunContext): Promise<void> {
  for (const step of context.plan.steps) {
    if (context.signal.aborted) {
      context.timeline.log(step.index, { event: 'fault', fault: { code: 'interrupted', observers: [], text: 'the run was interrupted' } });
      context.timeline.log(step.index, { event: 'step-ended', outcome: 'not-run' });
    } else {
      await runStep(context, step);
    }
  }
}
