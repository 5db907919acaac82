import type { Carrier, Mac, SelectedFields } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { etherTypes } from '../../wire/ethernet.js';
import { tcpFlags } from '../../wire/tcp.js';
import { isHandedOver } from '../view.js';
import { type ActingRule, actingRules } from './acting-rules.js';
import { type CopyRule, copyRules, countRules, listingOf } from './copy-rules.js';
import { segmentOf } from './segment.js';
import {
  addressValue,
  holds,
  isNamed,
  type DevicesOnWay,
  type FieldName,
  type FrameFields,
  macValue,
  type Selector,
  takesFrame,
  valuesOf,
} from './selector.js';

/** A guest from which and to which witnesses may go. */
export interface Speaker {
  readonly name: string;
  readonly mac: Mac;
  /** Its addresses, without prefix. */
  readonly ips: readonly string[];
  readonly port: string;
  readonly bridge: string;
  /** Guests of one segment reach each other over the bridge: its name, and one of each VLAN. */
  readonly segment: string;
  /** Its port is on no bridge: the host routes to it. */
  readonly isRouted: boolean;
}

/** A frame that a rule takes, between two guests. */
export interface Witness {
  readonly from: string;
  readonly to: string;
  readonly carrier: Carrier;
  /** Bytes without FCS. */
  readonly size: number;
  readonly srcIp: string | null;
  readonly dstIp: string | null;
  readonly fields: SelectedFields;
}

/** A rule with what is sent to ask it; `notAsked`: why nothing is. */
export interface AskedRule {
  readonly rule: CopyRule;
  readonly witnesses: readonly Witness[];
  readonly notAsked: string | null;
}

/** What is known of the rules of a host. */
export interface RulesSurvey {
  /** Rules of nft, filters of tc, rules of xtables. */
  readonly read: number;
  readonly rules: readonly AskedRule[];
}

export interface SurveyInput {
  readonly state: HostState;
  readonly speakers: readonly Speaker[];
  /** Ports that lead out of the machine. */
  readonly uplinks: readonly string[];
  /** Witnesses a rule; 0 = none is asked. */
  readonly perRule: number;
}

/** Witnesses of a rule and of a run, and how many are sent a second. */
export const witnessLimits = { perRule: 8, perRun: 2000, rate: 200 } as const;

/** Ports of UDP and TCP by which protocols steer networks, or carry others (IANA's registry of service names). */
const controlPorts: readonly bigint[] = [
  ...[67n, 68n, 546n, 547n, 500n, 4500n, 179n, 520n, 521n, 646n, 1985n, 2029n, 3784n, 3785n, 4784n, 5246n, 5247n],
  ...[1701n, 2152n, 3544n, 4754n, 4789n, 6081n, 8472n, 51820n, 319n, 320n, 5353n],
];
/** Echo request and reply (RFC 792, RFC 4443 4). */
const echoTypes: readonly bigint[] = [0n, 8n, 128n, 129n];
/** Local experimental EtherTypes (IEEE 802), of which no protocol is known. */
const quietTypes: readonly bigint[] = [0x88b5n, 0x88b6n];

/** Why a frame may steer the network; null = it does not. */
function controlOf({ etherType = 0n, icmpType, sourcePort, destinationPort }: FrameFields): string | null {
  const isIp = etherType === BigInt(etherTypes.ipv4) || etherType === BigInt(etherTypes.ipv6);
  if (!isIp && !quietTypes.includes(etherType)) return `EtherType 0x${etherType.toString(16)} is of a control protocol`;
  if (icmpType !== undefined && !echoTypes.includes(icmpType)) return `ICMP type ${icmpType} is a control message`;
  const port = [sourcePort, destinationPort].find((value) => value !== undefined && controlPorts.includes(value));
  return port === undefined ? null : `port ${port} is of a control protocol`;
}

/** Transports of which witnesses are made, with the bytes of their headers: TCP, UDP, ICMP, SCTP, ICMPv6. */
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
/** A token, and the least frame without its Ethernet header (IEEE 802.3). */
const [tokenBytes, leastLength, maxLength] = [18, 46, 1500];
const usualPorts = { source: 0xd649n, destination: 0xd64an } as const;

/** What a frame may have of each field, before a pair of guests is chosen. */
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

/** A frame of a pair, with what its headers have. */
interface Draft {
  readonly from: Speaker;
  readonly to: Speaker;
  readonly frame: FrameFields;
  readonly srcIp: string | null;
  readonly dstIp: string | null;
}

/** Rules that look at packets of IP alone; at those that a bridge carries if br_netfilter hands them over. */
const packetFamilies: readonly string[] = ['ip', 'ip6', 'inet'];

class Survey {
  readonly #input: SurveyInput;
  readonly #acting: readonly ActingRule[];
  readonly #bridges: ReadonlyMap<string, HostState['links'][number]>;

  constructor(input: SurveyInput, acting: readonly ActingRule[]) {
    this.#input = input;
    this.#acting = acting;
    this.#bridges = new Map(input.state.links.map((link) => [link.name, link]));
  }

  ask(rule: CopyRule): AskedRule {
    const unknown = rule.selectors.map(({ unknown: parts }) => parts).filter((parts) => parts.length > 0);
    const known = rule.selectors.filter(({ unknown: parts }) => parts.length === 0);
    if (this.#input.perRule === 0) return { rule, witnesses: [], notAsked: '--rules 0' };
    if (known.length === 0)
      return { rule, witnesses: [], notAsked: `needs ${[...new Set(unknown.flat())].join(', ')}` };
    const drafts = known.flatMap((selector) => this.#draftsOf(rule, selector));
    if (drafts.length === 0)
      return { rule, witnesses: [], notAsked: 'takes no frame that a guest may send to another' };
    const refusals = drafts.map((draft) => this.#refusal(draft));
    const allowed = drafts.filter((_, at) => refusals[at] === null);
    if (allowed.length === 0) return { rule, witnesses: [], notAsked: refusals[0] ?? '' };
    return { rule, witnesses: allowed.slice(0, this.#maxOf(rule)).map(witnessOf), notAsked: null };
  }

  /** The first frame that leaves the machine shows it: no other is sent. */
  #maxOf({ to }: CopyRule): number {
    const { uplinks, perRule } = this.#input;
    return uplinks.length > 0 && (to === null || to.some((device) => uplinks.includes(device))) ? 1 : perRule;
  }

  /** Why a frame is not sent; null = it is. */
  #refusal({ from, to, frame }: Draft): string | null {
    const control = controlOf(frame);
    if (control !== null) return control;
    const acting = this.#acting.find(
      ({ family, selector }) =>
        this.#comesTo(family, from) && takesFrame(selector, frame, wayOf(family, from, to)) !== 'no',
    );
    return acting === undefined ? null : `${acting.name} may do more with it (${acting.does})`;
  }

  /** True if rules of a family see frames from that guest. */
  #comesTo(family: string, { bridge, isRouted }: Speaker): boolean {
    if (!packetFamilies.includes(family) || isRouted) return true;
    const settings = this.#bridges.get(bridge)?.bridge ?? {};
    const tables = (['iptables', 'ip6tables'] as const).filter(
      (_, at) => family === 'inet' || at === (family === 'ip' ? 0 : 1),
    );
    return tables.some((table) => isHandedOver(table, settings, this.#input.state.sysctl));
  }

  /** Frames that a selector takes, one of each alternative in turn, each between the first guests that may send it. */
  #draftsOf({ family, to }: CopyRule, selector: Selector): readonly Draft[] {
    const speakers = this.#input.speakers.filter((speaker) => this.#comesTo(family, speaker));
    // Neither end is to be the one that gets the copies, if others are there
    const last = [...speakers].sort((a, b) => Number(to?.includes(a.port)) - Number(to?.includes(b.port)));
    const shapes = shapesOf(selector);
    const drafts: Draft[] = [];
    for (let turn = 0; turn < this.#input.perRule; turn += 1)
      for (const shape of shapes) {
        const most = Math.max(...[...shape.values()].map((values) => values.length));
        const draft = turn < most ? draftOf(shape, turn, { family, selector, speakers: last }) : null;
        if (draft !== null) drafts.push(draft);
      }
    return drafts.slice(0, this.#input.perRule);
  }
}

/** The devices of a frame's way: IP sees the bridge, all others its ports (br_netfilter_hooks.c, setup_pre_routing). */
function wayOf(family: string, from: Speaker, to: Speaker): DevicesOnWay {
  const isBridge = packetFamilies.includes(family) && !from.isRouted;
  return isBridge ? { in: from.bridge, out: from.bridge } : { in: from.port, out: to.port };
}

/** What frames of each kind may have; kinds that the selector refuses are left out. */
function shapesOf(selector: Selector): readonly Choices[] {
  const [ipv4, ipv6] = [BigInt(etherTypes.ipv4), BigInt(etherTypes.ipv6)];
  const others = valuesOf('etherType', selector, quietTypes[0] ?? 0n).filter((type) => type !== ipv4 && type !== ipv6);
  return [
    ...transports.ipv4.map((transport) => choicesOf(selector, ipv4, transport)),
    ...transports.ipv6.map((transport) => choicesOf(selector, ipv6, transport)),
    ...others.map((type) => choicesOf(selector, type, null)),
  ].filter((choices) => [...choices.values()].every((values) => values.length > 0));
}

/** The fields that each end of a frame brings, by the side where it stands. */
const endFields = {
  source: { mac: 'sourceMac', 4: 'source4', 6: 'source6' },
  destination: { mac: 'destinationMac', 4: 'destination4', 6: 'destination6' },
} as const;

/** A guest at one end of a frame, with its own MAC and one of its addresses. */
interface End {
  readonly speaker: Speaker;
  readonly ip: string | null;
  readonly fields: FrameFields;
}

function versionOf(etherType: bigint | undefined): 4 | 6 | null {
  if (etherType === BigInt(etherTypes.ipv4)) return 4;
  return etherType === BigInt(etherTypes.ipv6) ? 6 : null;
}

/** The guest at one end, if a selector takes it there. */
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

function draftOf(
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
  const [sources, destinations] = (['source', 'destination'] as const).map((side) =>
    speakers.flatMap((speaker) => endsOf(side, version, selector, speaker)),
  );
  for (const source of sources ?? [])
    for (const destination of destinations ?? []) {
      const [from, to] = [source.speaker, destination.speaker];
      if (from.name === to.name || from.segment !== to.segment) continue;
      const frame: FrameFields = { ...fields, ...source.fields, ...destination.fields };
      if (takesFrame(selector, frame, wayOf(family, from, to)) === 'yes')
        return { from, to, frame, srcIp: source.ip, dstIp: destination.ip };
    }
  return null;
}

const number = (value: bigint | undefined): number | undefined => (value === undefined ? undefined : Number(value));

function carrierOf({ etherType, protocol }: FrameFields): Carrier {
  switch (versionOf(etherType)) {
    case 4:
      if (protocol === 6n) return 'ipv4-tcp';
      return protocol === 1n ? 'ipv4-icmp' : 'ipv4-udp';
    case 6:
      return protocol === 58n ? 'ipv6-icmp' : 'ipv6-udp';
    case null:
      return 'raw';
  }
}

const ethernetBytes = 14;

function witnessOf({ from, to, frame, srcIp, dstIp }: Draft): Witness {
  const carrier = carrierOf(frame);
  const fields: Record<keyof SelectedFields, number | undefined> = {
    etherType: carrier === 'raw' ? number(frame.etherType) : undefined,
    protocol: number(frame.protocol),
    sourcePort: number(frame.sourcePort),
    destinationPort: number(frame.destinationPort),
    tcpFlags: number(frame.tcpFlags),
    icmpType: number(frame.icmpType),
    icmpCode: number(frame.icmpCode),
    dscp: number(frame.dscp),
    hopLimit: number(frame.hopLimit),
  };
  const known = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  return {
    from: from.name,
    to: to.name,
    carrier,
    size: Number(frame.length ?? 0n) + ethernetBytes,
    srcIp,
    dstIp,
    fields: known,
  };
}

/** Devices to which frames of the guests come. */
function segmentOfSpeakers({ state, speakers }: SurveyInput): ReadonlySet<string> {
  const bridges = new Set(speakers.flatMap(({ bridge, isRouted }) => (isRouted ? [] : [bridge])));
  const ports = speakers.map(({ port }) => port);
  return new Set([...bridges, ...ports, ...segmentOf(bridges, state, ports)]);
}

/** True if frames of these devices may come to a rule, by the devices that it names. */
function isAt({ selectors }: CopyRule, segment: ReadonlySet<string>): boolean {
  return selectors.some(({ devices }) =>
    devices.every(({ names, isNegated }) => isNegated || [...segment].some((device) => isNamed(device, names))),
  );
}

/**
 * Every rule of a host that copies or moves frames, with the frames that ask it: each has a guest's own MAC and
 * address, and is for another guest on the same bridge. Not asked: a rule with a condition that is no known field;
 * frames of control protocols; frames that come to a rule that keeps state or acts beyond the frame. At most 2,000
 * witnesses in all. Pure.
 */
export function surveyRules(input: SurveyInput): RulesSurvey {
  const { state } = input;
  const listing = listingOf(state.nft);
  const segment = segmentOfSpeakers(input);
  const copies = copyRules(state, listing).filter((rule) => isAt(rule, segment));
  const survey = new Survey(input, copies.length === 0 ? [] : actingRules(state, listing));
  let left: number = witnessLimits.perRun;
  const rules = copies.map((rule): AskedRule => {
    const asked = survey.ask(rule);
    if (asked.witnesses.length > left)
      return { rule, witnesses: [], notAsked: `a run has ${witnessLimits.perRun} witnesses at most` };
    left -= asked.witnesses.length;
    return asked;
  });
  return { read: countRules(state, listing, segment), rules };
}
