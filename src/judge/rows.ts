import type { Flow, Observer, Plan, StepPlan } from '../model/plan.js';
import type { Finding, FirstSighting } from '../model/result.js';
import type { Accepted } from '../model/scenario.js';
import { upperBound95 } from './bound.js';
import type { First } from './first.js';
import { groupedRows, mostUngrouped } from './group-rows.js';
import { rootRows } from './root-rows.js';
import { sentOf, type StepFacts } from './step-facts.js';
import type { StepStates } from './step-states.js';
import type { StepTally } from './tally.js';
import { windowsOf } from './windows.js';

const evidenceFile = 'evidence.pcapng';
const timelineFile = 'timeline.ndjson';

/** The second that was asked for last: rows of a step have few. */
let lastSecond = { second: 0n, text: '1970-01-01T00:00:00' };

function secondText(second: bigint): string {
  if (second === lastSecond.second) return lastSecond.text;
  const date = new Date(Number(second) * 1000);
  const text = Number.isNaN(date.getTime()) ? 'unknown' : date.toISOString().slice(0, 19);
  lastSecond = { second, text };
  return text;
}

/** Nanoseconds since 1970 as RFC 3339 text in UTC. */
export function timeText(timeNs: bigint): string {
  return `${secondText(timeNs / 1_000_000_000n)}.${(timeNs % 1_000_000_000n).toString().padStart(9, '0')}Z`;
}

function firstOf(first: First | undefined): FirstSighting | null {
  // A frame that was counted and not kept has no number.
  return first === undefined || first.frame === 0 ? null : { file: first.frame < 0 ? timelineFile : evidenceFile, frame: Math.abs(first.frame), at: timeText(first.timeNs) };
}

function acceptedOf(accept: readonly Accepted[], observer: string, probeClass: string, day: string): Pick<Finding, 'accepted'> {
  const found = accept.find((one) => one.observer === observer && one.class === probeClass && (one.until === null || day <= one.until));
  return found === undefined ? {} : { accepted: { reason: found.reason, owner: found.owner, ticket: found.ticket, until: found.until } };
}

function allowance(name: string, must: readonly string[], may: readonly string[]): Finding['allowed'] {
  return must.includes(name) ? 'must' : may.includes(name) ? 'may' : 'no';
}

export interface RowInput {
  readonly plan: Plan;
  readonly step: StepPlan;
  readonly facts: StepFacts;
  readonly tally: StepTally;
  readonly states: StepStates;
  /** Day of the run, `YYYY-MM-DD`: accepted leaks end. */
  readonly day: string;
}

export function directionOf(facts: StepFacts, observer: string): Finding['direction'] {
  return facts.listening.get(observer)?.direction ?? 'known';
}

/** Frames of a flow that are proven to have been there to be seen: those that who must see them did, else those that were sent. */
export function provenOf(flow: Flow, input: RowInput): number {
  if (flow.must.length === 0) return sentOf(input.facts, flow);
  let least = Infinity;
  for (const name of flow.must) least = Math.min(least, input.tally.seen.count(flow, name));
  return least;
}

export function probeRow(flow: Flow, observer: Observer, input: RowInput): Finding {
  const { facts, tally } = input;
  const sent = sentOf(facts, flow);
  const seen = tally.seen.count(flow, observer.name);
  const allowed = allowance(observer.name, flow.must, flow.may);
  const leak = allowed === 'no' && seen > 0;
  return {
    probe: flow.probe, class: flow.class, carrier: flow.carrier, vlan: flow.vlan,
    ...(flow.variant === undefined ? {} : { variant: flow.variant }), from: flow.from, to: flow.to, observer: observer.name,
    sent, seen, allowed, leak,
    upperBound95: allowed === 'no' && !leak ? upperBound95(provenOf(flow, input)) : null,
    direction: directionOf(facts, observer.name),
    firstSighting: firstOf(tally.seen.first(flow, observer.name)),
    causes: [],
    ...(leak ? { ...windowsOf(flow, observer.name, input.step, facts, tally), ...acceptedOf(input.step.expect.accept, observer.name, flow.class, input.day) } : {}),
  };
}

function trafficRows(input: RowInput): readonly Finding[] {
  const { step, facts, tally } = input;
  return step.traffic.flatMap((traffic, index) => ([['>', traffic.from, traffic.to], ['<', traffic.to, traffic.from]] as const).flatMap(([way, from, to]) =>
    step.observers.filter((observer) => observer.judged && observer.name !== from).map((observer): Finding => {
      const count = tally.traffic.get(`${index}/${way}/${observer.name}`);
      const sent = tally.trafficEntered.get(`${index}/${way}`) ?? 0;
      const seen = count?.frames ?? 0;
      const allowed = allowance(observer.name, traffic.must, traffic.may);
      const leak = allowed === 'no' && seen > 0;
      return {
        probe: index, class: traffic.kind, carrier: 'native', vlan: [], from, to, observer: observer.name, sent, seen, allowed, leak,
        upperBound95: allowed === 'no' && !leak ? upperBound95(tally.traffic.get(`${index}/${way}/${to}`)?.frames ?? 0) : null,
        direction: directionOf(facts, observer.name), firstSighting: firstOf(count?.first), causes: [],
        ...(leak ? acceptedOf(step.expect.accept, observer.name, traffic.kind, input.day) : {}),
      };
    })));
}

function foreignRows(input: RowInput): readonly Finding[] {
  const { plan, step, facts, tally } = input;
  if (step.listenMs === null) return [];
  const ownerOf = (mac: string): string => plan.endpoints.find((endpoint) => endpoint.macs.includes(mac))?.name ?? mac;
  const heard = [...tally.foreign].map(([key, count]) => {
    const [observer = '', src = '', dst = ''] = key.split('|');
    return { observer, from: ownerOf(src), to: ownerOf(dst), count };
  });
  return step.observers.filter((observer) => observer.judged && observer.place !== 'bridge').flatMap((observer) => {
    const common = { probe: 0, class: 'foreign-unicast', carrier: 'native', vlan: [], observer: observer.name, sent: null, upperBound95: null, direction: directionOf(facts, observer.name), causes: [] };
    const own = heard.filter((one) => one.observer === observer.name);
    if (own.length === 0) return [{ ...common, from: '*', to: '*', seen: 0, allowed: 'no', leak: false, firstSighting: null } as const];
    return own.map(({ from, to, count }): Finding => ({
      ...common, from, to, seen: count.frames, allowed: 'no', leak: true, firstSighting: firstOf(count.first),
      ...acceptedOf(step.expect.accept, observer.name, 'foreign-unicast', input.day),
    }));
  });
}

function probeRows(input: RowInput): readonly Finding[] {
  const { flows, expect } = input.step;
  const observers = input.step.observers.filter((observer) => observer.judged);
  if (flows.length * observers.length > mostUngrouped) {
    // A claim on single pairs needs their rows.
    const single = new Set(expect.seen.filter((claim) => claim.from !== null || claim.to !== null).map((claim) => claim.observer));
    return groupedRows(input, observers, single);
  }
  return flows.filter((flow) => flow.judged).flatMap((flow) =>
    observers.filter((observer) => observer.name !== flow.from && observer.name !== flow.sender).map((observer) => probeRow(flow, observer, input)));
}

/** All rows of a step in the plan's order: what of each flow each judged observer saw. The sender is never judged for its own probe. */
export function rowsOf(input: RowInput): readonly Finding[] {
  return [...probeRows(input), ...rootRows(input.step, input.facts, input.states), ...trafficRows(input), ...foreignRows(input)];
}
