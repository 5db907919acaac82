import { type Flow, maxTokens } from '../../model/plan.js';
import { number, type Of, text, whole } from '../../model/shape/shape.js';
import { parsePositions, positionText } from '../../plan/flows/position-text.js';
import type { FrameArrival, Tallies } from './tally.js';

const tokenSpans = { frames: number, spans: number, gaps: text, lengths: text };
/** A span of tokens starts `gaps` behind the last and has `lengths`, as `positionText`. */
export type TokenSpans = Of<typeof tokenSpans>;

export const discardedShape = {
  step: whole,
  observer: text,
  entered: tokenSpans,
  seen: tokenSpans,
  again: number,
};
/** A line of discarded.ndjson: planned probes as sent, each token's first, absent from evidence.pcapng. */
export type DiscardedFrames = Of<typeof discardedShape>;

/** Collects tokens that come almost in order. */
export interface TokenCollector {
  add(token: number): void;
  spans(): TokenSpans;
}

export function tokenCollector(): TokenCollector {
  let firsts = new Uint32Array(8);
  let lengths = new Uint32Array(8);
  let count = 0;
  const longer = (list: Uint32Array): Uint32Array<ArrayBuffer> => {
    const larger = new Uint32Array(2 * list.length);
    larger.set(list);
    return larger;
  };
  return {
    add(token) {
      const last = count - 1;
      if (count > 0 && (firsts[last] ?? 0) + (lengths[last] ?? 0) === token) {
        lengths[last] = (lengths[last] ?? 0) + 1;
        return;
      }
      if (count === firsts.length) [firsts, lengths] = [longer(firsts), longer(lengths)];
      firsts[count] = token;
      lengths[count] = 1;
      count += 1;
    },
    spans() {
      const order = Uint32Array.from({ length: count }, (_, at) => at).sort(
        (a, b) => (firsts[a] ?? 0) - (firsts[b] ?? 0),
      );
      const gaps = new Uint32Array(count);
      const sorted = new Uint32Array(count);
      let spans = 0;
      let end = 0;
      let frames = 0;
      for (const at of order) {
        const [first, length] = [firsts[at] ?? 0, lengths[at] ?? 0];
        if (spans > 0 && first === end) sorted[spans - 1] = (sorted[spans - 1] ?? 0) + length;
        else {
          gaps[spans] = first - end;
          sorted[spans] = length;
          spans += 1;
        }
        end = first + length;
        frames += length;
      }
      return {
        frames,
        spans,
        gaps: positionText(gaps.subarray(0, spans)),
        lengths: positionText(sorted.subarray(0, spans)),
      };
    },
  };
}

interface Positions {
  readonly gaps: Uint32Array;
  readonly lengths: Uint32Array;
}

function positionsOf(spans: TokenSpans): Positions | null {
  if (!Number.isInteger(spans.spans) || spans.spans < 1 || spans.spans > maxTokens) return null;
  const gaps = parsePositions(spans.gaps, spans.spans, maxTokens);
  const lengths = parsePositions(spans.lengths, spans.spans, maxTokens + 1);
  if (gaps === null || lengths === null) return null;
  let end = 0;
  let frames = 0;
  for (let at = 0; at < spans.spans; at += 1) {
    const length = lengths[at] ?? 0;
    end += (gaps[at] ?? 0) + length;
    frames += length;
  }
  return frames !== spans.frames || end > maxTokens ? null : { gaps, lengths };
}

/** Gives each span as first token and exclusive end. False, before any, if they contradict `frames` or exceed a run. */
export function eachSpan(spans: TokenSpans, take: (first: number, end: number) => void): boolean {
  if (spans.frames === 0 && spans.spans === 0) return true;
  const positions = positionsOf(spans);
  if (positions === null) return false;
  const { gaps, lengths } = positions;
  let token = 0;
  for (let at = 0; at < spans.spans; at += 1) {
    const first = token + (gaps[at] ?? 0);
    token = first + (lengths[at] ?? 0);
    take(first, token);
  }
  return true;
}

/** Counts discarded frames, before the kept ones. Returns a contradiction to the plan, or null. */
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

/** Number of frames in a line. */
export function framesOfLine({ entered, seen, again }: DiscardedFrames): number {
  return entered.frames + seen.frames + again;
}
