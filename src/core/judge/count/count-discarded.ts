import type { Flow } from '../../model/plan.js';
import { type DiscardedFrames, eachToken } from './discarded.js';
import type { Seen, Tallies } from './tally.js';

/**
 * Later than every frame that is in the capture: a row's first sighting is one that can be looked at, where there is
 * one.
 */
const discardedFrame = { frame: 0, high: 0xffff_ffff, low: 0xffff_ffff } as const;

/**
 * Counts frames that were discarded when the captures were collated, before those that were kept. Gives what does not
 * fit the plan, in words, or null. `seen`: the observer of the line.
 */
export function countDiscarded(
  line: DiscardedFrames,
  seen: Seen,
  tallies: Tallies,
  flowOf: (index: number) => Flow | null,
): string | null {
  const { observer } = seen;
  const place = observer.place === 'bridge' ? 'bridge' : 'port';
  let unfit = 0;
  const entered = eachToken(line.entered, (token) => {
    const flow = flowOf(token);
    const tally = flow === null ? undefined : tallies.steps[flow.step];
    const own = flow !== null && (place === 'bridge' || flow.sender === observer.name);
    if (flow === null || tally === undefined || !own || !tally.entries.add(flow, token - flow.first, place)) unfit += 1;
  });
  const came = eachToken(line.seen, (token) => {
    const flow = flowOf(token);
    const tally = flow === null ? undefined : tallies.steps[flow.step];
    if (
      flow === null ||
      tally === undefined ||
      !tally.seen.addToken(flow, token - flow.first, observer.name, discardedFrame)
    )
      unfit += 1;
  });
  if (!entered || !came || !Number.isSafeInteger(line.again) || line.again < 0)
    return `the frames counted for ${observer.name} in step ${seen.step.index + 1} cannot be read`;
  return unfit === 0
    ? null
    : `${unfit} of the frames counted for ${observer.name} in step ${seen.step.index + 1} are none that it could have captured once`;
}

/** How many frames a line stands for. */
export function framesOfLine({ entered, seen, again }: DiscardedFrames): number {
  return entered.frames + seen.frames + again;
}
