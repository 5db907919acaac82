import type { Mac } from '../../model/scenario.js';
import { etherTypes } from '../../wire/ethernet.js';
import { tcpFlags } from '../../wire/tcp.js';
import { packetFamilies } from './acting-rules.js';
import {
  addressValue,
  type DevicesOnWay,
  everything,
  type FieldName,
  type FrameFields,
  holds,
  macValue,
  type Selector,
  takesFrame,
  valuesOf,
} from './selector.js';
import { groupBy } from '../../text/collections.js';

/** A guest that may send and receive witnesses. */
export interface Speaker {
  readonly name: string;
  readonly mac: Mac;
  readonly ips: readonly string[];
  readonly port: string;
  readonly bridge: string;
  /** Guests of one segment (bridge and VLAN) reach each other. */
  readonly segment: string;
  /** The host routes to its port. */
  readonly isRouted: boolean;
}

/** Local experimental EtherTypes (IEEE 802) without a known protocol. */
export const quietTypes: readonly bigint[] = [0x88b5n, 0x88b6n];

const transports = {
  ipv4: [
    [6, 20],
    [17, 8],
    [1, 8],
    [132, 12],
  ],
  ipv6: [
    [6, 20],
    [17, 8],
    [58, 8],
    [132, 12],
  ],
} as const;
/** The least frame is IEEE 802.3's, without its Ethernet header. */
const [tokenBytes, leastLength, maxLength] = [18, 46, 1500];
const usualPorts = { source: 0xd649n, destination: 0xd64an } as const;

type Choices = ReadonlyMap<FieldName, readonly bigint[]>;

function choicesOf(selector: Selector, etherType: bigint, transport: readonly [number, number] | null): Choices {
  const header = transport === null ? 0 : transport[1] + (etherType === BigInt(etherTypes.ipv4) ? 20 : 40);
  const least = BigInt(Math.max(leastLength, header + tokenBytes));
  const usual: [FieldName, bigint][] = [
    ['etherType', etherType],
    ['length', least],
  ];
  if (transport !== null) {
    const [protocol] = transport;
    usual.push(['protocol', BigInt(protocol)], ['dscp', 0n], ['hopLimit', 64n]);
    if (protocol === 1 || protocol === 58) usual.push(['icmpType', protocol === 1 ? 8n : 128n], ['icmpCode', 0n]);
    else usual.push(['sourcePort', usualPorts.source], ['destinationPort', usualPorts.destination]);
    if (protocol === 6) usual.push(['tcpFlags', BigInt(tcpFlags.syn)]);
  }
  const fixed: readonly FieldName[] = ['etherType', 'protocol'];
  return new Map(
    usual.map(([field, value]) => {
      const values = fixed.includes(field)
        ? [value].filter((usualValue) => valuesOf(field, selector, usualValue).includes(usualValue))
        : valuesOf(field, selector, value);
      return [field, field === 'length' ? values.filter((length) => length >= least && length <= maxLength) : values];
    }),
  );
}

export interface Draft {
  readonly from: Speaker;
  readonly to: Speaker;
  readonly frame: FrameFields;
  readonly srcIp: string | null;
  readonly dstIp: string | null;
}

/** Devices on a frame's way: IP sees the bridge, others its ports (br_netfilter_hooks.c, setup_pre_routing). */
export function wayOf(family: string, from: Speaker, to: Speaker): DevicesOnWay {
  const isBridge = packetFamilies.includes(family) && !from.isRouted;
  return isBridge ? { in: from.bridge, out: from.bridge } : { in: from.port, out: to.port };
}

/** Frame values by kind, without kinds that the selector refuses. */
export function shapesOf(selector: Selector): readonly Choices[] {
  const [ipv4, ipv6] = [BigInt(etherTypes.ipv4), BigInt(etherTypes.ipv6)];
  const others = valuesOf('etherType', selector, quietTypes[0] ?? 0n).filter((type) => type !== ipv4 && type !== ipv6);
  return [
    ...transports.ipv4.map((transport) => choicesOf(selector, ipv4, transport)),
    ...transports.ipv6.map((transport) => choicesOf(selector, ipv6, transport)),
    ...others.map((type) => choicesOf(selector, type, null)),
  ].filter((choices) => [...choices.values()].every((values) => values.length > 0));
}

const endFields = {
  source: { mac: 'sourceMac', 4: 'source4', 6: 'source6' },
  destination: { mac: 'destinationMac', 4: 'destination4', 6: 'destination6' },
} as const;

interface End {
  readonly speaker: Speaker;
  readonly ip: string | null;
  readonly fields: FrameFields;
}

export function versionOf(etherType: bigint | undefined): 4 | 6 | null {
  if (etherType === BigInt(etherTypes.ipv4)) return 4;
  return etherType === BigInt(etherTypes.ipv6) ? 6 : null;
}

function endsOf(
  side: keyof typeof endFields,
  version: 4 | 6 | null,
  selector: Selector,
  speaker: Speaker,
): readonly End[] {
  const { mac, ...byVersion } = endFields[side];
  const names: readonly FieldName[] = Object.values(endFields[side]);
  const conditions = selector.constraints.filter(({ field }) => names.includes(field));
  const fits = (fields: FrameFields): boolean =>
    conditions.every((condition) => {
      const value = fields[condition.field];
      return value !== undefined && holds(condition, value);
    });
  const withMac = { [mac]: macValue(speaker.mac) ?? 0n };
  const ends =
    version === null
      ? [{ speaker, ip: null, fields: withMac }]
      : speaker.ips
          .filter((ip) => ip.includes(':') === (version === 6))
          .map((ip) => ({
            speaker,
            ip,
            fields: { ...withMac, [byVersion[version]]: addressValue(ip, version) ?? 0n },
          }));
  return ends.filter(({ fields }) => fits(fields)).slice(0, 1);
}

function standsAt(
  end: keyof typeof endFields,
  speaker: Speaker,
  { family, selector }: { readonly family: string; readonly selector: Selector },
): boolean {
  const side = end === 'source' ? 'in' : 'out';
  const devices = selector.devices.filter((device) => device.side === side);
  return takesFrame({ ...everything, devices }, {}, wayOf(family, speaker, speaker)) === 'yes';
}

export function draftOf(
  shape: Choices,
  turn: number,
  {
    family,
    selector,
    speakers,
  }: { readonly family: string; readonly selector: Selector; readonly speakers: readonly Speaker[] },
): Draft | null {
  const fields = Object.fromEntries([...shape].map(([field, values]) => [field, values[turn % values.length] ?? 0n]));
  const version = versionOf(fields['etherType']);
  const [sources = [], destinations = []] = (['source', 'destination'] as const).map((side) =>
    speakers
      .filter((speaker) => standsAt(side, speaker, { family, selector }))
      .flatMap((speaker) => endsOf(side, version, selector, speaker)),
  );
  const bySegment = groupBy(destinations, ({ speaker }) => speaker.segment);
  for (const source of sources) {
    const from = source.speaker;
    const destination = bySegment.get(from.segment)?.find(({ speaker }) => speaker.name !== from.name);
    if (destination === undefined) continue;
    const to = destination.speaker;
    const frame: FrameFields = { ...fields, ...source.fields, ...destination.fields };
    // each end meets the conditions on it: the others hold for all pairs or for none
    return takesFrame(selector, frame, wayOf(family, from, to)) === 'yes'
      ? { from, to, frame, srcIp: source.ip, dstIp: destination.ip }
      : null;
  }
  return null;
}
