import type { FrameSpec, HexForm } from '../../../model/plan.js';
import { checksumOf, pseudoHeaderSum, readU16, sumOf, writeU16 } from '../../../wire/bytes.js';
import { etherTypes, ethernetLength } from '../../../wire/ethernet.js';
import { type FrameView, viewFrame } from '../../../wire/frame-view.js';
import { ipProtocols } from '../../../wire/ipv4.js';
import { tokenLength } from '../../../wire/token.js';
import type { FormBuilder } from '../form-builder.js';
import { addressOf, macBytesOf, unbuildable } from '../parts.js';
import type { FrameTemplate } from '../template.js';

const placeNames = ['dst_mac', 'src_mac', 'src_ip', 'dst_ip', 'token'] as const;
export type HexPlace = (typeof placeNames)[number];

/** A frame's bytes, zeros in the places, and these by offset. */
export interface HexLayout {
  readonly bytes: Uint8Array;
  readonly places: readonly { readonly name: HexPlace; readonly at: number; readonly length: number }[];
}

/** Behind MACs and tags; 0 = the bytes end before it. */
function etherTypeIn(bytes: readonly number[]): number {
  let at = ethernetLength - 2;
  const typeAt = (): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  while (typeAt() === 0x8100 || typeAt() === 0x88a8) at += 4;
  return typeAt();
}

/**
 * Reads hex text: two digits a byte, and places such as `{token}` (18 bytes), `{src_mac}` (6), `{src_ip}` (4, or 16
 * behind EtherType 86dd). White space and colons are skipped. A text is the first wrong word.
 */
export function readHex(text: string): HexLayout | string {
  const bytes: number[] = [];
  const places: HexLayout['places'][number][] = [];
  const words = text.replaceAll(/[\s:]+/g, '').match(/\{[^}]*\}|[0-9a-f]{2}|./gi) ?? [];
  for (const word of words) {
    const name = placeNames.find((each) => word === `{${each}}`);
    if (name === undefined && !/^[0-9a-f]{2}$/i.test(word)) return word;
    if (name === undefined) bytes.push(Number.parseInt(word, 16));
    else {
      const ipLength = etherTypeIn(bytes) === etherTypes.ipv6 ? 16 : 4;
      const length = { dst_mac: 6, src_mac: 6, src_ip: ipLength, dst_ip: ipLength, token: tokenLength }[name];
      places.push({ name, at: bytes.length, length });
      for (let i = 0; i < length; i += 1) bytes.push(0);
    }
  }
  return { bytes: Uint8Array.from(bytes), places };
}

/** The family of a frame's address places: IPv6 behind EtherType 86dd, else IPv4. */
export function familyOfHex(form: HexForm): 4 | 6 {
  return /^hex:\{dst_mac\}\{src_mac\}(?:(?:8100|88a8)[0-9a-f]{4})*86dd/.test(form) ? 6 : 4;
}

export function hexForm({ bytes, places }: HexLayout): HexForm {
  const hex = (from: number, to: number): string => Buffer.from(bytes.subarray(from, to)).toString('hex');
  let [text, at] = ['', 0];
  for (const place of places) {
    text += `${hex(at, place.at)}{${place.name}}`;
    at = place.at + place.length;
  }
  return `hex:${text}${hex(at, bytes.length)}`;
}

function fillPlaces({ bytes, places }: HexLayout, spec: FrameSpec): void {
  for (const { name, at, length } of places) {
    const version = length === 4 ? 4 : 6;
    if (name === 'dst_mac') bytes.set(macBytesOf(spec, spec.dstMac), at);
    else if (name === 'src_mac') bytes.set(macBytesOf(spec, spec.srcMac), at);
    else if (name === 'src_ip') bytes.set(addressOf(spec, spec.srcIp, version), at);
    else if (name === 'dst_ip') bytes.set(addressOf(spec, spec.dstIp, version), at);
  }
}

/** By protocol (RFC 768, 9293 3.1, 792, 4443 2.1). */
const checksumOffsets: Readonly<Record<number, number>> = {
  [ipProtocols.udp]: 6,
  [ipProtocols.tcp]: 16,
  [ipProtocols.icmp]: 2,
  [ipProtocols.icmpv6]: 2,
};

interface Segment {
  readonly from: number;
  readonly to: number;
  readonly checksumAt: number;
  readonly sum: number;
}

/**
 * The segment with checksum 0; null = no complete datagram, a fragment, IPv6 with extension headers, or UDP without a
 * checksum (RFC 768).
 */
function transportOf(bytes: Uint8Array, { ipVersion, protocol, srcIpAt }: FrameView): Segment | null {
  const offset = checksumOffsets[protocol];
  if (offset === undefined || ipVersion === 0) return null;
  const ipAt = srcIpAt - (ipVersion === 4 ? 12 : 8);
  const from = ipAt + (ipVersion === 4 ? ((bytes[ipAt] ?? 0) & 15) * 4 : 40);
  const to = ipVersion === 4 ? ipAt + readU16(bytes, ipAt + 2) : from + readU16(bytes, ipAt + 4);
  const isPart = ipVersion === 4 ? (readU16(bytes, ipAt + 6) & 0x3fff) !== 0 : bytes[ipAt + 6] !== protocol;
  const checksumAt = from + offset;
  if (isPart || to > bytes.length || checksumAt + 2 > to) return null;
  if (protocol === ipProtocols.udp && readU16(bytes, checksumAt) === 0) return null;
  writeU16(bytes, checksumAt, 0);
  const addressLength = ipVersion === 4 ? 4 : 16;
  const pseudo =
    protocol === ipProtocols.icmp ? 0 : pseudoHeaderSum(bytes, srcIpAt, addressLength, protocol, to - from);
  return { from, to, checksumAt, sum: pseudo + sumOf(bytes, from, to) };
}

/** Of IPv4's header, and of the transport, if they cover a place. */
function withChecksums({ bytes, places }: HexLayout, tokenAt: number): FrameTemplate {
  const plain = { bytes, tokenAt, checksumAt: -1, sum: 0, zeroAs: 0 } as const;
  const view = viewFrame(bytes, 0, bytes.length);
  if (view === null || view.protocol < 0) return plain;
  const isCovered = (from: number, to: number): boolean =>
    places.some(({ at, length }) => at >= from && at + length <= to);
  const ipAt = view.srcIpAt - 12;
  const headerEnd = ipAt + ((bytes[ipAt] ?? 0) & 15) * 4;
  if (view.ipVersion === 4 && isCovered(ipAt, headerEnd)) {
    writeU16(bytes, ipAt + 10, 0);
    writeU16(bytes, ipAt + 10, checksumOf(sumOf(bytes, ipAt, headerEnd)));
  }
  const before = bytes.slice();
  const segment = transportOf(bytes, view);
  if (segment === null) return plain;
  const { from, to, checksumAt, sum } = segment;
  const zeroAs = view.protocol === ipProtocols.udp ? 0xffff : 0;
  if (tokenAt >= from && tokenAt + tokenLength <= to) return { bytes, tokenAt, checksumAt, sum, zeroAs };
  const addressesEnd = view.dstIpAt + (view.ipVersion === 4 ? 4 : 16);
  const checksum = checksumOf(sum);
  const isKept = !isCovered(from, to) && !isCovered(view.srcIpAt, addressesEnd);
  writeU16(bytes, checksumAt, isKept ? readU16(before, checksumAt) : checksum || zeroAs);
  return plain;
}

/**
 * A scenario's own frame, with MACs and addresses of the spec in its places. Checksums that cover a place are computed,
 * others stay.
 */
export function hexBuilder(form: HexForm): FormBuilder {
  const layout = readHex(form.slice('hex:'.length));
  return {
    leastSize: () => (typeof layout === 'string' ? tokenLength : layout.bytes.length),
    template(spec) {
      const tokenAt = typeof layout === 'string' ? -1 : layout.places.find(({ name }) => name === 'token')?.at;
      if (typeof layout === 'string' || tokenAt === undefined) throw unbuildable(spec, 'has no place for a token');
      if (!Number.isInteger(spec.size) || spec.size < layout.bytes.length || spec.size > 65_535)
        throw unbuildable(spec, `has ${spec.size} bytes, it needs ${layout.bytes.length} to 65535`);
      const bytes = new Uint8Array(spec.size);
      bytes.set(layout.bytes);
      const filled = { bytes, places: layout.places };
      fillPlaces(filled, spec);
      return withChecksums(filled, tokenAt);
    },
  };
}
