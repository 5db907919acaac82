import type { Flow } from '../model/plan.js';
import { frameTemplate } from '../probe/frame.js';
import { macLength, macNumber } from '../wire/ethernet.js';
import { viewFrame } from '../wire/frame-view.js';
import { tokenLength, writeMark } from '../wire/token.js';
import { asNumber } from '../pcap/host-order.js';
import { createHeaderReader, formOf, sameOctets } from './frame-form.js';
import type { PlannedProbe } from './planned-probes.js';
import type { RunTags } from './run-tags.js';

/** Knows frames of many flows that differ in their addresses only: a mesh sends one frame of each of a million. */
export interface PlannedKinds {
  /** `words`: the same octets as 32-bit words of this machine's order; `start` is at a word. */
  read(bytes: Uint8Array, words: Int32Array, start: number, end: number): PlannedProbe | null;
  /** Remembers what frames of flows like this one look like. */
  learn(flow: Flow): void;
}

/** What frames of one carrier, tags and size have in common: pairs of which bits of a word that is, and their values. */
interface Kind {
  readonly like: Flow;
  readonly tokenAt: number;
  readonly words: Int32Array;
  /** Offsets in the frame; -1: it has none. */
  readonly srcIpAt: number;
  readonly dstIpAt: number;
}

/** Octets at the start of a token that say whose it is. */
const ofRun = 6;
const mostKinds = 8;
const ipv4ChecksumAt = 10;

function kindOf(flow: Flow, runTag: number, headersOf: ReturnType<typeof createHeaderReader>): Kind | null {
  try {
    const { bytes, tokenAt, checksumAt, sweepsSource } = frameTemplate(flow.frame);
    const view = viewFrame(bytes, 0, bytes.length);
    // As for the template of a flow: only behind the last header a comparison says what the classifier does.
    if (sweepsSource === true || (tokenAt & 3) !== 2 || view?.payloadAt !== tokenAt || formOf(bytes, view, headersOf(flow.frame)) !== 'as-sent') return null;
    const like = new Uint8Array((tokenAt + ofRun + 3) & ~3);
    const same = like.slice();
    like.set(bytes.subarray(0, tokenAt));
    writeMark(like, tokenAt, runTag);
    same.fill(0xff, 0, tokenAt + ofRun);
    same.fill(0, 0, 2 * macLength);
    if (checksumAt >= 0) same.fill(0, checksumAt, checksumAt + 2);
    const { srcIpAt, dstIpAt, ipVersion, protocol } = view;
    if (srcIpAt >= 0) {
      const length = ipVersion === 4 ? 4 : 16;
      same.fill(0, srcIpAt, srcIpAt + length);
      same.fill(0, dstIpAt, dstIpAt + length);
      if (ipVersion === 4 && protocol >= 0) same.fill(0, srcIpAt - 12 + ipv4ChecksumAt, srcIpAt - 12 + ipv4ChecksumAt + 2);
      else if (ipVersion === 4) return null; // the body of ARP holds the MACs as well
    }
    const values = new Int32Array(like.buffer);
    const words = Int32Array.from(new Int32Array(same.buffer)).reduce<number[]>((pairs, mask, i) => [...pairs, mask, mask & (values[i] ?? 0)], []);
    return { like: flow, tokenAt, words: Int32Array.from(words), srcIpAt, dstIpAt };
  } catch {
    return null; // a plan that somebody wrote may hold frames that cannot be built: they are classified by their headers
  }
}

function isAlike(one: Flow, other: Flow): boolean {
  return one.carrier === other.carrier && one.frame.carrier === other.frame.carrier && one.frame.size === other.frame.size && one.frame.form === other.frame.form
    && (one.frame.vlan === other.frame.vlan || one.frame.vlan.join() === other.frame.vlan.join()) && (one.frame.srcIp === null) === (other.frame.srcIp === null) && (one.frame.dstIp === null) === (other.frame.dstIp === null);
}

/** `flowOf`: the flow that a token's index belongs to; null = none. */
export function createPlannedKinds(runTag: number, tags: RunTags, flowOf: (index: number) => Flow | null): PlannedKinds {
  const headersOf = createHeaderReader();
  const tried: Flow[] = [];
  const kinds: Kind[] = [];
  const probe: { flow: Flow | null; sequence: number; readonly form: 'as-sent' } = { flow: null, sequence: 0, form: 'as-sent' };
  const isProbe = (one: typeof probe): one is typeof probe & PlannedProbe => one.flow !== null;

  function isLike(all: Int32Array, start: number, { words: like }: Kind): boolean {
    let at = start >>> 2;
    for (let i = 0; i < like.length; i += 2, at += 1) if (((all[at] ?? 0) & (like[i] ?? 0)) !== like[i + 1]) return false;
    return true;
  }
  /** Does the frame bear the flow's own addresses? */
  function isOf(flow: Flow, kind: Kind, bytes: Uint8Array, start: number): boolean {
    const { srcMac, dstMac, srcIp, dstIp } = headersOf(flow.frame);
    if (srcMac === null || macNumber(bytes, start) !== dstMac || macNumber(bytes, start + macLength) !== srcMac) return false;
    if (srcIp === null || dstIp === null) return kind.srcIpAt < 0;
    return kind.srcIpAt >= 0 && sameOctets(bytes, start + kind.srcIpAt, srcIp) && sameOctets(bytes, start + kind.dstIpAt, dstIp);
  }

  return {
    read(bytes, words, start, end) {
      for (const kind of kinds) {
        if (start + kind.tokenAt + tokenLength > end || !isLike(words, start, kind)) continue;
        const at = (start + kind.tokenAt + ofRun) >>> 2; // index and tag are words as well
        const index = asNumber(words[at] ?? 0);
        const flow = flowOf(index);
        if (flow === null || !isOf(flow, kind, bytes, start) || !tags.holdsWords(words, at + 1, index)) return null;
        probe.flow = flow;
        probe.sequence = index - flow.first;
        return isProbe(probe) ? probe : null;
      }
      return null;
    },
    learn(flow) {
      if (tried.length >= mostKinds || tried.some((one) => isAlike(one, flow))) return;
      tried.push(flow);
      const kind = kindOf(flow, runTag, headersOf);
      if (kind !== null) kinds.push(kind);
    },
  };
}
