import type { FrameSpec } from '../../model/plan.js';
import { probeHopLimit } from '../../probe/frames/parts.js';
import { macBytes, macNumber } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import { ipv4Bytes } from '../../wire/ipv4.js';
import { ipv6Bytes } from '../../wire/ipv6.js';

/** The headers of a planned frame, as octets and numbers. */
export interface PlannedHeaders {
  /** Null: each frame has one of its own. */
  readonly srcMac: number | null;
  readonly dstMac: number;
  readonly srcIp: Uint8Array | null;
  readonly dstIp: Uint8Array | null;
}

/** What a frame with a token is, by its headers: `classify.ts` has the rule. */
export type FrameFormName = 'as-sent' | 'routed' | 'answer';

function ipBytes(text: string | null): Uint8Array | null {
  return text === null ? null : (ipv4Bytes(text) ?? ipv6Bytes(text));
}

/** A reader of planned headers; each address is read once. */
export function createHeaderReader(): (frame: FrameSpec) => PlannedHeaders {
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
  return (frame) => ({
    srcMac: frame.form === 'source-sweep' ? null : mac(frame.srcMac),
    dstMac: mac(frame.dstMac),
    srcIp: ip(frame.srcIp),
    dstIp: ip(frame.dstIp),
  });
}

/** Are the octets at `at` those expected? -1 = there are none. */
export function sameOctets(bytes: Uint8Array, at: number, expected: Uint8Array): boolean {
  if (at < 0) return false;
  for (let i = 0; i < expected.length; i += 1) if (bytes[at + i] !== expected[i]) return false;
  return true;
}

/** How a frame's headers stand to the planned ones. */
export function formOf(bytes: Uint8Array, view: FrameView, planned: PlannedHeaders): FrameFormName {
  const sameIps =
    planned.srcIp === null ||
    planned.dstIp === null ||
    (sameOctets(bytes, view.srcIpAt, planned.srcIp) && sameOctets(bytes, view.dstIpAt, planned.dstIp));
  if (!sameIps) return 'answer';
  if (
    (planned.srcMac === null || macNumber(bytes, view.srcMacAt) === planned.srcMac) &&
    macNumber(bytes, view.dstMacAt) === planned.dstMac
  )
    return 'as-sent';
  return planned.srcIp !== null && view.hopLimit >= 0 && view.hopLimit < probeHopLimit ? 'routed' : 'answer';
}
