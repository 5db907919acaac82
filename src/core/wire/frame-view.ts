import { number, type Of, orNull, text } from '../model/shape/shape.js';
import { arpLength, parseArp } from './arp.js';
import { etherTypes, macText, parseEthernet } from './ethernet.js';
import { parseIcmp } from './icmp.js';
import { ipProtocols, type IpHeader, ipv4Text, parseIpv4 } from './ipv4.js';
import { ipv6Text, parseIpv6 } from './ipv6.js';
import { maxInLengthField, parseSnap } from './llc.js';
import { parseTcp } from './tcp.js';
import { parseUdp } from './udp.js';
import { parseTags } from './vlan.js';
import { tokenAt, tokenLength } from './token.js';

/** A frame's headers as numbers and offsets; -1 = none. */
export interface FrameView {
  readonly dstMacAt: number;
  readonly srcMacAt: number;
  /** Outermost first, without a tag that the kernel holds aside. */
  readonly vlan: readonly number[];
  readonly etherType: number;
  /** IP's, or ARP's sender and target. */
  readonly srcIpAt: number;
  readonly dstIpAt: number;
  readonly ipVersion: 0 | 4 | 6;
  readonly hopLimit: number;
  readonly protocol: number;
  readonly icmpType: number;
  /** Data behind the last known header, for tokens. */
  readonly payloadAt: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function addArp(view: Mutable<FrameView>, bytes: Uint8Array, end: number): void {
  const arp = parseArp(bytes, view.payloadAt, end);
  if (arp === null) return;
  view.srcIpAt = arp.senderIpAt;
  view.dstIpAt = arp.targetIpAt;
  view.ipVersion = 4;
  view.payloadAt += arpLength;
}

function addIp(view: Mutable<FrameView>, version: 4 | 6, ip: IpHeader | null, bytes: Uint8Array): void {
  if (ip === null) return;
  view.srcIpAt = ip.srcAt;
  view.dstIpAt = ip.dstAt;
  view.ipVersion = version;
  view.hopLimit = ip.hopLimit;
  view.protocol = ip.protocol;
  view.payloadAt = ip.payloadAt;
  if (!ip.laterFragment) addTransport(view, bytes, ip.payloadEnd);
}

function addTransport(view: Mutable<FrameView>, bytes: Uint8Array, end: number): void {
  const at = view.payloadAt;
  if (view.protocol === ipProtocols.udp) view.payloadAt = parseUdp(bytes, at, end)?.payloadAt ?? at;
  else if (view.protocol === ipProtocols.tcp) view.payloadAt = parseTcp(bytes, at, end)?.payloadAt ?? at;
  else if (view.protocol === (view.ipVersion === 4 ? ipProtocols.icmp : ipProtocols.icmpv6)) {
    const icmp = parseIcmp(bytes, at, end);
    view.icmpType = icmp?.type ?? -1;
    view.payloadAt = icmp?.payloadAt ?? at;
  }
}

/**
 * Headers of `bytes[start, end)`; null = incomplete Ethernet or tags. Ends at cut or unknown parts. Ignores checksums
 * and lengths, which guests with offloads send wrong.
 */
export function viewFrame(bytes: Uint8Array, start: number, end: number): FrameView | null {
  const ethernet = parseEthernet(bytes, start, end);
  if (ethernet === null) return null;
  const { dstMacAt, srcMacAt } = ethernet;
  const tags = parseTags(bytes, ethernet.payloadAt, end, ethernet.etherType);
  if (tags === null) return null;
  const { ids: vlan } = tags;
  // What LLC and SNAP carry is the same protocol in another envelope (RFC 1042).
  const snap = tags.etherType <= maxInLengthField ? parseSnap(bytes, tags.payloadAt, end) : null;
  const etherType = snap?.etherType ?? tags.etherType;
  const view: Mutable<FrameView> = {
    dstMacAt,
    srcMacAt,
    vlan,
    etherType,
    srcIpAt: -1,
    dstIpAt: -1,
    ipVersion: 0,
    hopLimit: -1,
    protocol: -1,
    icmpType: -1,
    payloadAt: snap?.payloadAt ?? tags.payloadAt,
  };
  if (etherType === etherTypes.arp) addArp(view, bytes, end);
  else if (etherType === etherTypes.ipv4) addIp(view, 4, parseIpv4(bytes, view.payloadAt, end), bytes);
  else if (etherType === etherTypes.ipv6) addIp(view, 6, parseIpv6(bytes, view.payloadAt, end), bytes);
  return view;
}

export const parsedFrameShape = {
  srcMac: text,
  dstMac: text,
  vlan: [number],
  etherType: number,
  srcIp: orNull(text),
  dstIp: orNull(text),
  hopLimit: orNull(number),
  protocol: orNull(number),
  icmpType: orNull(number),
  payloadAt: number,
};
/** Headers in words, for reports. */
export type ParsedFrame = Of<typeof parsedFrameShape>;

/** As `viewFrame`, with addresses as text. */
export function describeFrame(frame: Uint8Array): ParsedFrame | null {
  const view = viewFrame(frame, 0, frame.length);
  if (view === null) return null;
  const addressText = view.ipVersion === 4 ? ipv4Text : ipv6Text;
  const address = (at: number): string | null => (at < 0 ? null : addressText(frame, at));
  const known = (value: number): number | null => (value < 0 ? null : value);
  return {
    srcMac: macText(frame, view.srcMacAt),
    dstMac: macText(frame, view.dstMacAt),
    vlan: view.vlan,
    etherType: view.etherType,
    srcIp: address(view.srcIpAt),
    dstIp: address(view.dstIpAt),
    hopLimit: known(view.hopLimit),
    protocol: known(view.protocol),
    icmpType: known(view.icmpType),
    payloadAt: view.payloadAt,
  };
}

/**
 * The end of a frame without payload: behind headers and last token, so that it is judged as before. Without Ethernet
 * and token it keeps nothing.
 */
export function keptEnd(bytes: Uint8Array, start: number, end: number, runTag: number | null): number {
  let until = viewFrame(bytes, start, end)?.payloadAt ?? start;
  for (let at = tokenAt(bytes, start, end, runTag, -1); at >= 0; at = tokenAt(bytes, at + 1, end, runTag, -1))
    until = Math.max(until, at + tokenLength);
  return Math.min(end, until);
}
