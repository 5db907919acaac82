import type { StepPlan } from '../model/plan.js';

/** Endpoints as which a step sends anything. */
export function sendersOf(step: StepPlan): readonly string[] {
  const controls = step.controls.flatMap((control) => control.sender ?? []);
  const announcing = step.learn.filter((name) => step.present.includes(name));
  return [...new Set([...step.flows.map((flow) => flow.sender), ...controls, ...announcing])];
}
