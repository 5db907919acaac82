import type { Flow } from '../../model/plan.js';
import { FlowOfTable } from '../../plan/flows/flow-of-table.js';
import { macLength, macNumber } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import { asNumber, sameBytes } from '../../wire/bytes.js';
import { tokenLength } from '../../wire/token.js';
import { createHeaderReader, type PlannedHeaders } from './frame-form.js';
import { createMacWords, type HeaderWords, headerWords, isLike, ofRun } from './header-words.js';
import type { RunTags } from './run-tags.js';

/** Void at the next frame. */
export interface PlannedProbe {
  readonly flow: Flow;
  readonly sequence: number;
  readonly form: 'as-sent';
}

interface Kind extends Omit<HeaderWords, 'view'> {
  readonly srcIpAt: number;
  readonly dstIpAt: number;
}

const maxKinds = 8;
const ipv4ChecksumAt = 10;

/** Addresses and IPv4's checksum over them differ within a kind. False: ARP's body has the MACs too. */
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
  const header = headerWords(flow, runTag, headersOf, withoutAddresses);
  return header === null
    ? null
    : { tokenAt: header.tokenAt, words: header.words, srcIpAt: header.view.srcIpAt, dstIpAt: header.view.dstIpAt };
}

function isAlike(first: Flow, second: Flow): boolean {
  return (
    first.carrier === second.carrier &&
    first.frame.carrier === second.frame.carrier &&
    first.frame.size === second.frame.size &&
    first.frame.form === second.frame.form &&
    (first.frame.vlan === second.frame.vlan || first.frame.vlan.join() === second.frame.vlan.join()) &&
    (first.frame.srcIp === null) === (second.frame.srcIp === null) &&
    (first.frame.dstIp === null) === (second.frame.dstIp === null)
  );
}

/** A probe refilled for each frame. */
export interface MutableProbe {
  flow: Flow | null;
  sequence: number;
  readonly form: 'as-sent';
}

/** True if filled. */
export function isProbe(probe: MutableProbe): probe is MutableProbe & PlannedProbe {
  return probe.flow !== null;
}

/** Recognises frames of flows that differ only in addresses: a mesh has a million. */
export class PlannedKinds {
  private readonly headersOf = createHeaderReader();
  private readonly macs = createMacWords();
  private readonly tried: Flow[] = [];
  private readonly kinds: Kind[] = [];
  private readonly probe: MutableProbe = { flow: null, sequence: 0, form: 'as-sent' };
  /** An entering frame is mostly seen leaving next. */
  private last: { readonly flow: Flow; readonly headers: PlannedHeaders } | null = null;

  constructor(
    private readonly runTag: number,
    private readonly tags: RunTags,
    private readonly flowOf: (index: number) => Flow | null,
  ) {}

  /** `words`: the same bytes in this machine's byte order. `start` is at a word. */
  read(bytes: Uint8Array, words: Int32Array, start: number, end: number): PlannedProbe | null {
    for (const kind of this.kinds) {
      if (start + kind.tokenAt + tokenLength > end || !isLike(words, start, kind)) continue;
      const at = (start + kind.tokenAt + ofRun) >>> 2; // index and tag are words as well
      const index = asNumber(words[at] ?? 0);
      const flow = this.flowOf(index);
      if (flow === null || !this.isOf(flow, kind, bytes, words, start) || !this.tags.holdsWords(words, at + 1, index))
        return null;
      const { probe } = this;
      probe.flow = flow;
      probe.sequence = index - flow.first;
      return isProbe(probe) ? probe : null;
    }
    return null;
  }

  learn(flow: Flow): void {
    if (this.tried.length >= maxKinds || this.tried.some((known) => isAlike(known, flow))) return;
    this.tried.push(flow);
    const kind = kindOf(flow, this.runTag, this.headersOf);
    if (kind !== null) this.kinds.push(kind);
  }

  private isOf(flow: Flow, kind: Kind, bytes: Uint8Array, words: Int32Array, start: number): boolean {
    // Flows with MACs alone do not even need a frame.
    if (
      flow instanceof FlowOfTable &&
      flow.form.frame.form === undefined &&
      (flow.source.srcIp === null || flow.destination.dstIp === null)
    ) {
      return kind.srcIpAt < 0 && this.macs.are(words, start >>> 2, flow.source.srcMac, flow.destination.dstMac);
    }
    if (this.last?.flow !== flow) this.last = { flow, headers: this.headersOf(flow.frame) };
    const { srcMac, dstMac, srcIp, dstIp } = this.last.headers;
    if (srcMac === null || macNumber(bytes, start) !== dstMac || macNumber(bytes, start + macLength) !== srcMac)
      return false;
    if (srcIp === null || dstIp === null) return kind.srcIpAt < 0;
    return (
      kind.srcIpAt >= 0 &&
      sameBytes(bytes, start + kind.srcIpAt, srcIp) &&
      sameBytes(bytes, start + kind.dstIpAt, dstIp)
    );
  }
}
