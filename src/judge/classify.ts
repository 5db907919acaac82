import type { Control, Flow, FrameSpec, Plan, StepPlan } from '../model/plan.js';
import { ipv4Bytes } from '../wire/ipv4.js';
import { ipv6Bytes } from '../wire/ipv6.js';
import { macBytes, macNumber } from '../wire/ethernet.js';
import { type FrameView, viewFrame } from '../wire/frame-view.js';
import { createTokenSearch } from '../wire/token-search.js';
import { sameTag, tagLength, tagsFor, tokenAt, tokenIndex } from '../wire/token.js';
import { probeHopLimit } from '../probe/frame.js';
import { flowOfToken } from './flow-of-token.js';

/**
 * What a frame of a capture is. The token says which probe it stems from, the headers say whether it is that probe:
 * `as-sent` with the planned MACs (tags may have come or gone), `routed` with other MACs, the planned IP pair and a
 * smaller hop limit, `answer` for anything else that quotes the token.
 */
export type Sighting =
  | { readonly kind: 'none' }
  | { readonly kind: 'forged' }
  | { readonly kind: 'control'; readonly step: number; readonly control: Control }
  | { readonly kind: 'probe'; readonly flow: Flow; readonly sequence: number; readonly form: 'as-sent' | 'routed' | 'answer' };

export interface Classifier {
  readonly view: FrameView | null;
  readonly sighting: Sighting;
}

interface Planned {
  /** Null: each frame has one of its own. */
  readonly srcMac: number | null;
  readonly dstMac: number;
  readonly srcIp: Uint8Array | null;
  readonly dstIp: Uint8Array | null;
}

/** Tokens in a row: the flows of a step, or its controls. */
interface Segment {
  readonly first: number;
  readonly end: number;
  readonly step: StepPlan;
  readonly of: 'flows' | 'controls';
}

function ipBytes(text: string | null): Uint8Array | null {
  return text === null ? null : (ipv4Bytes(text) ?? ipv6Bytes(text));
}

/** The planned headers of a frame as octets; addresses are read once. */
function plannedReader(): (frame: FrameSpec) => Planned {
  const macs = new Map<string, number>();
  const ips = new Map<string | null, Uint8Array | null>();
  const mac = (text: string): number => {
    const known = macs.get(text);
    if (known !== undefined) return known;
    const octets = macBytes(text);
    const number = octets === null ? -1 : macNumber(octets, 0);
    macs.set(text, number);
    return number;
  };
  const ip = (text: string | null): Uint8Array | null => {
    const known = ips.get(text);
    if (known !== undefined) return known;
    const octets = ipBytes(text);
    ips.set(text, octets);
    return octets;
  };
  return (frame) => ({ srcMac: frame.form === 'source-sweep' ? null : mac(frame.srcMac), dstMac: mac(frame.dstMac), srcIp: ip(frame.srcIp), dstIp: ip(frame.dstIp) });
}

/** Every token of the run, in order: the flows and controls of each step number through. */
function segmentsOf(plan: Plan): readonly Segment[] {
  return plan.steps.flatMap((step): Segment[] => {
    const [flow, lastFlow] = [step.flows.at(0), step.flows.at(step.flows.length - 1)];
    const [control, lastControl] = [step.controls[0], step.controls[step.controls.length - 1]];
    return [
      ...(flow === undefined || lastFlow === undefined ? [] : [{ first: flow.first, end: lastFlow.first + lastFlow.count, step, of: 'flows' } as const]),
      ...(control === undefined || lastControl === undefined ? [] : [{ first: control.index, end: lastControl.index + 1, step, of: 'controls' } as const]),
    ];
  }).sort((a, b) => a.first - b.first);
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

function sameOctets(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  if (at < 0) return false;
  for (let i = 0; i < expected.length; i += 1) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

function formOf(bytes: Uint8Array, view: FrameView, planned: Planned): 'as-sent' | 'routed' | 'answer' {
  const sameIps = planned.srcIp === null || planned.dstIp === null
    || (sameOctets(bytes, view.srcIpAt, planned.srcIp) && sameOctets(bytes, view.dstIpAt, planned.dstIp));
  if (!sameIps) return 'answer';
  if ((planned.srcMac === null || macNumber(bytes, view.srcMacAt) === planned.srcMac) && macNumber(bytes, view.dstMacAt) === planned.dstMac) return 'as-sent';
  return planned.srcIp !== null && view.hopLimit >= 0 && view.hopLimit < probeHopLimit ? 'routed' : 'answer';
}

const noToken: Sighting = { kind: 'none' };

/** Tokens of a plan are numbered below this, so that a plan from elsewhere cannot ask for endless memory. */
export const mostTokens = 2 ** 26;

/**
 * A function that says of `bytes[start, end)` what it is. `key` null (the run was killed before it was revealed): no token
 * can be told from a forged one, so every token counts as forged.
 */
export function createClassifier(plan: Plan, key: Uint8Array | null): (bytes: Uint8Array, start: number, end: number) => Classifier {
  const segments = segmentsOf(plan);
  const planned = plannedReader();
  const count = Math.min(segments[segments.length - 1]?.end ?? 0, mostTokens);
  const tags = key === null ? new Uint8Array(0) : tagsFor(key, 0, count);
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
    if (segment === null || (flow === null && control?.index !== index) || !sameTag(bytes, at + 10, tags, index * tagLength)) return { view, sighting: { kind: 'forged' } };
    if (flow !== null) return { view, sighting: { kind: 'probe', flow, sequence: index - flow.first, form: formOf(bytes, view, planned(flow.frame)) } };
    if (control !== undefined && formOf(bytes, view, planned(control.frame)) === 'as-sent') return { view, sighting: { kind: 'control', step: segment.step.index, control } };
    return none;
  };
}
