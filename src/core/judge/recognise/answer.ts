import type { Flow, Plan } from '../../model/plan.js';
import type { Mac } from '../../model/scenario.js';
import type { FrameTemplate } from '../../probe/frames/template.js';
import { sameBytes } from '../../wire/bytes.js';
import { ethernetLength, isGroupMac, macBytes, macNumber, macText } from '../../wire/ethernet.js';
import type { FrameView } from '../../wire/frame-view.js';
import { icmpLength, icmpTypes, isIcmpError } from '../../wire/icmp.js';
import { ipProtocols, ipv4Bytes, ipv4Length } from '../../wire/ipv4.js';
import { ipv6Bytes, ipv6Length } from '../../wire/ipv6.js';

/** Answers repeat an IP packet up to the token. */
export interface ProbePacket {
  readonly bytes: Uint8Array;
  /** By offset, 1 for bytes that routers and stacks keep, without addresses. */
  readonly stays: Uint8Array;
  readonly isEcho: boolean;
}

/** A planned packet with its addresses; null = none. */
export interface AskedPacket {
  readonly srcIp: Uint8Array | null;
  readonly dstIp: Uint8Array | null;
  readonly packet: ProbePacket | null;
}

/** An ICMP error that quotes a probe, or an echo reply, from a permitted party to its source. */
export interface ProbeAnswer {
  /** For a host that is no endpoint, its bridge or port. */
  readonly by: string;
  /** Of the enclosing frame. null = in a tunnel. */
  readonly dstMac: Mac | null;
}

/** Bytes that routers, or stacks before quoting, change (RFC 791 3.1, RFC 8200 3). */
const changing = { 4: [1, 2, 3, 6, 7, 8, 10, 11], 6: [1, 2, 3, 7] } as const;
const addressesAt = { 4: [12, 20], 6: [8, 40] } as const;

/** The packet of a frame as far as answers repeat it; null = not IP. */
export function packetBeforeToken(
  { bytes, tokenAt, checksumAt }: FrameTemplate,
  { ipVersion, protocol, srcIpAt, icmpType }: FrameView,
): ProbePacket | null {
  if (ipVersion === 0 || protocol < 0) return null;
  const [first, last] = addressesAt[ipVersion];
  const at = srcIpAt - first;
  const packet = bytes.slice(at, tokenAt);
  const stays = new Uint8Array(packet.length).fill(1).fill(0, first, last);
  for (const offset of changing[ipVersion]) stays[offset] = 0;
  // It covers the token
  if (checksumAt >= at) stays.fill(0, checksumAt - at, checksumAt - at + 2);
  return {
    bytes: packet,
    stays,
    isEcho: [icmpTypes.echoRequest, icmpTypes.echoRequestV6].some((type) => type === icmpType),
  };
}

class Routers {
  private readonly byAddress = new Map<string, string>();
  private readonly byMac = new Map<number, string>();

  constructor({ endpoints, bridgeMacs }: Pick<Plan, 'endpoints' | 'bridgeMacs'>) {
    const add = (mac: string, name: string): void => {
      const bytes = macBytes(mac);
      if (bytes !== null) this.byMac.set(macNumber(bytes, 0), name);
    };
    for (const [place, mac] of Object.entries(bridgeMacs)) add(mac, place);
    for (const { name, role, macs, ips } of endpoints) {
      if (role === 'guest') continue;
      for (const mac of macs) add(mac, name);
      for (const { address } of ips) this.byAddress.set((ipv4Bytes(address) ?? ipv6Bytes(address) ?? []).join(), name);
    }
  }

  named(address: Uint8Array, mac: number | null): string | undefined {
    return this.byAddress.get(address.join()) ?? (mac === null ? undefined : this.byMac.get(mac));
  }
}

function isQuoted(bytes: Uint8Array, at: number, { srcIp, dstIp, packet }: AskedPacket): boolean {
  if (packet === null || srcIp === null || dstIp === null) return false;
  const [srcAt] = addressesAt[srcIp.length === 4 ? 4 : 6];
  return (
    packet.bytes.every((byte, offset) => packet.stays[offset] === 0 || bytes[at + offset] === byte) &&
    sameBytes(bytes, at + srcAt, srcIp) &&
    sameBytes(bytes, at + srcAt + srcIp.length, dstIp)
  );
}

function icmpOf(
  bytes: Uint8Array,
  tokenAt: number,
  version: 4 | 6,
  sentPacket: AskedPacket & { readonly packet: ProbePacket },
): { readonly at: number; readonly isReply: boolean } | null {
  const { packet } = sentPacket;
  const quotedAt = tokenAt - packet.bytes.length;
  const errorAt = quotedAt - icmpLength;
  if (errorAt >= 0 && isIcmpError(version, bytes[errorAt] ?? -1) && isQuoted(bytes, quotedAt, sentPacket))
    return { at: errorAt, isReply: false };
  const replyAt = tokenAt - icmpLength;
  const type = version === 4 ? icmpTypes.echoReply : icmpTypes.echoReplyV6;
  // identifier and sequence
  const isReply = packet.isEcho && bytes[replyAt] === type && sameBytes(bytes, tokenAt - 4, packet.bytes.subarray(-4));
  return isReply ? { at: replyAt, isReply } : null;
}

/** A frame with a token, and the token's flow. */
export interface TokenFrame {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly tokenAt: number;
  readonly view: FrameView | null;
  readonly flow: Flow;
  readonly sentPacket: AskedPacket;
}

interface OuterHeader {
  readonly srcAt: number;
  readonly source: Uint8Array;
  readonly isReply: boolean;
}

function outerHeader({ bytes, start, tokenAt, sentPacket }: TokenFrame): OuterHeader | null {
  const { srcIp, packet } = sentPacket;
  if (srcIp === null || packet === null) return null;
  const version = srcIp.length === 4 ? 4 : 6;
  const icmp = icmpOf(bytes, tokenAt, version, { ...sentPacket, packet });
  if (icmp === null) return null;
  const at = icmp.at - (version === 4 ? ipv4Length : ipv6Length);
  const srcAt = at + addressesAt[version][0];
  const protocol = bytes[at + (version === 4 ? 9 : 6)];
  const isIcmp = protocol === (version === 4 ? ipProtocols.icmp : ipProtocols.icmpv6);
  if (at < start + ethernetLength || (bytes[at] ?? 0) >> 4 !== version || !isIcmp) return null;
  const source = bytes.subarray(srcAt, srcAt + srcIp.length);
  return sameBytes(bytes, srcAt + srcIp.length, srcIp) ? { srcAt, source, isReply: icmp.isReply } : null;
}

function isMadeByStack({ ipVersion, icmpType }: FrameView): boolean {
  return (
    icmpType === (ipVersion === 4 ? icmpTypes.echoReply : icmpTypes.echoReplyV6) || isIcmpError(ipVersion, icmpType)
  );
}

/**
 * Made by the host or a router: a `reply` (echo reply, ICMP error), or the token as `payload` to another addressee, as
 * from a proxy or tunnel.
 */
export type StackMade = 'reply' | 'payload';

/**
 * Reads how the host or an uplink made a frame that the sender cannot have addressed. null = not made there, or perhaps
 * forwarded.
 */
export function createStackReader(
  plan: Pick<Plan, 'endpoints' | 'bridgeMacs'>,
): (frame: Pick<TokenFrame, 'bytes' | 'view' | 'sentPacket'>) => StackMade | null {
  const routers = new Routers(plan);
  return ({ bytes, view, sentPacket }) => {
    if (view === null || view.ipVersion === 0 || isGroupMac(bytes, view.dstMacAt)) return null;
    const length = view.ipVersion === 4 ? 4 : 16;
    const isFor = (address: Uint8Array | null): boolean =>
      address?.length === length && sameBytes(bytes, view.dstIpAt, address);
    const source = bytes.subarray(view.srcIpAt, view.srcIpAt + length);
    const isRouters = routers.named(source, macNumber(bytes, view.srcMacAt)) !== undefined;
    if (!isRouters || isFor(sentPacket.srcIp)) return null;
    if (view.icmpType >= 0) return isMadeByStack(view) ? 'reply' : null;
    return isFor(sentPacket.dstIp) ? null : 'payload';
  };
}

/**
 * Reads a frame's answerer, null = no answer. Looks back from the token, so into tunnels. Groups get neither errors nor
 * replies (RFC 1122 3.2.2).
 */
export function createAnswerReader(
  plan: Pick<Plan, 'endpoints' | 'bridgeMacs'>,
): (frame: TokenFrame) => ProbeAnswer | null {
  const routers = new Routers(plan);
  return (frame) => {
    const outer = outerHeader(frame);
    const { bytes, view, flow, sentPacket } = frame;
    if (outer === null || sentPacket.dstIp === null) return null;
    const { srcAt, source, isReply } = outer;
    const direct = view?.srcIpAt === srcAt ? view : null;
    const isAddressee = sameBytes(source, 0, sentPacket.dstIp);
    if ((isReply && !isAddressee) || (direct !== null && isGroupMac(bytes, direct.dstMacAt))) return null;
    const router = routers.named(source, direct === null ? null : macNumber(bytes, direct.srcMacAt));
    const by = isAddressee ? (flow.to ?? router) : router;
    return by === undefined ? null : { by, dstMac: direct === null ? null : macText(bytes, direct.dstMacAt) };
  };
}
