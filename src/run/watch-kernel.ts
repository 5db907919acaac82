import { hostOf } from '../core/model/host-names.js';
import type { StepPlan } from '../core/model/plan.js';
import { type RuleWatch, watchRuleChanges } from '../system/state/changes/rule-changes.js';
import { type SettingChangeWatch, watchSettingChanges } from '../system/state/changes/setting-changes.js';
import { type PacketSocketWatch, watchPacketSockets } from '../system/state/read-packet-sockets.js';
import type { RunContext } from './context.js';

/** What the kernel is asked to report between two snapshots of the state. */
export interface KernelWatch {
  readonly rules: Pick<RuleWatch, 'take'>;
  readonly settings: Pick<SettingChangeWatch, 'take'>;
  /** Of the bridges' own namespace on the orchestrator's host. */
  readonly sockets: Pick<PacketSocketWatch, 'take'>;
  /** What of that could not be heard, and why. */
  unheard(): readonly string[];
  close(): void;
}

/**
 * Hears who changes rules, and which settings change, wherever on this machine a step has observers: in a lab of
 * several hosts each is a network namespace. A guest's own namespace is left alone. What changes on another host of the
 * run shows by its state, without a name.
 */
export function watchKernel({ fabric }: RunContext, step: StepPlan): KernelWatch {
  const hosts = new Map(
    step.observers.flatMap(({ interface: device, by }) => {
      if (by?.device !== undefined) return []; // what a guest does in its own namespace is its affair
      const { host, netns } = fabric.observingPlace(device);
      return host === undefined ? [[netns, hostOf(device)] as const] : [];
    }),
  );
  const rules = [...hosts.keys()].map(watchRuleChanges);
  const isRouted = step.observers.some(({ routed }) => routed === true);
  const settings = [...hosts].map(([netns, host]) => ({ host, watch: watchSettingChanges(netns, isRouted) }));
  const sockets = [...hosts].flatMap(([netns, host]) => (host === null ? [watchPacketSockets(netns)] : []));
  const watches = [...rules, ...sockets, ...settings.map(({ watch }) => watch)];
  return {
    sockets: { take: () => sockets.flatMap((watch) => watch.take()) },
    rules: { take: () => rules.flatMap((watch) => watch.take()) },
    settings: {
      take: () =>
        settings.flatMap(({ host, watch }) =>
          watch.take().map((change) => (host === null ? change : { ...change, host })),
        ),
    },
    unheard: () => [...new Set(watches.flatMap((watch) => watch.unheard()))],
    close: () => watches.forEach((watch) => watch.close()),
  };
}
