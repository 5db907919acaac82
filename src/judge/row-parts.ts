import type { StepTally } from '../core/judge/count/tally.js';
import type { StepFacts } from '../core/judge/proof/step-facts.js';
import type { Plan, StepPlan } from '../core/model/plan.js';
import type { Finding, FirstSighting } from '../core/model/result.js';
import type { Accepted } from '../core/model/scenario.js';
import type { First } from './first.js';
import type { StepStates } from './step-states.js';
import { timeText } from './time-text.js';

const evidenceFile = 'evidence.pcapng';
const timelineFile = 'timeline.ndjson';

/** What the rows of a step are made of. */
export interface RowInput {
  readonly plan: Plan;
  readonly step: StepPlan;
  readonly facts: StepFacts;
  readonly tally: StepTally;
  readonly states: StepStates;
  /** Day of the run, `YYYY-MM-DD`: accepted leaks end. */
  readonly day: string;
}

/** Where a row's frames were first seen; null where they were not, or only counted. */
export function firstSightingOf(first: First | undefined): FirstSighting | null {
  // A frame that was counted and not kept has no number.
  return first === undefined || first.frame === 0
    ? null
    : { file: first.frame < 0 ? timelineFile : evidenceFile, frame: Math.abs(first.frame), at: timeText(first.timeNs) };
}

/** Who answers for a leak that the scenario accepts on that day. */
export function acceptedOf(
  accept: readonly Accepted[],
  observer: string,
  probeClass: string,
  day: string,
): Pick<Finding, 'accepted'> {
  const found = accept.find(
    (one) => one.observer === observer && one.class === probeClass && (one.until === null || day <= one.until),
  );
  return found === undefined
    ? {}
    : { accepted: { reason: found.reason, owner: found.owner, ticket: found.ticket, until: found.until } };
}

/** Whether an observer must, may or must not see what the two lists are about. */
export function allowanceOf(name: string, must: readonly string[], may: readonly string[]): Finding['allowed'] {
  return must.includes(name) ? 'must' : may.includes(name) ? 'may' : 'no';
}

/** How the observer's engine knew which way a frame went. */
export function directionOf(facts: StepFacts, observer: string): Finding['direction'] {
  return facts.listening.get(observer)?.direction ?? 'known';
}
