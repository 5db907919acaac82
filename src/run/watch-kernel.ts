import type { StepPlan } from '../model/plan.js';
import { type RuleWatch, watchRuleChanges } from '../state/rule-changes.js';
import { type SettingWatch, watchSettings } from '../state/setting-changes.js';
import type { RunContext } from './context.js';

/** What the kernel is asked to tell between two readings of the state. */
export interface KernelWatch {
  readonly rules: RuleWatch;
  /** null = the step's bridges are in several namespaces, in which interfaces have the same numbers. */
  readonly settings: SettingWatch | null;
  close(): void;
}

/** Hears who changes rules, and which settings change, wherever on this machine a step has observers. What changes on another host of the run shows by its state, without a name. */
export function watchKernel(context: RunContext, step: StepPlan): KernelWatch {
  const places = step.observers.map((observer) => context.fabric.observingPlace(observer.interface));
  const spaces = [...new Set(places.flatMap(({ host, netns }) => (host === undefined ? [netns] : [])))];
  const [first] = spaces;
  const watches = spaces.map(watchRuleChanges);
  const rules: RuleWatch = { take: () => watches.flatMap((watch) => watch.take()), close: () => watches.forEach((watch) => watch.close()) };
  const settings = first === undefined || new Set(places.map(({ host, netns }) => `${host ?? ''} ${netns ?? ''}`)).size > 1 ? null : watchSettings(first);
  return {
    rules, settings,
    close() {
      rules.close();
      settings?.close();
    },
  };
}
