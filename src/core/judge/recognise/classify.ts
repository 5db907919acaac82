import { type Control, type Flow, type Flows, maxTokens, type Plan, type StepPlan } from '../../model/plan.js';
import { type FrameView, viewFrame } from '../../wire/frame-view.js';
import { tagLength, tokenAt, tokenIndex, tokenLength } from '../../wire/token.js';
import { createTokenSearch } from '../../wire/token-search.js';
import { createHeaderReader, type FrameFormName, formOf } from './frame-form.js';
import { type ProbeAnswer, createAnswerReader, createStackReader, type StackMade } from './answer.js';
import { createRunTags, type RunTags } from './run-tags.js';

/** A captured frame's meaning. The token identifies its probe, whatever its headers are now. */
export type Sighting =
  | { readonly kind: 'none' }
  | { readonly kind: 'forged' }
  | { readonly kind: 'control'; readonly step: number; readonly control: Control }
  | {
      readonly kind: 'probe';
      readonly flow: Flow;
      readonly sequence: number;
      readonly form: FrameFormName;
      readonly tokenAt: number;
      readonly answer?: ProbeAnswer;
      /** Present: made by the host or a router, not for the probe's source. */
      readonly stackMade?: StackMade;
    };

/** A frame with its headers and meaning. */
export interface Classified {
  readonly view: FrameView | null;
  readonly sighting: Sighting;
  /** Further authentic tokens: receive offload merges datagrams. Mostly empty. */
  readonly more: readonly Sighting[];
}

/** Classifies `bytes[start, end)`. */
export type Classify = (bytes: Uint8Array, start: number, end: number) => Classified;

interface Segment {
  readonly first: number;
  readonly end: number;
  readonly step: StepPlan;
  readonly of: 'flows' | 'controls';
}

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
const forged: Sighting = { kind: 'forged' };
const nothing: readonly Sighting[] = [];

/** Tags of a plan's tokens. Key null = unknown. */
export function tagsOf(plan: Plan, key: Uint8Array | null): RunTags {
  return createRunTags(key, Math.min(segmentsOf(plan).at(-1)?.end ?? 0, maxTokens));
}

/** Function from a token's index to its flow; null = none. */
export function flowFinder(plan: Plan): (index: number) => Flow | null {
  const segments = segmentsOf(plan);
  return (index) => {
    const segment = find(segments, index);
    return segment?.of === 'flows' ? flowOfToken(segment.step.flows, index) : null;
  };
}

interface Recognised {
  readonly segment: Segment;
  readonly flow: Flow | null;
  readonly control: Control | undefined;
  readonly index: number;
  readonly at: number;
}

const maxInFrame = 4096;

/**
 * A classifier of `bytes[start, end)`. Without a key (the run was killed before revealing it) every token counts as
 * forged.
 * All authentic tokens of a frame count, anywhere: a forged one before them hides nothing.
 */
export function createClassifier(plan: Plan, tags: RunTags): Classify {
  const segments = segmentsOf(plan);
  const planned = createHeaderReader();
  const answerIn = createAnswerReader(plan);
  const stackMadeIn = createStackReader(plan);
  const search = createTokenSearch(plan.runTag);

  function recognise(bytes: Uint8Array, at: number): Recognised | null {
    const index = tokenIndex(bytes, at);
    const segment = find(segments, index);
    if (segment === null) return null;
    const flow = segment.of === 'flows' ? flowOfToken(segment.step.flows, index) : null;
    const control = segment.of === 'controls' ? segment.step.controls[index - segment.first] : undefined;
    const isOurs =
      (flow !== null || control?.index === index) && tags.holds(bytes, at + tokenLength - tagLength, index);
    return isOurs ? { segment, flow, control, index, at } : null;
  }
  function sightingOf(bytes: Uint8Array, start: number, view: FrameView | null, token: Recognised): Sighting {
    const { segment, flow, control, index, at } = token;
    if (flow !== null) {
      const sentPacket = planned(flow.frame);
      const form = formOf(bytes, view, sentPacket, at);
      const answer = form === 'as-sent' ? null : answerIn({ bytes, start, tokenAt: at, view, flow, sentPacket });
      const common = { kind: 'probe', flow, sequence: index - flow.first, form, tokenAt: at - start } as const;
      if (answer !== null) return { ...common, answer };
      const stackMade = form === 'as-sent' ? null : stackMadeIn({ bytes, view, sentPacket });
      return stackMade === null ? common : { ...common, stackMade };
    }
    return control !== undefined && formOf(bytes, view, planned(control.frame), at) === 'as-sent'
      ? { kind: 'control', step: segment.step.index, control }
      : noToken;
  }

  return (bytes, start, end) => {
    const view = viewFrame(bytes, start, end);
    const none: Classified = { view, sighting: noToken, more: nothing };
    if (!search.mayHold(bytes, start, end)) return none;
    const first = tokenAt(bytes, start, end, plan.runTag, view?.payloadAt ?? -1);
    if (first < 0) return none;
    const firstToken = recognise(bytes, first);
    const others = tokensBut(bytes, start, end, plan.runTag, first).flatMap((at) => recognise(bytes, at) ?? []);
    const sightings = (firstToken === null ? others : [firstToken, ...others]).map((token) =>
      sightingOf(bytes, start, view, token),
    );
    const [sighting = forged, ...more] = sightings;
    return { view, sighting, more };
  };
}

function tokensBut(bytes: Uint8Array, start: number, end: number, runTag: number, first: number): readonly number[] {
  const offsets: number[] = [];
  for (let at = start; offsets.length < maxInFrame; at += 1) {
    at = tokenAt(bytes, at, end, runTag, -1);
    if (at < 0) return offsets;
    if (at !== first) offsets.push(at);
  }
  return offsets;
}

export function tokenIndexOf(sighting: Sighting): number {
  switch (sighting.kind) {
    case 'probe':
      return sighting.flow.first + sighting.sequence;
    case 'control':
      return sighting.control.index;
    case 'forged':
    case 'none':
      return -1;
  }
}

/** Tokens are continuous, flow by flow. Flows of one size need no search. */
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
