import type { Observer } from '../../model/plan.js';
import {
  type CountedAs,
  noteMoment,
  type ProbeSighting,
  raise,
  type FrameArrival,
  type StepTally,
  type Tallies,
} from './tally.js';

/**
 * Counts a frame that stems from a probe as versions before these rules did: answers decide nothing, and a token that a
 * guest sent again decides nothing any more.
 */
export function countProbeByRules1(sighting: ProbeSighting, arrival: FrameArrival, tallies: Tallies): CountedAs {
  const tally = tallies.steps[sighting.flow.step];
  if (tally === undefined || (sighting.form !== 'as-sent' && sighting.form !== 'routed')) return 'other';
  return arrival.towards ? countTowards(sighting, arrival, tallies, tally) : countEntering(sighting, arrival, tally);
}

function countEntering({ flow, sequence, form }: ProbeSighting, arrival: FrameArrival, tally: StepTally): CountedAs {
  const { observer } = arrival;
  const isBridge = observer.place === 'bridge';
  if (isBridge || observer.name === flow.sender) {
    if (tally.entries.add(flow, sequence, isBridge ? 'bridge' : 'port')) return 'entered';
    // Its own token, but a second time: what stands behind this port had it from somebody and says it again.
    if (!isBridge && !arrival.inferred) noteReentered(tally, flow.first + sequence, observer);
  } else if (form === 'as-sent') noteReentered(tally, flow.first + sequence, observer);
  return 'other';
}

function noteReentered(tally: StepTally, token: number, { name, role }: Observer): void {
  if (!tally.reentered.has(token)) tally.reentered.set(token, { observer: name, uplink: role === 'uplink' });
}

function countTowards(
  { flow, sequence }: ProbeSighting,
  arrival: FrameArrival,
  tallies: Tallies,
  tally: StepTally,
): CountedAs {
  const { observer } = arrival;
  const again = tally.reentered.size === 0 ? undefined : tally.reentered.get(flow.first + sequence);
  if (again !== undefined && !again.uplink) return 'other';
  const fresh = tally.sightings.addToken(flow, sequence, observer.name, arrival);
  if (fresh && tallies.plan.steps[flow.step]?.during.length !== 0) noteMoment(tally, flow, sequence, arrival);
  if (fresh) return 'seen';
  if (!arrival.inferred) return 'again';
  raise(tally.twice, observer.name);
  return 'other';
}
