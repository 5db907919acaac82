import type { StepPlan } from '../model/plan.js';
import { type RuleWatch, watchRuleChanges } from '../state/rule-changes.js';
import type { RunContext } from './context.js';

/** Hears who changes rules wherever on this machine a step has observers. What changes on another host of the run shows by its state, without a name. */
export function watchRules(context: RunContext, step: StepPlan): RuleWatch {
  const places = step.observers.map((observer) => context.fabric.observingPlace(observer.interface));
  const watches = [...new Set(places.flatMap(({ host, netns }) => (host === undefined ? [netns] : [])))].map(watchRuleChanges);
  return {
    take: () => watches.flatMap((watch) => watch.take()),
    close: () => watches.forEach((watch) => watch.close()),
  };
}
