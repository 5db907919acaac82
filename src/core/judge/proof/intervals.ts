import type { StepPlan } from '../../model/plan.js';
import type { HostState, StepStates } from '../../model/state.js';
import {
  isSwitchChange,
  isOfRouting,
  lostEvents,
  type RuleChange,
  type SettingChange,
  vlanList,
} from '../../model/timeline.js';
import { freePrograms } from '../../scenario/free-commands.js';
import { reason, type Reason } from '../../model/reasons.js';
import type { StepFacts } from './step-facts.js';

/** Two successive snapshots of a step's state; null = unread. */
export interface Interval {
  readonly from: HostState | null;
  readonly to: HostState | null;
  readonly excused: ReadonlySet<StatePart>;
  /** Place among the events, for users. '' without earlier ones. */
  readonly where: string;
}

/** An interval with both ends read. */
export interface ReadInterval extends Interval {
  readonly from: HostState;
  readonly to: HostState;
}

const nothing: ReadonlySet<StatePart> = new Set();
const named = (events: readonly number[]): string => `event ${events.map((index) => index + 1).join(', ')}`;

/** The time between two snapshots without events. */
export function wholeInterval({ before, after }: StepStates): Interval {
  return { from: before, to: after, excused: nothing, where: '' };
}

/** The step's time, cut at the snapshots around events. */
export function intervalsOf(
  step: StepPlan,
  { eventSnapshots }: Pick<StepFacts, 'eventSnapshots'>,
  { before, after, during = [] }: StepStates,
): readonly Interval[] {
  const intervals: Interval[] = [];
  let from = before;
  let where = '';
  for (const { snapshot, events } of eventSnapshots) {
    const to = during[snapshot - 1] ?? null;
    const busy = events.length > 0;
    intervals.push({
      from,
      to,
      excused: busy ? eventReach(step, events) : nothing,
      where: busy ? `, while ${named(events)} was at work, which does not change that` : where,
    });
    if (busy) where = `, when ${named(events)} was over; if its work goes on after its commands, give it \`settle\``;
    from = to;
  }
  return [...intervals, { from, to: after, excused: nothing, where }];
}

/** Snapshots, numbered one before and one after each event. */
export function unreadAround(
  { eventSnapshots, eventsSinceSnapshot }: Pick<StepFacts, 'eventSnapshots' | 'eventsSinceSnapshot'>,
  { during = [] }: StepStates,
): readonly Reason[] {
  const [first] = eventSnapshots;
  return [
    ...eventSnapshots.flatMap(({ snapshot }, at) =>
      snapshot === at + 1 && (during[at] ?? null) !== null
        ? []
        : [reason('state-unread', null, `reading ${at + 1} around the events is not there`)],
    ),
    ...(first !== undefined && first.events.length > 0
      ? [reason('state-unread', null, `the state before ${named(first.events)} was not read`)]
      : []),
    ...(eventsSinceSnapshot.length > 0
      ? [reason('state-unread', null, `the state after ${named(eventsSinceSnapshot)} was not read`)]
      : []),
  ];
}

const stateParts = ['links', 'vlan', 'sysctl', 'tc', 'nft', 'ovs', 'routing'] as const;
export type StatePart = (typeof stateParts)[number];

/** `ip` deletes links, with all that names them. */
const reach: Readonly<Record<string, readonly StatePart[]>> = {
  nft: ['nft'],
  tc: ['tc'],
  sysctl: ['sysctl'],
  bridge: ['links', 'vlan'],
  ethtool: ['links'],
  'ovs-ofctl': ['ovs'],
};

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Programs with helpers (a service manager) can change everything. */
function eventReach(step: StepPlan, events: readonly number[]): ReadonlySet<StatePart> {
  return commandReach(events.flatMap((index) => step.during[index]?.run ?? []));
}

/** Parts that an author's commands can change. */
export function commandReach(commands: readonly (readonly string[])[]): ReadonlySet<StatePart> {
  return new Set(commands.flatMap(([program = '']) => reach[baseName(program)] ?? stateParts));
}

function partOf({ ifindex, what }: SettingChange): StatePart | null {
  if (what === lostEvents) return null;
  if (isOfRouting(what)) return 'routing';
  if (isSwitchChange(what)) return 'ovs';
  if (ifindex === null) return 'sysctl';
  return what === vlanList ? 'vlan' : 'links';
}

/** Settings heard to change outside running events' reach. */
export function settingsBeyondEvents(
  step: StepPlan,
  { settingChanges, settingChangesMeanwhile }: Pick<StepFacts, 'settingChanges' | 'settingChangesMeanwhile'>,
): readonly SettingChange[] {
  const beyond = settingChangesMeanwhile.flatMap(({ changes, events }) => {
    const excused = eventReach(step, events);
    return changes.filter((change) => {
      const part = partOf(change);
      return part === null || !excused.has(part);
    });
  });
  return [...settingChanges, ...beyond];
}

/**
 * True if another program than any event's changed rules during events that all do their own work. Unnamed changes
 * count as the event's.
 */
export function isStranger(step: StepPlan, { program, host }: RuleChange): boolean {
  if (host !== undefined) return true; // events run on the orchestrator's own host
  if (program === null) return false;
  const eventPrograms = step.during.flatMap(({ run }) => run).map(([name = '']) => baseName(name));
  return eventPrograms.every((name) => freePrograms.includes(name)) && !eventPrograms.includes(program);
}
