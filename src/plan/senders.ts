import type { StepPlan } from '../core/model/plan.js';
import { kindsOfFlows } from './kinds-of-flows.js';

/** Endpoints as which a step sends anything. */
export function sendersOf(step: StepPlan): readonly string[] {
  const controls = step.controls.flatMap((control) => control.sender ?? []);
  const announcing = step.learn.filter((name) => step.present.includes(name));
  const senders = new Set<string>();
  for (const { sender } of kindsOfFlows(step.flows)) senders.add(sender);
  return [...new Set([...senders, ...controls, ...announcing])];
}
