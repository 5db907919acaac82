import type { Flow } from '../../model/plan.js';
import { nsOf } from '../../pcap/time-words.js';
import type { FrameFormName } from '../recognise/frame-form.js';
import type { Seen, StepTally } from './tally.js';

/** A genuine token of a probe in a frame, as far as counting needs it. */
export interface ProbeSighting {
  readonly flow: Flow;
  readonly sequence: number;
  readonly form: FrameFormName;
}

/**
 * What a frame of a probe counted as: its entry where its sender is, its sighting by an observer, the same once more;
 * or something else.
 */
export type CountedAs = 'entered' | 'seen' | 'again' | 'other';

/** Notes when a probe was seen, in a step with events. */
export function noteMoment(tally: StepTally, flow: Flow, sequence: number, seen: Seen): void {
  const key = `${flow.id}|${seen.observer.name}`;
  const moments = tally.moments.get(key) ?? [];
  moments.push({ sequence, timeNs: nsOf(seen) });
  tally.moments.set(key, moments);
}
