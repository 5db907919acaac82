import { freePrograms } from '../core/scenario/steps/read-run.js';
import type { StepPlan } from '../core/model/plan.js';
import type { RuleChange } from '../core/model/timeline.js';

/** Parts of a state that the judge compares. */
export const stateParts = ['links', 'vlan', 'sysctl', 'tc', 'nft', 'ovs'] as const;
export type StatePart = (typeof stateParts)[number];

/**
 * What a program can change by itself, where that is less than everything: `ip` deletes links, and with them whatever
 * names them.
 */
const reach: Readonly<Record<string, readonly StatePart[]>> = {
  nft: ['nft'],
  tc: ['tc'],
  sysctl: ['sysctl'],
  bridge: ['links', 'vlan'],
  ethtool: ['links'],
  'ovs-ofctl': ['ovs'],
};

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/**
 * What the events of a step, by their index in `during`, can have changed. Programs that others work for (a service
 * manager) can change everything.
 */
export function eventReach(step: StepPlan, events: readonly number[]): ReadonlySet<StatePart> {
  const programs = events.flatMap((index) => step.during[index]?.run ?? []).map(([program = '']) => baseName(program));
  return new Set(programs.flatMap((program) => reach[program] ?? stateParts));
}

/**
 * Whether rules that were changed while an event was at work were changed by somebody else: by a program of a name that
 * no event runs, where all events run programs that do their work themselves. What the kernel does not name is taken
 * for the event's.
 */
export function isStranger(step: StepPlan, { program }: RuleChange): boolean {
  if (program === null) return false;
  const own = step.during.flatMap(({ run }) => run).map(([name = '']) => baseName(name));
  return own.every((name) => freePrograms.includes(name)) && !own.includes(program);
}
