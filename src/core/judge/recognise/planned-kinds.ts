import type { Flow } from '../../model/plan.js';
import { FlowOfTable } from '../../plan/flows/flow-of-table.js';
import { macLength, macNumber } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import { asNumber } from '../../wire/bytes.js';
import { tokenLength } from '../../wire/token.js';
import { createHeaderReader, type PlannedHeaders, sameBytes } from './frame-form.js';
import { createMacWords, type HeaderWords, headerWords, isLike, ofRun } from './header-words.js';
import type { RunTags } from './run-tags.js';

/** A probe that was read; void at the next. */
export interface PlannedProbe {
  readonly flow: Flow;
  readonly sequence: number;
  readonly form: 'as-sent';
}

/** Knows frames of many flows that differ in their addresses only: a mesh sends one frame of each of a million. */
export interface PlannedKinds {
  /** `words`: the same bytes as 32-bit words of this machine's order; `start` is at a word. */
  read(bytes: Uint8Array, words: Int32Array, start: number, end: number): PlannedProbe | null;
  /** Remembers what frames of flows like this one look like. */
  learn(flow: Flow): void;
}

/** What frames of one carrier, tags and size have in common. */
interface Kind extends Omit<HeaderWords, 'view'> {
  /** Offsets in the frame; -1: it has none. */
  readonly srcIpAt: number;
  readonly dstIpAt: number;
}

const maxKinds = 8;
const ipv4ChecksumAt = 10;

/**
 * Addresses, and the checksum over those of IPv4, differ within a kind; false: the body of ARP, which holds the MACs as
 * well.
 */
function withoutAddresses(same: Uint8Array, { srcIpAt, dstIpAt, ipVersion, protocol }: FrameView): boolean {
  same.fill(0, 0, 2 * macLength);
  if (srcIpAt < 0) return true;
  if (ipVersion === 4 && protocol < 0) return false;
  const length = ipVersion === 4 ? 4 : 16;
  same.fill(0, srcIpAt, srcIpAt + length);
  same.fill(0, dstIpAt, dstIpAt + length);
  if (ipVersion === 4) same.fill(0, srcIpAt - 12 + ipv4ChecksumAt, srcIpAt - 12 + ipv4ChecksumAt + 2);
  return true;
}

function kindOf(flow: Flow, runTag: number, headersOf: ReturnType<typeof createHeaderReader>): Kind | null {
  const found = headerWords(flow, runTag, headersOf, withoutAddresses);
  return found === null
    ? null
    : { tokenAt: found.tokenAt, words: found.words, srcIpAt: found.view.srcIpAt, dstIpAt: found.view.dstIpAt };
}

function isAlike(one: Flow, other: Flow): boolean {
  return (
    one.carrier === other.carrier &&
    one.frame.carrier === other.frame.carrier &&
    one.frame.size === other.frame.size &&
    one.frame.form === other.frame.form &&
    (one.frame.vlan === other.frame.vlan || one.frame.vlan.join() === other.frame.vlan.join()) &&
    (one.frame.srcIp === null) === (other.frame.srcIp === null) &&
    (one.frame.dstIp === null) === (other.frame.dstIp === null)
  );
}

/** `flowOf`: the flow that a token's index belongs to; null = none. */
export function createPlannedKinds(
  runTag: number,
  tags: RunTags,
  flowOf: (index: number) => Flow | null,
): PlannedKinds {
  const headersOf = createHeaderReader();
  const tried: Flow[] = [];
  const kinds: Kind[] = [];
  const probe: { flow: Flow | null; sequence: number; readonly form: 'as-sent' } = {
    flow: null,
    sequence: 0,
    form: 'as-sent',
  };
  const isProbe = (one: typeof probe): one is typeof probe & PlannedProbe => one.flow !== null;
  /** Headers of the flow that was asked for last: a frame that enters is mostly seen leaving next. */
  let last: { readonly flow: Flow; readonly headers: PlannedHeaders } | null = null;
  const macs = createMacWords();

  /** Does the frame bear the flow's own addresses? */
  function isOf(flow: Flow, kind: Kind, bytes: Uint8Array, words: Int32Array, start: number): boolean {
    // Of many flows that have no more than MACs not even a frame is made.
    if (
      flow instanceof FlowOfTable &&
      flow.form.frame.form === undefined &&
      (flow.source.srcIp === null || flow.aim.dstIp === null)
    ) {
      return kind.srcIpAt < 0 && macs.are(words, start >>> 2, flow.source.srcMac, flow.aim.dstMac);
    }
    if (last?.flow !== flow) last = { flow, headers: headersOf(flow.frame) };
    const { srcMac, dstMac, srcIp, dstIp } = last.headers;
    if (srcMac === null || macNumber(bytes, start) !== dstMac || macNumber(bytes, start + macLength) !== srcMac)
      return false;
    if (srcIp === null || dstIp === null) return kind.srcIpAt < 0;
    return (
      kind.srcIpAt >= 0 &&
      sameBytes(bytes, start + kind.srcIpAt, srcIp) &&
      sameBytes(bytes, start + kind.dstIpAt, dstIp)
    );
  }

  return {
    read(bytes, words, start, end) {
      for (const kind of kinds) {
        if (start + kind.tokenAt + tokenLength > end || !isLike(words, start, kind)) continue;
        const at = (start + kind.tokenAt + ofRun) >>> 2; // index and tag are words as well
        const index = asNumber(words[at] ?? 0);
        const flow = flowOf(index);
        if (flow === null || !isOf(flow, kind, bytes, words, start) || !tags.holdsWords(words, at + 1, index))
          return null;
        probe.flow = flow;
        probe.sequence = index - flow.first;
        return isProbe(probe) ? probe : null;
      }
      return null;
    },
    learn(flow) {
      if (tried.length >= maxKinds || tried.some((one) => isAlike(one, flow))) return;
      tried.push(flow);
      const kind = kindOf(flow, runTag, headersOf);
      if (kind !== null) kinds.push(kind);
    },
  };
}
