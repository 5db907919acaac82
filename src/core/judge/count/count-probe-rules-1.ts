import type { Observer } from '../../model/plan.js';
import {
  type CountedAs,
  noteMoment,
  type ProbeSighting,
  raise,
  type Seen,
  type StepTally,
  type Tallies,
} from './tally.js';

/**
 * Counts a frame that stems from a probe as versions before these rules did: answers decide nothing, and a token that a
 * guest sent again decides nothing any more.
 */
export function countProbeByRules1(sighting: ProbeSighting, seen: Seen, tallies: Tallies): CountedAs {
  const tally = tallies.steps[sighting.flow.step];
  if (tally === undefined || (sighting.form !== 'as-sent' && sighting.form !== 'routed')) return 'other';
  return seen.towards ? countTowards(sighting, seen, tallies, tally) : countEntering(sighting, seen, tally);
}

function countEntering({ flow, sequence, form }: ProbeSighting, seen: Seen, tally: StepTally): CountedAs {
  const { observer } = seen;
  const isBridge = observer.place === 'bridge';
  if (isBridge || observer.name === flow.sender) {
    if (tally.entries.add(flow, sequence, isBridge ? 'bridge' : 'port')) return 'entered';
    // Its own token, but a second time: what stands behind this port had it from somebody and says it again.
    if (!isBridge && !seen.inferred) noteReentered(tally, flow.first + sequence, observer);
  } else if (form === 'as-sent') noteReentered(tally, flow.first + sequence, observer);
  return 'other';
}

function noteReentered(tally: StepTally, token: number, { name, role }: Observer): void {
  if (!tally.reentered.has(token)) tally.reentered.set(token, { observer: name, uplink: role === 'uplink' });
}

function countTowards({ flow, sequence }: ProbeSighting, seen: Seen, tallies: Tallies, tally: StepTally): CountedAs {
  const { observer } = seen;
  const again = tally.reentered.size === 0 ? undefined : tally.reentered.get(flow.first + sequence);
  if (again !== undefined && !again.uplink) return 'other';
  const fresh = tally.seen.addToken(flow, sequence, observer.name, seen);
  if (fresh && tallies.plan.steps[flow.step]?.during.length !== 0) noteMoment(tally, flow, sequence, seen);
  if (fresh) return 'seen';
  if (!seen.inferred) return 'again';
  raise(tally.twice, observer.name);
  return 'other';
}
