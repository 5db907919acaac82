import { askingOnce, type AsksForms, plannedFormOf, type PlannedForm } from '../../bridge/bypass/packet-sockets.js';
import { ownForms } from '../../bridge/bypass/usual-forms.js';
import type { HostState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, objectsWithin, textOf } from '../../text/json-text.js';
import { readU16 } from '../../wire/bytes.js';
import { etherTypes } from '../../wire/ethernet.js';
import type { Flows, FrameSpec, Plan, StepPlan } from '../../model/plan.js';
import { kindsOfFlows } from '../../plan/flows/shortcuts.js';
import { documentation } from '../../probe/addresses.js';
import { frameTemplate } from '../../probe/frames/frame.js';
import { nftRules } from '../../bridge/rules.js';

function formOfFrame(frame: FrameSpec): readonly PlannedForm[] {
  try {
    return [plannedFormOf(frameTemplate(frame))];
  } catch {
    return []; // a foreign plan may ask for an impossible frame
  }
}

type Side = 'src' | 'dst';
/** Addresses that differ in each bit: differing bytes of their frames come from an address. */
const [evenBits, oddBits] = [
  { mac: '54:55:55:55:55:55', ipv4: '85.85.85.85', ipv6: '5555:5555:5555:5555:5555:5555:5555:5555' },
  { mac: 'aa:aa:aa:aa:aa:aa', ipv4: '170.170.170.170', ipv6: 'aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa:aaaa' },
] as const;

interface OpenSides {
  readonly sides: readonly Side[];
  readonly keepsMacs: boolean;
}

function withAddresses(
  frame: FrameSpec,
  { sides, keepsMacs }: OpenSides,
  { mac, ipv4, ipv6 }: typeof evenBits | typeof oddBits,
): FrameSpec {
  const ipOf = (ip: string | null): string | null => {
    if (ip === null) return null;
    return ip.includes(':') ? ipv6 : ipv4;
  };
  return {
    ...frame,
    ...(sides.includes('src') ? { srcMac: keepsMacs ? frame.srcMac : mac, srcIp: ipOf(frame.srcIp) } : {}),
    ...(sides.includes('dst') ? { dstMac: keepsMacs ? frame.dstMac : mac, dstIp: ipOf(frame.dstIp) } : {}),
  };
}

function formWithout(frame: FrameSpec, open: OpenSides): readonly PlannedForm[] {
  const [even, odd] = [evenBits, oddBits].map((bits) => formOfFrame(withAddresses(frame, open, bits))[0]);
  return formOfFrame(frame).map((form) => ({
    ...form,
    unknown: form.unknown.map((isUnknown, at) => (isUnknown === 1 || even?.bytes[at] !== odd?.bytes[at] ? 1 : 0)),
  }));
}

type ReadForm = (frame: FrameSpec) => readonly PlannedForm[];

/** Documentation addresses stand for unknown ones of guests: their own traffic has others. */
function formReader({ provider, endpoints }: Pick<Plan, 'provider' | 'endpoints'>): ReadForm {
  if (provider === 'lab') return formOfFrame;
  const known = new Set(endpoints.flatMap(({ ips }) => ips.map(({ address }) => address)));
  const isOpen = (address: string | null): boolean =>
    address !== null &&
    !known.has(address) &&
    [...documentation.ipv4, ...documentation.ipv6].some((ip) => ip === address);
  return (frame) => {
    const sides = (['src', 'dst'] as const).filter((side) => isOpen(side === 'src' ? frame.srcIp : frame.dstIp));
    return sides.length === 0 ? formOfFrame(frame) : formWithout(frame, { sides, keepsMacs: true });
  };
}

interface LikeFrames {
  readonly first: FrameSpec;
  readonly sources: FrameSpec[];
  readonly destinations: Map<string, FrameSpec>;
}

function isLike(frame: FrameSpec, { first }: LikeFrames): boolean {
  return (
    frame.carrier === first.carrier &&
    frame.size === first.size &&
    frame.form === first.form &&
    frame.fields === first.fields &&
    (frame.srcIp === null) === (first.srcIp === null) &&
    (frame.dstIp === null) === (first.dstIp === null) &&
    (frame.vlan === first.vlan || frame.vlan.join() === first.vlan.join())
  );
}

function likeFrames(flows: Flows): readonly LikeFrames[] {
  const found: LikeFrames[] = [];
  let last: LikeFrames | undefined;
  const likeOf = (frame: FrameSpec): LikeFrames => {
    if (last !== undefined && isLike(frame, last)) return last;
    last = found.find((like) => isLike(frame, like));
    if (last === undefined) {
      last = { first: frame, sources: [], destinations: new Map() };
      found.push(last);
    }
    return last;
  };
  for (const { frame } of kindsOfFlows(flows)) likeOf(frame).sources.push(frame);
  flows.forEach(({ frame }) => {
    const { destinations } = likeOf(frame);
    const key = `${frame.dstMac} ${frame.dstIp ?? ''}`;
    if (!destinations.has(key)) destinations.set(key, frame);
  });
  return found;
}

type Takes = (form: PlannedForm) => boolean;

interface Ends {
  readonly forms: readonly PlannedForm[];
  readonly offsets: readonly number[];
}

function endsOf(first: FrameSpec, frames: Iterable<FrameSpec>, side: Side, formOf: ReadForm): Ends {
  const [base] = formOfFrame(first);
  const [open] = formWithout(first, { sides: [side], keepsMacs: false });
  const offsets = [...(open?.unknown.keys() ?? [])].filter((at) => open?.unknown[at] === 1 && base?.unknown[at] === 0);
  const forms = [...frames].flatMap(formOf).sort((a, b) => {
    const at = offsets.find((offset) => a.bytes[offset] !== b.bytes[offset]) ?? 0;
    return (a.bytes[at] ?? 0) - (b.bytes[at] ?? 0);
  });
  return { forms, offsets };
}

function halves({ forms, offsets }: Ends): readonly Ends[] {
  const middle = forms.length >> 1;
  return [
    { forms: forms.slice(0, middle), offsets },
    { forms: forms.slice(middle), offsets },
  ];
}

function merged(sources: Ends, destinations: Ends): PlannedForm | undefined {
  const [[form], [destination]] = [sources.forms, destinations.forms];
  if (form === undefined || destination === undefined) return undefined;
  const [bytes, unknown] = [Uint8Array.from(form.bytes), Uint8Array.from(form.unknown)];
  for (const at of destinations.offsets) {
    bytes[at] = destination.bytes[at] ?? 0;
    unknown[at] = destination.unknown[at] ?? 0;
  }
  for (const { forms, offsets } of [sources, destinations])
    for (const at of offsets)
      if (forms.some((form) => form.unknown[at] === 1 || form.bytes[at] !== bytes[at])) unknown[at] = 1;
  return { ...form, bytes, unknown };
}

function someOfPairs(sources: Ends, destinations: Ends, takes: Takes): boolean {
  const form = merged(sources, destinations);
  if (form === undefined || !takes(form)) return false;
  if (sources.forms.length === 1 && destinations.forms.length === 1) return true;
  return sources.forms.length > destinations.forms.length
    ? halves(sources).some((half) => someOfPairs(half, destinations, takes))
    : halves(destinations).some((half) => someOfPairs(sources, half, takes));
}

/** One frame of each form and sender, then any to any: a mesh of a thousand guests has a million. */
class PlannedFrames {
  private readonly flows: Flows;
  private readonly own: readonly PlannedForm[];
  private firsts: readonly PlannedForm[] | null = null;
  private ends: readonly { readonly sources: Ends; readonly destinations: Ends }[] | null = null;

  constructor(
    { flows, traffic, listenMs }: StepPlan,
    private readonly formOf: ReadForm,
  ) {
    this.flows = flows;
    this.own = traffic.length > 0 || listenMs !== null ? ownForms() : [];
  }

  some(takes: Takes): boolean {
    this.firsts ??= [...kindsOfFlows(this.flows)].flatMap(({ frame }) => this.formOf(frame));
    if (this.own.some(takes) || this.firsts.some(takes)) return true;
    if (this.flows.kinds === undefined) return false;
    this.ends ??= likeFrames(this.flows).map(({ first, sources, destinations }) => ({
      sources: endsOf(first, sources, 'src', this.formOf),
      destinations: endsOf(first, destinations.values(), 'dst', this.formOf),
    }));
    return this.ends.some(({ sources, destinations }) => someOfPairs(sources, destinations, takes));
  }
}

type WrittenPart = 'class' | 'macs' | 'addresses' | 'transport';

/** From iptables-extensions(8), without address translation. */
const writingTargets: Readonly<Record<string, WrittenPart>> = {
  ...{ DSCP: 'class', TOS: 'class', ECN: 'class', TCPMSS: 'transport', TCPOPTSTRIP: 'transport' },
};
const transportProtocols: readonly unknown[] = ['tcp', 'udp', 'th', 'sctp', 'dccp', 'icmp', 'icmpv6', 'udplite'];

function partOfPayload({ protocol, field }: Fields): WrittenPart {
  if (transportProtocols.includes(protocol)) return 'transport';
  if (protocol === 'ether') return 'macs';
  return field === 'saddr' || field === 'daddr' ? 'addresses' : 'class';
}

function partsOfPedit(action: Fields): readonly WrittenPart[] {
  return objectsOf(action['keys']).map(({ htype, offset }) => {
    if (htype === 'tcp' || htype === 'udp') return 'transport';
    if (htype === 'eth') return 'macs';
    return typeof offset === 'number' && offset >= (htype === 'ipv6' ? 8 : 12) ? 'addresses' : 'class';
  });
}

function writtenParts(state: HostState): readonly WrittenPart[] {
  const { tc, legacyTables = [] } = state;
  const statements = nftRules(state).rules.flatMap(({ parts }) => parts);
  const payloads = statements.flatMap(({ mangle }) => objectsOf([fieldsOf(fieldsOf(mangle)?.['key'])?.['payload']]));
  const targets = [
    ...statements.flatMap(({ xt }) => textOf(fieldsOf(xt)?.['name']) ?? []),
    ...legacyTables.flatMap(({ targets: names }) => names ?? []),
  ];
  const pedits = [...objectsWithin(fieldsOf(tc)?.['filters'])].filter(({ kind, keys }) => kind === 'pedit' && keys);
  return [
    ...payloads.map(partOfPayload),
    ...targets.flatMap((name) => writingTargets[name] ?? []),
    ...pedits.flatMap(partsOfPedit),
  ];
}

const tagTypes: readonly number[] = [0x8100, 0x88a8, 0x9100];

function partBytes(bytes: Uint8Array, part: WrittenPart): readonly [from: number, to: number] {
  let at = 12;
  while (tagTypes.includes(readU16(bytes, at))) at += 4;
  const [isV6, network] = [readU16(bytes, at) === etherTypes.ipv6, at + 2];
  switch (part) {
    case 'macs':
      return [0, 12];
    case 'class':
      return [isV6 ? network : network + 1, network + 2];
    case 'addresses':
      return isV6 ? [network + 8, network + 40] : [network + 12, network + 20];
    case 'transport':
      return [network + (isV6 ? 40 : 20), bytes.length];
  }
}

function withWritten(form: PlannedForm, parts: readonly WrittenPart[]): PlannedForm {
  const unknown = Uint8Array.from(form.unknown);
  for (const part of parts) unknown.fill(1, ...partBytes(form.bytes, part));
  return { ...form, unknown };
}

/** True if a filter takes one of the step's frames. Bytes that rules of `states` may write count as unknown. */
export function asksPlannedForms(
  plan: Pick<Plan, 'provider' | 'endpoints'>,
  step: StepPlan,
  states: readonly HostState[] = [],
): AsksForms {
  const parts = [...new Set(states.flatMap(writtenParts))];
  const formOf = formReader(plan);
  const planned = new PlannedFrames(
    step,
    parts.length === 0 ? formOf : (frame) => formOf(frame).map((form) => withWritten(form, parts)),
  );
  return askingOnce((takes) => planned.some(takes));
}
