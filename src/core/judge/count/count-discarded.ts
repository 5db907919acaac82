import type { Flow } from '../../model/plan.js';
import { type DiscardedFrames, eachSpan } from './discarded.js';
import type { FrameArrival, Tallies } from './tally.js';

/**
 * Counts frames that were discarded when the captures were collated, before those that were kept. Gives what does not
 * fit the plan, in words, or null. `arrival`: the observer of the line.
 */
export function countDiscarded(
  line: DiscardedFrames,
  arrival: FrameArrival,
  tallies: Tallies,
  flowOf: (index: number) => Flow | null,
): string | null {
  const { observer } = arrival;
  const place = observer.place === 'bridge' ? 'bridge' : 'port';
  let unfit = 0;
  const entered = eachSpan(line.entered, (first, end) => {
    for (let token = first; token < end; token += 1) {
      const flow = flowOf(token);
      const tally = flow === null ? undefined : tallies.steps[flow.step];
      const isEntry = flow !== null && (place === 'bridge' || flow.sender === observer.name);
      if (flow === null || tally === undefined || !isEntry || !tally.entries.add(flow, token - flow.first, place))
        unfit += 1;
    }
  });
  const came = eachSpan(line.seen, (first, end) => {
    for (let token = first; token < end; ) {
      const flow = flowOf(token);
      const tally = flow === null ? undefined : tallies.steps[flow.step];
      const { taken, fresh } =
        flow === null || tally === undefined
          ? { taken: 1, fresh: 0 }
          : tally.sightings.addCounted(flow, token, end, observer.name);
      unfit += taken - fresh;
      token += taken;
    }
  });
  if (!entered || !came || !Number.isSafeInteger(line.again) || line.again < 0)
    return `the frames counted for ${observer.name} in step ${arrival.step.index + 1} cannot be read`;
  return unfit === 0
    ? null
    : `${unfit} of the frames counted for ${observer.name} in step ${arrival.step.index + 1} are none that it could have captured once`;
}

/** How many frames a line stands for. */
export function framesOfLine({ entered, seen, again }: DiscardedFrames): number {
  return entered.frames + seen.frames + again;
}
