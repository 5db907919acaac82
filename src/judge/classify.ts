import type { Control, Flow, FrameSpec, Plan } from '../model/plan.js';
import { ipv4Bytes } from '../wire/ipv4.js';
import { ipv6Bytes } from '../wire/ipv6.js';
import { macBytes, macNumber } from '../wire/ethernet.js';
import { type FrameView, viewFrame } from '../wire/frame-view.js';
import { sameTag, tagLength, tagsFor, tokenAt, tokenIndex } from '../wire/token.js';
import { probeHopLimit } from '../probe/frame.js';

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
  readonly srcMac: number;
  readonly dstMac: number;
  readonly srcIp: Uint8Array | null;
  readonly dstIp: Uint8Array | null;
}

interface Range {
  readonly first: number;
  readonly count: number;
  readonly planned: Planned;
  readonly flow: Flow | null;
  readonly control: Control | null;
  readonly step: number;
}

function ipBytes(text: string | null): Uint8Array | null {
  return text === null ? null : (ipv4Bytes(text) ?? ipv6Bytes(text));
}

function plannedOf(frame: FrameSpec): Planned {
  const mac = (text: string): number => {
    const octets = macBytes(text);
    return octets === null ? -1 : macNumber(octets, 0);
  };
  return { srcMac: mac(frame.srcMac), dstMac: mac(frame.dstMac), srcIp: ipBytes(frame.srcIp), dstIp: ipBytes(frame.dstIp) };
}

/** Every token of the run by index, in order: flows and controls number through. */
function rangesOf(plan: Plan): readonly Range[] {
  return plan.steps.flatMap((step) => [
    ...step.flows.map((flow): Range => ({ first: flow.first, count: flow.count, planned: plannedOf(flow.frame), flow, control: null, step: step.index })),
    ...step.controls.map((control): Range => ({ first: control.index, count: 1, planned: plannedOf(control.frame), flow: null, control, step: step.index })),
  ]).sort((a, b) => a.first - b.first);
}

function find(ranges: readonly Range[], index: number): Range | null {
  let low = 0;
  let high = ranges.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const range = ranges[middle];
    if (range === undefined) return null;
    if (index < range.first) high = middle - 1;
    else if (index >= range.first + range.count) low = middle + 1;
    else return range;
  }
  return null;
}

function sameOctets(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  return at >= 0 && expected.every((octet, index) => bytes[at + index] === octet);
}

function formOf(bytes: Uint8Array, view: FrameView, planned: Planned): 'as-sent' | 'routed' | 'answer' {
  const sameIps = planned.srcIp === null || planned.dstIp === null
    || (sameOctets(bytes, view.srcIpAt, planned.srcIp) && sameOctets(bytes, view.dstIpAt, planned.dstIp));
  if (!sameIps) return 'answer';
  if (macNumber(bytes, view.srcMacAt) === planned.srcMac && macNumber(bytes, view.dstMacAt) === planned.dstMac) return 'as-sent';
  return planned.srcIp !== null && view.hopLimit >= 0 && view.hopLimit < probeHopLimit ? 'routed' : 'answer';
}

/** Tokens of a plan are numbered below this, so that a plan from elsewhere cannot ask for endless memory. */
export const mostTokens = 2 ** 26;

/**
 * A function that says of `bytes[start, end)` what it is. `key` null (the run was killed before it was revealed): no token
 * can be told from a forged one, so every token counts as forged.
 */
export function createClassifier(plan: Plan, key: Uint8Array | null): (bytes: Uint8Array, start: number, end: number) => Classifier {
  const ranges = rangesOf(plan);
  const last = ranges[ranges.length - 1];
  const count = last === undefined ? 0 : Math.min(last.first + last.count, mostTokens);
  const tags = key === null ? new Uint8Array(0) : tagsFor(key, 0, count);
  return (bytes, start, end) => {
    const view = viewFrame(bytes, start, end);
    const none: Classifier = { view, sighting: { kind: 'none' } };
    if (view === null) return none;
    const at = tokenAt(bytes, start, end, plan.runTag, view.payloadAt);
    if (at < 0) return none;
    const index = tokenIndex(bytes, at);
    const range = find(ranges, index);
    if (range === null || !sameTag(bytes, at + 10, tags, index * tagLength)) return { view, sighting: { kind: 'forged' } };
    const form = formOf(bytes, view, range.planned);
    if (range.flow !== null) return { view, sighting: { kind: 'probe', flow: range.flow, sequence: index - range.first, form } };
    if (range.control !== null && form === 'as-sent') return { view, sighting: { kind: 'control', step: range.step, control: range.control } };
    return none;
  };
}
