import type { StepPlan } from '../core/model/plan.js';

/** Frames of all flows of a step: their tokens number through. */
export function framesOfStep({ flows }: Pick<StepPlan, 'flows'>): number {
  const [first, last] = [flows.at(0), flows.at(flows.length - 1)];
  return first === undefined || last === undefined ? 0 : last.first + last.count - first.first;
}
