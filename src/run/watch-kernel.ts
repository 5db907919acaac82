import { hostOf } from '../core/model/host-names.js';
import type { StepPlan } from '../core/model/plan.js';
import { type RuleWatch, watchRuleChanges } from '../system/state/changes/rule-changes.js';
import { type SettingChangeWatch, watchSettingChanges } from '../system/state/changes/setting-changes.js';
import type { RunContext } from './context.js';

/** What the kernel is asked to report between two readings of the state. */
export interface KernelWatch {
  readonly rules: Pick<RuleWatch, 'take'>;
  readonly settings: Pick<SettingChangeWatch, 'take'>;
  close(): void;
}

/**
 * Hears who changes rules, and which settings change, wherever on this machine a step has observers: in a lab of
 * several hosts each is a network namespace. What changes on another host of the run shows by its state, without a
 * name.
 */
export function watchKernel({ fabric }: RunContext, step: StepPlan): KernelWatch {
  const hosts = new Map(
    step.observers.flatMap(({ interface: device }) => {
      const { host, netns } = fabric.observingPlace(device);
      return host === undefined ? [[netns, hostOf(device)] as const] : [];
    }),
  );
  const rules = [...hosts.keys()].map(watchRuleChanges);
  const settings = [...hosts].map(([netns, host]) => ({ host, watch: watchSettingChanges(netns) }));
  return {
    rules: { take: () => rules.flatMap((watch) => watch.take()) },
    settings: {
      take: () =>
        settings.flatMap(({ host, watch }) =>
          watch.take().map((change) => (host === null ? change : { ...change, host })),
        ),
    },
    close: () => [...rules, ...settings.map(({ watch }) => watch)].forEach((watch) => watch.close()),
  };
}
