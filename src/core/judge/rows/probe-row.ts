import type { Flow, Observer, Plan, StepPlan } from '../../model/plan.js';
import type { Finding, FirstSighting } from '../../model/result.js';
import { type Accepted, isInForce } from '../../model/scenario.js';
import type { StepStates } from '../../model/state.js';
import { timeText } from '../../text/time.js';
import type { First } from '../count/seen-tokens.js';
import type { StepTally } from '../count/tally.js';
import { type Parties, partyOf } from '../parties.js';
import { sentOf, type StepFacts } from '../proof/step-facts.js';
import { windowsOf } from '../proof/windows.js';

const evidenceFile = 'evidence.pcapng';
const timelineFile = 'timeline.ndjson';

/** Input for a step's rows. */
export interface RowInput {
  readonly plan: Plan;
  readonly step: StepPlan;
  readonly facts: StepFacts;
  readonly tally: StepTally;
  readonly states: StepStates;
  readonly parties: Parties;
  /** Day of the run, `YYYY-MM-DD`: acceptances expire. */
  readonly day: string;
}

/** True if the flow's frames at this observer are open by design. */
export type OpenByDesign = (flow: Flow, observer: Observer) => boolean;

const nothingOpen: OpenByDesign = () => false;

/** First sighting of a row; null = none, or only counted. */
export function firstSightingOf(first: First | undefined): FirstSighting | null {
  // A frame counted without being kept has no number.
  return first === undefined || first.frame === 0
    ? null
    : { file: first.frame < 0 ? timelineFile : evidenceFile, frame: Math.abs(first.frame), at: timeText(first.timeNs) };
}

/** The acceptance of a leak on that day. */
export function acceptedOf(
  accept: readonly Accepted[],
  observer: string,
  probeClass: string,
  day: string,
): Pick<Finding, 'accepted'> {
  const acceptance = accept.find(
    (entry) => entry.observer === observer && entry.class === probeClass && isInForce(entry, day),
  );
  return acceptance === undefined
    ? {}
    : {
        accepted: {
          reason: acceptance.reason,
          owner: acceptance.owner,
          ticket: acceptance.ticket,
          until: acceptance.until,
        },
      };
}

/** An observer's permission by the two lists. */
export function allowanceOf(name: string, must: readonly string[], may: readonly string[]): Finding['allowed'] {
  if (must.includes(name)) return 'must';
  return may.includes(name) ? 'may' : 'no';
}

/** An observer's permission for a flow. */
export function allowanceAt(observer: Observer, flow: Flow): Finding['allowed'] {
  return allowanceOfParty(partyOf(observer), observer.party === undefined, flow);
}

/** As `allowanceAt`, for a party: only the listed endpoint must see all. */
export function allowanceOfParty(party: string, isListed: boolean, { must, may }: Flow): Finding['allowed'] {
  const allowed = allowanceOf(party, must, may);
  return allowed === 'must' && !isListed ? 'may' : allowed;
}

/** True if an observer may have all frames of a step by class, scenario or acceptance: copies do not matter. */
export function mayHaveAll(
  observer: Observer,
  { step, parties, day }: Pick<RowInput, 'step' | 'parties' | 'day'>,
): boolean {
  const { flows, traffic, listenMs, expect } = step;
  const party = partyOf(observer);
  const isAccepted = (kind: string): boolean => 'accepted' in acceptedOf(expect.accept, observer.name, kind, day);
  return (
    (flows.length > 0 || traffic.length > 0 || listenMs !== null) &&
    flows.every(
      (flow) =>
        !flow.judged ||
        allowanceAt(observer, flow) !== 'no' ||
        parties.isOfSender(flow, party) ||
        isAccepted(flow.class),
    ) &&
    traffic.every(
      ({ kind, from, to, must, may }) =>
        [from, to].includes(party) || allowanceOf(party, must, may) !== 'no' || isAccepted(kind),
    ) &&
    (listenMs === null || isAccepted('foreign-unicast'))
  );
}

/** Open by design is exposed, no leak. */
export function outcomeAt(
  observer: Observer,
  flow: Flow,
  seen: number,
  open: OpenByDesign,
): { readonly allowed: Finding['allowed']; readonly exposed: boolean } {
  const allowed = allowanceAt(observer, flow);
  const exposed = allowed !== 'may' && seen > 0 && open(flow, observer);
  return { allowed: exposed && allowed === 'no' ? 'may' : allowed, exposed };
}

/** The way the observer's engine knew a frame's direction. */
export function directionOf(facts: StepFacts, observer: string): Finding['direction'] {
  return facts.listening.get(observer)?.direction ?? 'known';
}

/** Frames that intended observers saw, else those sent. */
export function provenOf(flow: Flow, input: RowInput): number {
  if (flow.must.length === 0) return sentOf(input.facts, flow);
  let least = Infinity;
  for (const name of flow.must) least = Math.min(least, input.tally.sightings.countTokens(flow, name));
  return least;
}

function alteredOf(flow: Flow, observer: Observer, tally: StepTally): Pick<Finding, 'forms' | 'altered' | 'reflected'> {
  const key = `${flow.id}|${observer.name}`;
  const altered = tally.altered.get(key);
  const reflected = tally.reflected.get(key);
  return {
    ...(altered === undefined ? {} : { forms: Object.fromEntries(altered.forms), altered: altered.example }),
    ...(reflected === undefined ? {} : { reflected }),
  };
}

/** The row of a flow at an observer. */
export function probeRow(flow: Flow, observer: Observer, input: RowInput, open: OpenByDesign = nothingOpen): Finding {
  const { facts, tally } = input;
  const sent = sentOf(facts, flow);
  const seen = tally.sightings.countTokens(flow, observer.name);
  const { allowed, exposed } = outcomeAt(observer, flow, seen, open);
  const leak = allowed === 'no' && seen > 0;
  return {
    probe: flow.probe,
    class: flow.class,
    carrier: flow.carrier,
    vlan: flow.vlan,
    ...(flow.variant === undefined ? {} : { variant: flow.variant }),
    from: flow.from,
    to: flow.to,
    observer: observer.name,
    sent,
    seen,
    allowed,
    leak,
    upperBound95: allowed === 'no' && !leak ? upperBound95(provenOf(flow, input)) : null,
    direction: directionOf(facts, observer.name),
    firstSighting: firstSightingOf(tally.sightings.firstSighting(flow, observer.name)),
    causes: [],
    ...(exposed ? { exposed } : {}),
    ...alteredOf(flow, observer, tally),
    ...(leak
      ? {
          ...windowsOf(flow, observer.name, input.step, facts, tally),
          ...acceptedOf(input.step.expect.accept, observer.name, flow.class, input.day),
        }
      : {}),
  };
}

/**
 * Upper end of the 95 % confidence interval of the leaking share if none of `n` frames leaked: 1 − 0.05^(1/n), the
 * exact binomial bound, rounded up to three significant digits. Null for n = 0. Assumes independent leaks.
 */
export function upperBound95(n: number): number | null {
  if (n <= 0) return null;
  const bound = -Math.expm1(Math.log(0.05) / n);
  const unit = 10 ** (Math.floor(Math.log10(bound)) - 2);
  return Math.min(1, Number((Math.ceil(bound / unit) * unit).toPrecision(3)));
}
