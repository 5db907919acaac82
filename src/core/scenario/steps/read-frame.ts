import type { z } from 'zod';
import type { Carrier, Expectation, ProbeEntry } from '../../model/scenario.js';
import { CaptureReader } from '../../pcap/capture-reader.js';
import { hexForm, type HexLayout, readHex } from '../../probe/frames/forms/hex.js';
import { etherTypes, isGroupMacText, macText } from '../../wire/ethernet.js';
import { viewFrame } from '../../wire/frame-view.js';
import { ipProtocols } from '../../wire/ipv4.js';
import { tokenLength } from '../../wire/token.js';
import { quote } from '../../text/escape.js';
import { parseIp } from '../../text/ip-address.js';
import type { probe } from '../schema/step.js';
import { describe, where } from '../yaml/explain-issue.js';
import type { Path } from '../yaml/fault.js';
import type { StepContext } from './step-context.js';

type RawProbe = z.output<typeof probe>;

export const frameKeys = ['hex', 'pcap', 'frame', 'token_at'] as const;
const saidByFrame = ['carriers', 'vlan'] as const;
const [macs, lastTokenAt] = [12, 110];
/** LINKTYPE_ETHERNET. */
const ethernetLink = 1;

/** Frame `number`, from 1, of a pcap or pcapng; a text is the error. */
function frameOf(capture: Uint8Array, number: number): Uint8Array | string {
  const reader = new CaptureReader();
  const links = new Map<number, number>();
  let frames = 0;
  for (const item of [...reader.push(capture), ...reader.end()]) {
    if (item.kind === 'interface') links.set(item.id, item.linkType);
    if (item.kind === 'damage' && item.fatal) return `${item.message} (pcap and pcapng are read)`;
    if (item.kind !== 'batch') continue;
    const at = number - 1 - frames;
    frames += item.count;
    if (at >= item.count) continue;
    const [offset = 0, captured = 0] = [item.offset[at], item.captured[at]];
    if (links.get(item.interfaceId[at] ?? 0) !== ethernetLink) return `frame ${number} is not Ethernet`;
    if (captured < (item.original[at] ?? 0)) return `frame ${number} was cut to ${captured} bytes when it was captured`;
    return item.bytes.slice(offset, offset + captured);
  }
  return `it has ${frames} frames, expected at least ${number}`;
}

function tokenFault({ bytes, places }: HexLayout, tokenAt: number): string | null {
  const end = tokenAt + tokenLength;
  if (tokenAt < macs + 2 || tokenAt % 2 !== 0 || tokenAt > lastTokenAt || end > bytes.length)
    return `has its token at byte ${tokenAt}, expected an even number from 14 to ${lastTokenAt} within the frame`;
  const overlaps = places.some(({ name, at, length }) => name !== 'token' && at < end && at + length > tokenAt);
  return overlaps ? `has a place within its token, bytes ${tokenAt} to ${end - 1}` : null;
}

const macPlaces = [
  { name: 'dst_mac', at: 0, length: 6 },
  { name: 'src_mac', at: 6, length: 6 },
] as const;
const frontFault = 'begins with something else, expected two MACs or {dst_mac} and {src_mac}';

/** A frame begins with two MACs, and has one token at most; null = no fault. */
function placesFault({ bytes, places }: HexLayout): string | null {
  if (bytes.length < macs + 2) return `has ${bytes.length} bytes, expected two MACs, an EtherType and a token`;
  const inFront = new Map<number, string>(macPlaces.map(({ name, at }) => [at, name]));
  if (places.some(({ name, at }) => at < macs && name !== inFront.get(at))) return frontFault;
  const tokens = places.filter(({ name }) => name === 'token').length;
  return tokens > 1 ? `has ${tokens} tokens, expected one {token}` : null;
}

/** With the MACs as places, and a token if missing: at `at`, else at the end behind the headers. */
function withPlaces(layout: HexLayout, at: number | undefined): HexLayout | string {
  const { bytes, places } = layout;
  const fault = placesFault(layout);
  if (fault !== null) return fault;
  const writtenAt = places.find(({ name }) => name === 'token')?.at ?? at;
  const payloadAt = viewFrame(bytes, 0, bytes.length)?.payloadAt ?? macs + 2;
  const tokenAt = writtenAt ?? (bytes.length - tokenLength) & ~1;
  if (writtenAt === undefined && tokenAt < payloadAt)
    return `has ${bytes.length - payloadAt} bytes behind its headers, expected 18 for a token: write {token} or "token_at", or make it longer by "size"`;
  const misplaced = tokenFault(layout, tokenAt);
  if (misplaced !== null) return misplaced;
  const behind = places.filter((place) => place.at >= macs && place.name !== 'token');
  const token = { name: 'token', at: tokenAt, length: tokenLength } as const;
  const empty = bytes
    .slice()
    .fill(0, 0, macs)
    .fill(0, tokenAt, tokenAt + tokenLength);
  return { bytes: empty, places: [...macPlaces, ...[...behind, token].sort((a, b) => a.at - b.at)] };
}

function carrierOf(bytes: Uint8Array): { readonly carrier: Carrier; readonly vlan: readonly number[] } {
  const view = viewFrame(bytes, 0, bytes.length);
  const vlan = view?.vlan ?? [];
  if (view?.etherType === etherTypes.arp) return { carrier: 'arp', vlan };
  if (view?.ipVersion === 6) {
    if (view.protocol === ipProtocols.udp) return { carrier: 'ipv6-udp', vlan };
    return { carrier: view.protocol === ipProtocols.icmpv6 ? 'ipv6-icmp' : 'raw', vlan };
  }
  const byProtocol = new Map<number, Carrier>([
    [ipProtocols.udp, 'ipv4-udp'],
    [ipProtocols.tcp, 'ipv4-tcp'],
    [ipProtocols.icmp, 'ipv4-icmp'],
  ]);
  return { carrier: byProtocol.get(view?.protocol ?? -1) ?? 'raw', vlan };
}

function layoutOf({ readBeside }: StepContext, { hex, pcap = '', frame = 1 }: RawProbe): HexLayout | string {
  if (hex !== undefined) {
    const layout = readHex(hex);
    return typeof layout === 'string'
      ? `expected two hex digits a byte, or {dst_mac}, {src_mac}, {src_ip}, {dst_ip} or {token}, got ${quote(layout)}`
      : layout;
  }
  const capture = readBeside(pcap);
  const bytes = typeof capture === 'string' ? capture : frameOf(capture, frame);
  return typeof bytes === 'string' ? `${quote(pcap)} cannot be read: ${bytes}` : { bytes, places: [] };
}

type OwnMacs = Pick<ProbeEntry, 'dstMac' | 'srcMac'>;

function macsOf({ bytes, places }: HexLayout, { hex, to, src_mac, dst_mac }: RawProbe): OwnMacs {
  const written = (start: number): string | null =>
    places.some(({ at }) => at === start) ? null : macText(bytes, start);
  const isCaptured = hex === undefined;
  return {
    dstMac: dst_mac?.toLowerCase() ?? (isCaptured && to !== undefined ? null : written(0)),
    srcMac: src_mac?.toLowerCase() ?? (isCaptured ? null : written(6)),
  };
}

function macFaults({ dstMac, srcMac }: OwnMacs, hasAddressee: boolean, onHost: boolean): readonly string[] {
  return [
    ...(dstMac !== null && hasAddressee ? [`goes to ${describe(dstMac)}, expected {dst_mac} beside "to"`] : []),
    ...(dstMac === null && !hasAddressee ? ['{dst_mac} has no value, expected "to" or "dst_mac" beside it'] : []),
    ...(onHost && srcMac !== null
      ? [`the source MAC is ${describe(srcMac)}, on a host expected {src_mac}, the sender's own`]
      : []),
  ];
}

type KeyFault = readonly [key: string, fault: string];

/** Keys without a place in the frame, or in conflict with it. */
function keyFaults({ bytes, places }: HexLayout, raw: RawProbe): readonly KeyFault[] {
  const placeOf = (name: string): HexLayout['places'][number] | undefined =>
    places.find((place) => place.name === name);
  const addresses = (['src_ip', 'dst_ip'] as const).flatMap((key): readonly KeyFault[] => {
    const [value, place] = [raw[key], placeOf(key)];
    if (value === undefined) return [];
    if (place === undefined) return [[key, `the frame has no place for it, expected {${key}} in "hex"`]];
    const family = place.length === 4 ? 4 : 6;
    return (parseIp(value)?.family ?? family) === family
      ? []
      : [[key, `expected an IPv${family} address, as the place in the frame has, got ${describe(value)}`]];
  });
  const literals = macPlaces.flatMap(({ name, at }): readonly KeyFault[] => {
    const written = macText(bytes, at);
    const isLiteral = raw.hex !== undefined && places.every((place) => place.at !== at);
    return isLiteral && raw[name] !== undefined && raw[name].toLowerCase() !== written
      ? [[name, `the frame writes ${describe(written)} itself, expected {${name}} in "hex"`]]
      : [];
  });
  const token = placeOf('token');
  const isElsewhere = token !== undefined && raw.token_at !== undefined && raw.token_at !== token.at;
  return [
    ...addresses,
    ...literals,
    ...(isElsewhere ? [['token_at', `{token} stands at byte ${token.at}, expected no such key`] as const] : []),
  ];
}

type FrameKeys = OwnMacs & Pick<ProbeEntry, 'form' | 'carriers' | 'vlanStacks'>;

/**
 * Reads the frame of an entry of class `frame`: null = a fault, or another class. MACs in `hex` count as `src_mac` and
 * `dst_mac`; a capture's frame gets the sender's and, with `to`, the addressee's.
 */
export function readFrame(context: StepContext, raw: RawProbe, path: Path): FrameKeys | null {
  if (raw.class !== 'frame') return null;
  const { faults, reading } = context;
  const refuse = (key: string, text: string): void => faults.add([...path, key], `${where([...path, key])}: ${text}`);
  for (const key of saidByFrame) if (raw[key] !== undefined) refuse(key, 'the frame says this, expected no such key');
  if ((raw.hex === undefined) === (raw.pcap === undefined)) {
    faults.add(path, `${where(path)}: expected either "hex" or "pcap"`);
    return null;
  }
  const key = raw.hex === undefined ? 'pcap' : 'hex';
  if (key === 'hex' && raw.frame !== undefined) refuse('frame', 'expected "pcap" beside it');
  const read = layoutOf(context, raw);
  if (typeof read === 'string') {
    refuse(key, read);
    return null;
  }
  const bytes = new Uint8Array(Math.max(raw.size ?? 0, read.bytes.length));
  bytes.set(read.bytes);
  const frameMacs = macsOf({ bytes, places: read.places }, raw);
  const wrong = macFaults(frameMacs, raw.to !== undefined, reading.topology.provider === 'host');
  for (const text of wrong) refuse(key, text);
  for (const [name, text] of keyFaults(read, raw)) refuse(name, text);
  const layout = withPlaces({ bytes, places: read.places }, raw.token_at);
  if (typeof layout === 'string') refuse(key, `the frame ${layout}`);
  if (typeof layout === 'string' || wrong.length > 0) return null;
  const { carrier, vlan } = carrierOf(layout.bytes);
  return { ...frameMacs, form: hexForm(layout), carriers: [carrier], vlanStacks: [vlan] };
}

/** A frame to a group reaches every listening guest: the scenario has to name those that may see it. */
export function checkGroups(
  { faults }: StepContext,
  probes: readonly { readonly path: Path; readonly entry: ProbeEntry | null }[],
  { maySee, expected }: Expectation,
): void {
  for (const { path, entry } of probes)
    if (
      entry?.class === 'frame' &&
      expected !== null &&
      (entry.maySee ?? maySee) === null &&
      isGroupMacText(entry.dstMac ?? '')
    )
      faults.add(
        path,
        `${where(path)}: the frame goes to a group, ${describe(entry.dstMac)}, expected "may_see" with its receivers`,
      );
}
