import type { LostNeed, ProvenFix } from '../model/fix.js';
import type { Finding, Result, StepResult } from '../model/result.js';
import { needOf } from './reach.js';
import type { FixTrial } from './trial.js';
import { filled } from '../text/collections.js';

const deliveryShare = 0.99;
const noEffectShare = 0.9;

type Outcome = Pick<ProvenFix, 'outcome' | 'before' | 'after' | 'cutOff' | 'lost' | 'separated' | 'text'>;

function keyOf({ probe, class: name, carrier, vlan, variant, from, to, observer }: Finding): string {
  return JSON.stringify([probe, name, carrier, vlan, variant ?? null, from, to, observer]);
}

interface Delivery {
  readonly what: string;
  readonly from: string;
  readonly observer: string;
}

function delivered(step: StepResult | undefined, whatOf: (row: Finding) => string): ReadonlyMap<string, Delivery> {
  const deliveries = new Map<string, Delivery>();
  const short = new Set<string>();
  for (const row of step?.findings ?? []) {
    if (row.allowed !== 'must' || (row.sent ?? 0) === 0) continue;
    const delivery = { what: whatOf(row), from: row.from, observer: row.observer };
    const key = JSON.stringify([delivery.what, delivery.from, delivery.observer]);
    deliveries.set(key, delivery);
    if (row.seen < deliveryShare * (row.sent ?? 0)) short.add(key);
  }
  for (const key of short) deliveries.delete(key);
  return deliveries;
}

function missing(before: ReadonlyMap<string, Delivery>, after: ReadonlyMap<string, Delivery>): readonly Delivery[] {
  return [...before].flatMap(([key, delivery]) => (after.has(key) ? [] : [delivery]));
}

function pairOf({ from, observer }: Delivery): readonly [string, string] {
  return from < observer ? [from, observer] : [observer, from];
}

function victimsOf(lost: readonly Delivery[], after: readonly Delivery[]): readonly LostNeed[] {
  const byWhat = new Map<string, Set<string>>();
  for (const { what, from, observer } of lost) {
    const stillServed = after.some((delivery) => delivery.what === what && delivery.observer === observer);
    const names = byWhat.get(what) ?? new Set<string>();
    byWhat.set(what, names.add(stillServed ? from : observer));
  }
  return [...byWhat].map(([what, names]) => ({ what, names: [...names] }));
}

interface Loss {
  readonly lost: readonly LostNeed[];
  readonly cutOff: readonly string[];
  readonly separated: readonly (readonly [string, string])[];
}

/** `wanted`: pairs whose frames were the leak, which are to be apart. */
function lossOf({ at, gateways }: Pick<FixTrial, 'at' | 'gateways'>, trial: Result, wanted: ReadonlySet<string>): Loss {
  const needText = (row: Finding): string => needOf(row) ?? row.class;
  // A broadcast of the step itself is none of DHCP.
  const ownText = (row: Finding): string => (row.class === 'broadcast' ? row.class : needText(row));
  const reachBefore = delivered(trial.steps[at.reachBefore], needText);
  const reachAfter = delivered(trial.steps[at.reachAfter], needText);
  const missingOwn = missing(delivered(trial.steps[at.before], ownText), delivered(trial.steps[at.after], ownText));
  const gone = [...missingOwn, ...missing(reachBefore, reachAfter)].filter(
    ({ from, observer }) => !wanted.has(JSON.stringify([from, observer])),
  );
  const remaining = [...reachAfter.values()];
  const reaches = (sender: string, addressee: string): boolean =>
    remaining.some(({ what, from, observer }) => what === 'unicast' && from === sender && observer === addressee);
  const reachesGateway = (name: string): boolean =>
    gateways.some((gateway) => reaches(name, gateway) && reaches(gateway, name));
  const isApart = ({ what, from, observer }: Delivery): boolean =>
    what === 'unicast' && [from, observer].every((name) => !gateways.includes(name) && reachesGateway(name));
  const lost = victimsOf(
    gone.filter((delivery) => !isApart(delivery)),
    remaining,
  );
  return {
    lost,
    cutOff: [...new Set(lost.flatMap(({ names }) => names))],
    separated: [...new Map(gone.filter(isApart).map((each) => [pairOf(each).join('\n'), pairOf(each)])).values()],
  };
}

function lossText({ lost, separated }: Loss): string {
  return [
    ...lost.map(({ what, names }) => `${what} no longer works for ${names.join(', ')}`),
    ...(separated.length === 0
      ? []
      : [`no longer reach each other: ${separated.map((pair) => pair.join(' and ')).join(', ')}`]),
  ].join('; ');
}

/** null = the leaks are gone, and that is proven. */
function unprovenOutcome(after: StepResult): Pick<Outcome, 'outcome' | 'text'> | null {
  if (after.verdict === 'broken')
    return { outcome: 'partly', text: 'these rows leak no longer, others of the step still do' };
  if (after.verdict !== 'holds')
    return {
      outcome: 'unproven',
      text: `nothing was seen, but that is not proven: ${[...new Set(after.reasons.map(({ code }) => code))].join(', ')}`,
    };
  return null;
}

/** The outcome of a trial. A fix that cuts off guests is no fix. */
export function fixOutcome(fix: Pick<FixTrial, 'cause' | 'at' | 'gateways'>, trial: Result): Outcome {
  const { at } = fix;
  const [before, after] = [trial.steps[at.before], trial.steps[at.after]];
  const explained = (before?.findings ?? []).filter(
    (row) => row.leak && row.causes.some(({ code }) => code === fix.cause),
  );
  const leakedBefore = explained.reduce((total, row) => total + row.seen, 0);
  if (before === undefined || after === undefined || leakedBefore === 0) {
    return {
      outcome: 'unproven',
      before: leakedBefore,
      after: null,
      cutOff: [],
      text: 'the leak did not show again when the step was repeated without the fix',
    };
  }
  const failed = after.reasons.find(({ code }) =>
    ['step-failed', 'unsupported', 'not-run', 'interrupted'].includes(code),
  );
  if (failed !== undefined)
    return { outcome: 'failed', before: leakedBefore, after: null, cutOff: [], text: failed.text };
  const keys = new Set(explained.map(keyOf));
  const remaining = after.findings.filter((row) => keys.has(keyOf(row))).reduce((total, row) => total + row.seen, 0);
  // Who is addressed and must not get it is to be cut off from who sent it.
  const unwanted = before.findings.filter((row) => row.leak && row.to === row.observer);
  const loss = lossOf(fix, trial, new Set(unwanted.map(({ from, observer }) => JSON.stringify([from, observer]))));
  const counts = {
    before: leakedBefore,
    after: remaining,
    cutOff: loss.cutOff,
    ...filled({ lost: loss.lost, separated: loss.separated }),
  };
  if (remaining > 0)
    return {
      ...counts,
      outcome: remaining >= noEffectShare * leakedBefore ? 'no-effect' : 'still-leaks',
      text: `${remaining} of ${leakedBefore} frames are still seen`,
    };
  if (loss.lost.length > 0) return { ...counts, outcome: 'cuts-off', text: `nothing leaks, but ${lossText(loss)}` };
  if (loss.separated.length > 0)
    return { ...counts, outcome: 'separates', text: `nothing leaks, but guests ${lossText(loss)}` };
  return {
    ...counts,
    ...(unprovenOutcome(after) ?? { outcome: 'works', text: 'nothing leaks, and what worked before still works' }),
  };
}
