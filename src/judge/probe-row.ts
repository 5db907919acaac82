import { sentOf } from '../core/judge/proof/step-facts.js';
import { windowsOf } from '../core/judge/proof/windows.js';
import { upperBound95 } from '../core/judge/rows/bound.js';
import type { Flow, Observer } from '../core/model/plan.js';
import type { Finding } from '../core/model/result.js';
import { acceptedOf, allowanceOf, directionOf, firstSightingOf, type RowInput } from './row-parts.js';

/**
 * Frames of a flow that are proven to have been there to be seen: those that who must see them did, else those that
 * were sent.
 */
export function provenOf(flow: Flow, input: RowInput): number {
  if (flow.must.length === 0) return sentOf(input.facts, flow);
  let least = Infinity;
  for (const name of flow.must) least = Math.min(least, input.tally.seen.count(flow, name));
  return least;
}

/** The row of one flow at one observer. */
export function probeRow(flow: Flow, observer: Observer, input: RowInput): Finding {
  const { facts, tally } = input;
  const sent = sentOf(facts, flow);
  const seen = tally.seen.count(flow, observer.name);
  const allowed = allowanceOf(observer.name, flow.must, flow.may);
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
    firstSighting: firstSightingOf(tally.seen.first(flow, observer.name)),
    causes: [],
    ...(leak
      ? {
          ...windowsOf(flow, observer.name, input.step, facts, tally),
          ...acceptedOf(input.step.expect.accept, observer.name, flow.class, input.day),
        }
      : {}),
  };
}
