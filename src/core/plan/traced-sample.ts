import type { Flow, StepPlan } from '../model/plan.js';
import { classes } from '../probe/classes.js';
import { framesByKind, framesOfStep } from './flows/shortcuts.js';

/** One in this many probes of each flow, and no more than these. */
const [share, most] = [10, 100];
/** Guests that flood lose a seventh while the kernel's trace is attached: over this many ms that does not matter. */
const briefMs = 2000;

/** Frames of a flow that a step which is traced by a sample sends first, in a window of their own. */
export function sampledFrames({ count }: Pick<Flow, 'count'>): number {
  return Math.min(Math.ceil(count / share), most);
}

/**
 * True if a sample of a step's probes may be sent before all others: the step takes long, the sample is a small part
 * of it, no event happens meanwhile, and no probe is an attack, which may change where those after it go. `rate`:
 * frames a second.
 */
export function maySample(step: Pick<StepPlan, 'flows' | 'during'>, rate: number): boolean {
  const frames = framesOfStep(step);
  if ((frames * 1000) / rate <= briefMs || step.during.length > 0) return false;
  const isPlain = framesByKind(step.flows).every(({ first: { class: probed, purpose } }) => {
    const { attack, provokes } = classes[probed];
    return purpose === undefined && attack === undefined && provokes === undefined && probed !== 'frame';
  });
  return isPlain && step.flows.reduce((sum, flow) => sum + sampledFrames(flow), 0) * (share / 2) <= frames;
}
