import { type RunContext, stopReason } from './context.js';
import { runStep } from './step.js';

/** Carries out the steps in order on the same topology. After an interruption the rest is written down as not run. */
export async function runSteps(context: RunContext): Promise<void> {
  for (const step of context.plan.steps) {
    if (context.signal.aborted) {
      const { code, message } = stopReason(context.signal);
      context.timeline.log(step.index, { event: 'fault', fault: { code, observers: [], text: message } });
      context.timeline.log(step.index, { event: 'step-ended', outcome: 'not-run' });
    } else {
      await runStep(context, step);
    }
  }
}
