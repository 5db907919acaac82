import { linkNamed } from '../host.js';
import type { Carrier, SelectedFields } from '../../model/scenario.js';
import type { HostState } from '../../model/state.js';
import { etherTypes } from '../../wire/ethernet.js';
import { isHandedOver } from '../view.js';
import { type ActingRule, actingRules, copiesComeTo, type CopyComesTo, packetFamilies } from './acting-rules.js';
import { type CopyRule, copyRules, countRules } from './copy-rules.js';
import { type Draft, draftOf, quietTypes, shapesOf, type Speaker, versionOf, wayOf } from './drafts.js';
import { segmentOf } from './segment.js';
import { type FrameFields, isNamed, type Selector, takesFrame } from './selector.js';

/** A frame between guests that a rule takes. */
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

/** A rule with its witnesses, or why it has none. */
export interface AskedRule {
  readonly rule: CopyRule;
  readonly witnesses: readonly Witness[];
  readonly notAsked: string | null;
}

export interface RulesSurvey {
  readonly read: number;
  readonly rules: readonly AskedRule[];
}

export interface SurveyInput {
  readonly state: HostState;
  readonly speakers: readonly Speaker[];
  readonly uplinks: readonly string[];
  /** 0 = none. */
  readonly perRule: number;
}

/** Witnesses of a rule and of a run, and a second. */
export const witnessLimits = { perRule: 8, perRun: 2000, rate: 200 } as const;

/** IANA's registry of service names. */
const controlPorts: readonly bigint[] = [
  ...[67n, 68n, 546n, 547n, 500n, 4500n, 179n, 520n, 521n, 646n, 1985n, 2029n, 3784n, 3785n, 4784n, 5246n, 5247n],
  ...[1701n, 2152n, 3544n, 4754n, 4789n, 6081n, 8472n, 51820n, 319n, 320n, 5353n],
];
/** RFC 792, RFC 4443 4. */
const echoTypes: readonly bigint[] = [0n, 8n, 128n, 129n];
function controlOf({ etherType = 0n, icmpType, sourcePort, destinationPort }: FrameFields): string | null {
  const isIp = etherType === BigInt(etherTypes.ipv4) || etherType === BigInt(etherTypes.ipv6);
  if (!isIp && !quietTypes.includes(etherType)) return `EtherType 0x${etherType.toString(16)} is of a control protocol`;
  if (icmpType !== undefined && !echoTypes.includes(icmpType)) return `ICMP type ${icmpType} is a control message`;
  const port = [sourcePort, destinationPort].find((value) => value !== undefined && controlPorts.includes(value));
  return port === undefined ? null : `port ${port} is of a control protocol`;
}

/** 0: conntrack accepts wrong checksums. Absent: conntrack is not loaded (nf_conntrack-sysctl). */
const checksumSetting = 'net.netfilter.nf_conntrack_checksum';

class Survey {
  readonly #input: SurveyInput;
  readonly #acting: readonly ActingRule[];

  constructor(input: SurveyInput, acting: readonly ActingRule[]) {
    this.#input = input;
    this.#acting = acting;
  }

  ask(rule: CopyRule): AskedRule {
    const unknown = rule.selectors.map(({ unknown: parts }) => parts).filter((parts) => parts.length > 0);
    const known = rule.selectors.filter(({ unknown: parts }) => parts.length === 0);
    if (this.#input.perRule === 0) return { rule, witnesses: [], notAsked: '--rules 0' };
    if (known.length === 0)
      return { rule, witnesses: [], notAsked: `needs ${[...new Set(unknown.flat())].join(', ')}` };
    const drafts = known.flatMap((selector) => this.#draftsOf(rule, selector));
    if (drafts.length === 0) {
      const areKnown = this.#input.speakers.filter(({ ips }) => ips.length > 0).length > 1;
      const notAsked = areKnown ? 'takes no frame that a guest may send to another' : 'needs addresses of guests';
      return { rule, witnesses: [], notAsked };
    }
    const copiesCome = copiesComeTo(rule, this.#input.state);
    const refusals = drafts.map((draft) => this.#refusal(draft, copiesCome));
    const allowed = drafts.filter((_, at) => refusals[at] === null);
    if (allowed.length === 0) return { rule, witnesses: [], notAsked: refusals[0] ?? '' };
    return { rule, witnesses: allowed.slice(0, this.#maxOf(rule)).map(witnessOf), notAsked: null };
  }

  /** One copy that leaves the machine is enough. */
  #maxOf({ to, isReceived }: CopyRule): number {
    const { uplinks, perRule, speakers } = this.#input;
    const isGuests = (device: string): boolean =>
      speakers.some(({ port }) => port === device) && !uplinks.includes(device);
    return isReceived !== true && to?.every(isGuests) === true ? perRule : Math.min(1, perRule);
  }

  #refusal({ from, to, frame }: Draft, copiesCome: CopyComesTo): string | null {
    const control = controlOf(frame);
    if (control !== null) return control;
    if (versionOf(frame.etherType) !== null && this.#input.state.sysctl[checksumSetting] === '0')
      return `${checksumSetting} is 0: conntrack would take it for a connection`;
    const acting = this.#acting.find(
      (rule) =>
        (this.#comesTo(rule.family, from) && takesFrame(rule.selector, frame, wayOf(rule.family, from, to)) !== 'no') ||
        copiesCome(rule, frame, from.port),
    );
    return acting === undefined ? null : `${acting.name} may do more with it (${acting.does})`;
  }

  #comesTo(family: string, { bridge, isRouted }: Speaker): boolean {
    if (!packetFamilies.includes(family) || isRouted) return true;
    const settings = linkNamed(this.#input.state, bridge)?.bridge ?? {};
    const tables = (['iptables', 'ip6tables'] as const).filter(
      (_, at) => family === 'inet' || at === (family === 'ip' ? 0 : 1),
    );
    return tables.some((table) => isHandedOver(table, settings, this.#input.state.sysctl));
  }

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

function segmentOfSpeakers({ state, speakers }: SurveyInput): ReadonlySet<string> {
  const bridges = new Set(speakers.flatMap(({ bridge, isRouted }) => (isRouted ? [] : [bridge])));
  const ports = speakers.map(({ port }) => port);
  return new Set([...bridges, ...ports, ...segmentOf(bridges, state, ports)]);
}

function isAt({ selectors }: CopyRule, segment: ReadonlySet<string>): boolean {
  return selectors.some(({ devices }) =>
    devices.every(({ names, isNegated }) => isNegated || [...segment].some((device) => isNamed(device, names))),
  );
}

/**
 * Rules of a host that copy or move frames, with frames that test them: of a guest's own addresses, for another guest
 * of its bridge. At most 2,000 frames. Not tested: unknown conditions, control protocols, frames that reach an acting
 * rule. Pure.
 */
export function surveyRules(input: SurveyInput): RulesSurvey {
  const { state } = input;
  const segment = segmentOfSpeakers(input);
  const copies = copyRules(state).filter((rule) => isAt(rule, segment));
  const survey = new Survey(input, copies.length === 0 ? [] : actingRules(state));
  let remaining: number = witnessLimits.perRun;
  const rules = copies.map((rule): AskedRule => {
    const tested = survey.ask(rule);
    if (tested.witnesses.length > remaining)
      return { rule, witnesses: [], notAsked: `a run has ${witnessLimits.perRun} witnesses at most` };
    remaining -= tested.witnesses.length;
    return tested;
  });
  return { read: countRules(state, segment), rules };
}
