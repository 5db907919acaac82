import type { FrameSpec } from '../../model/plan.js';
import { probeHopLimit } from '../../probe/frames/parts.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { sameBytes } from '../../wire/bytes.js';
import { macBytes, macNumber } from '../../wire/ethernet.js';
import { type FrameView, viewFrame } from '../../wire/frame-view.js';
import { ipv4Bytes } from '../../wire/ipv4.js';
import { ipv6Bytes } from '../../wire/ipv6.js';
import { packetBeforeToken, type ProbePacket } from './answer.js';

/** A planned frame's headers, as bytes and numbers. */
export interface PlannedHeaders {
  /** Null: each frame has its own. */
  readonly srcMac: number | null;
  readonly dstMac: number;
  readonly srcIp: Uint8Array | null;
  readonly dstIp: Uint8Array | null;
  /** Bytes between the last parsed header and the token: mostly 0. */
  readonly tokenBehind: number;
  readonly packet: ProbePacket | null;
}

/**
 * A frame with an authentic token, compared with the sent one:
 * - `as-sent`: the planned MACs and IP addresses. VLAN tags may differ
 * - `routed`: other MACs, the planned IP pair, a smaller hop limit
 * - `rewritten`: other headers (NAT, MAC rewriting, a reset hop limit)
 * - `encapsulated`: the token is below another header (MPLS, VXLAN, GRE, a quoting ICMP error)
 */
export const frameFormNames = ['as-sent', 'routed', 'rewritten', 'encapsulated'] as const;
export type FrameFormName = (typeof frameFormNames)[number];

function ipBytes(text: string | null): Uint8Array | null {
  return text === null ? null : (ipv4Bytes(text) ?? ipv6Bytes(text));
}

/** Reads each address once. */
export function createHeaderReader(): (frame: FrameSpec) => PlannedHeaders {
  const macs = new Map<string, number>();
  const ips = new Map<string | null, Uint8Array | null>();
  const mac = (text: string): number => {
    const known = macs.get(text);
    if (known !== undefined) return known;
    const bytes = macBytes(text);
    const number = bytes === null ? -1 : macNumber(bytes, 0);
    macs.set(text, number);
    return number;
  };
  const ip = (text: string | null): Uint8Array | null => {
    const known = ips.get(text);
    if (known !== undefined) return known;
    const bytes = ipBytes(text);
    ips.set(text, bytes);
    return bytes;
  };
  const layouts = new Map<string, Layout>();
  const layoutFor = (frame: FrameSpec): Layout => {
    const protocol = frame.fields?.protocol ?? '';
    const key = `${frame.carrier} ${frame.form ?? ''} ${frame.vlan.length} ${frame.size} ${protocol}`;
    const known = layouts.get(key);
    if (known !== undefined) return known;
    const layout = layoutOf(frame);
    layouts.set(key, layout);
    return layout;
  };
  return (frame) => ({
    srcMac: frame.form === 'source-sweep' ? null : mac(frame.srcMac),
    dstMac: mac(frame.dstMac),
    srcIp: ip(frame.srcIp),
    dstIp: ip(frame.dstIp),
    ...layoutFor(frame),
  });
}

type Layout = Pick<PlannedHeaders, 'tokenBehind' | 'packet'>;

function layoutOf(frame: FrameSpec): Layout {
  try {
    const template = frameTemplate(frame);
    const view = viewFrame(template.bytes, 0, template.bytes.length);
    return view === null
      ? { tokenBehind: 0, packet: null }
      : { tokenBehind: template.tokenAt - view.payloadAt, packet: packetBeforeToken(template, view) };
  } catch {
    return { tokenBehind: 0, packet: null }; // a plan from elsewhere may have impossible frames
  }
}

function hasPlannedMacs(bytes: Uint8Array, view: FrameView, planned: PlannedHeaders): boolean {
  return (
    (planned.srcMac === null || macNumber(bytes, view.srcMacAt) === planned.srcMac) &&
    macNumber(bytes, view.dstMacAt) === planned.dstMac
  );
}

function hasPlannedIps(bytes: Uint8Array, view: FrameView, { srcIp, dstIp }: PlannedHeaders): boolean {
  return (
    srcIp === null || dstIp === null || (sameBytes(bytes, view.srcIpAt, srcIp) && sameBytes(bytes, view.dstIpAt, dstIp))
  );
}

/** Routing keeps the IP pair and lowers the probes' hop limit. */
function wasRouted(view: FrameView, planned: PlannedHeaders): boolean {
  return planned.srcIp !== null && view.hopLimit >= 0 && view.hopLimit < probeHopLimit;
}

/**
 * The form of a frame with its token at `tokenAt`. `view` null: its headers are unreadable, and so not the sent ones.
 */
export function formOf(
  bytes: Uint8Array,
  view: FrameView | null,
  planned: PlannedHeaders,
  tokenAt: number,
): FrameFormName {
  if (view === null || tokenAt - view.payloadAt !== planned.tokenBehind) return 'encapsulated';
  if (!hasPlannedIps(bytes, view, planned)) return 'rewritten';
  if (hasPlannedMacs(bytes, view, planned)) return 'as-sent';
  return wasRouted(view, planned) ? 'routed' : 'rewritten';
}
