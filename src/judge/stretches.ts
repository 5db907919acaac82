import type { StepFacts } from '../core/judge/proof/step-facts.js';
import { reason } from '../core/judge/reasons.js';
import type { StepPlan } from '../core/model/plan.js';
import type { Reason } from '../core/model/result.js';
import type { HostState } from '../model/state.js';
import { eventReach, type StatePart } from './event-reach.js';
import type { StepStates } from './step-states.js';

/** Two readings of the state of a step, one after the other; null = it was not read. */
export interface Stretch {
  readonly from: HostState | null;
  readonly to: HostState | null;
  /** What an event that was at work meanwhile can have changed. */
  readonly excused: ReadonlySet<StatePart>;
  /** Where it lies among the events, for people; '' where there are none before it. */
  readonly where: string;
}

const nothing: ReadonlySet<StatePart> = new Set();
const named = (events: readonly number[]): string => `event ${events.map((index) => index + 1).join(', ')}`;

/** The time between two readings without events. */
export function wholeStretch({ before, after }: StepStates): Stretch {
  return { from: before, to: after, excused: nothing, where: '' };
}

/**
 * Whether the run read the state around the events of the step. Runs of earlier versions did not; what changed
 * meanwhile is then the events'.
 */
export function readAroundEvents(step: StepPlan): boolean {
  return step.during.every(({ settleMs }) => settleMs !== undefined);
}

/** The time from the first reading of a step to its last, cut at the readings around its events. */
export function stretchesOf(
  step: StepPlan,
  { eventReadings }: Pick<StepFacts, 'eventReadings'>,
  { before, after, during = [] }: StepStates,
): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let from = before;
  let where = '';
  for (const { reading, events } of eventReadings) {
    const to = during[reading - 1] ?? null;
    const busy = events.length > 0;
    stretches.push({
      from,
      to,
      excused: busy ? eventReach(step, events) : nothing,
      where: busy ? `, while ${named(events)} was at work, which does not change that` : where,
    });
    if (busy) where = `, when ${named(events)} was over; if its work goes on after its commands, give it \`settle\``;
    from = to;
  }
  return [...stretches, { from, to: after, excused: nothing, where }];
}

/**
 * Readings around events that are not as a run makes them: each has its number, and one comes before an event and one
 * after it.
 */
export function unreadAround(
  { eventReadings, eventsSinceReading }: Pick<StepFacts, 'eventReadings' | 'eventsSinceReading'>,
  { during = [] }: StepStates,
): readonly Reason[] {
  const [first] = eventReadings;
  return [
    ...eventReadings.flatMap(({ reading }, at) =>
      reading === at + 1 && (during[at] ?? null) !== null
        ? []
        : [reason('state-unread', null, `reading ${at + 1} around the events is not there`)],
    ),
    ...(first !== undefined && first.events.length > 0
      ? [reason('state-unread', null, `the state before ${named(first.events)} was not read`)]
      : []),
    ...(eventsSinceReading.length > 0
      ? [reason('state-unread', null, `the state after ${named(eventsSinceReading)} was not read`)]
      : []),
  ];
}
