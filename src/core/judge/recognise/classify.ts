import { type Control, type Flow, type Flows, mostTokens, type Plan, type StepPlan } from '../../model/plan.js';
import { type FrameView, viewFrame } from '../../wire/frame-view.js';
import { tagLength, tokenAt, tokenIndex, tokenLength } from '../../wire/token.js';
import { createTokenSearch } from '../../wire/token-search.js';
import { createHeaderReader, type FrameFormName, formOf } from './frame-form.js';
import { createRunTags, type RunTags } from './run-tags.js';

/**
 * What a frame of a capture is. The token says which probe it stems from, the headers say whether it is that probe:
 * `as-sent` with the planned MACs (tags may have come or gone), `routed` with other MACs, the planned IP pair and a
 * smaller hop limit, `answer` for anything else that quotes the token.
 */
export type Sighting =
  | { readonly kind: 'none' }
  | { readonly kind: 'forged' }
  | { readonly kind: 'control'; readonly step: number; readonly control: Control }
  | { readonly kind: 'probe'; readonly flow: Flow; readonly sequence: number; readonly form: FrameFormName };

export interface Classifier {
  readonly view: FrameView | null;
  readonly sighting: Sighting;
}

/** Tokens in a row: the flows of a step, or its controls. */
interface Segment {
  readonly first: number;
  readonly end: number;
  readonly step: StepPlan;
  readonly of: 'flows' | 'controls';
}

/** Every token of the run, in order: the flows and controls of each step number through. */
function segmentsOf(plan: Plan): readonly Segment[] {
  return plan.steps
    .flatMap((step): Segment[] => {
      const [flow, lastFlow] = [step.flows.at(0), step.flows.at(step.flows.length - 1)];
      const [control, lastControl] = [step.controls[0], step.controls[step.controls.length - 1]];
      return [
        ...(flow === undefined || lastFlow === undefined
          ? []
          : [{ first: flow.first, end: lastFlow.first + lastFlow.count, step, of: 'flows' } as const]),
        ...(control === undefined || lastControl === undefined
          ? []
          : [{ first: control.index, end: lastControl.index + 1, step, of: 'controls' } as const]),
      ];
    })
    .sort((a, b) => a.first - b.first);
}

function find(segments: readonly Segment[], index: number): Segment | null {
  let low = 0;
  let high = segments.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const segment = segments[middle];
    if (segment === undefined) return null;
    if (index < segment.first) high = middle - 1;
    else if (index >= segment.end) low = middle + 1;
    else return segment;
  }
  return null;
}

const noToken: Sighting = { kind: 'none' };

/** The tags of all tokens that a plan has, under its key; null: none is known. */
export function tagsOf(plan: Plan, key: Uint8Array | null): RunTags {
  return createRunTags(key, Math.min(segmentsOf(plan).at(-1)?.end ?? 0, mostTokens));
}

/** A function that gives the flow that a token's index belongs to; null = none. */
export function flowFinder(plan: Plan): (index: number) => Flow | null {
  const segments = segmentsOf(plan);
  return (index) => {
    const segment = find(segments, index);
    return segment?.of === 'flows' ? flowOfToken(segment.step.flows, index) : null;
  };
}

/**
 * A function that says of `bytes[start, end)` what it is. Tags of no key (the run was killed before it was revealed):
 * no token can be told from a forged one, so every token counts as forged.
 */
export function createClassifier(
  plan: Plan,
  tags: RunTags,
): (bytes: Uint8Array, start: number, end: number) => Classifier {
  const segments = segmentsOf(plan);
  const planned = createHeaderReader();
  const search = createTokenSearch(plan.runTag);
  return (bytes, start, end) => {
    const view = viewFrame(bytes, start, end);
    const none: Classifier = { view, sighting: noToken };
    if (view === null || !search.mayHold(bytes, start, end)) return none;
    const at = tokenAt(bytes, start, end, plan.runTag, view.payloadAt);
    if (at < 0) return none;
    const index = tokenIndex(bytes, at);
    const segment = find(segments, index);
    const flow = segment?.of === 'flows' ? flowOfToken(segment.step.flows, index) : null;
    const control = segment?.of === 'controls' ? segment.step.controls[index - segment.first] : undefined;
    if (
      segment === null ||
      (flow === null && control?.index !== index) ||
      !tags.holds(bytes, at + tokenLength - tagLength, index)
    )
      return { view, sighting: { kind: 'forged' } };
    if (flow !== null)
      return {
        view,
        sighting: { kind: 'probe', flow, sequence: index - flow.first, form: formOf(bytes, view, planned(flow.frame)) },
      };
    if (control !== undefined && formOf(bytes, view, planned(control.frame)) === 'as-sent')
      return { view, sighting: { kind: 'control', step: segment.step.index, control } };
    return none;
  };
}

/**
 * The flow that a token belongs to; tokens number through, flow by flow. Where all flows are of one size no search is
 * needed.
 */
export function flowOfToken(flows: Flows, token: number): Flow | null {
  const start = flows.at(0);
  if (start === undefined || token < start.first) return null;
  let low = 0;
  let high = flows.length - 1;
  let guess = Math.floor((token - start.first) / Math.max(1, start.count));
  while (low <= high) {
    const middle = guess >= low && guess <= high ? guess : (low + high) >> 1;
    guess = -1;
    const flow = flows.at(middle);
    if (flow === undefined) return null;
    if (token < flow.first) high = middle - 1;
    else if (token >= flow.first + flow.count) low = middle + 1;
    else return flow;
  }
  return null;
}
