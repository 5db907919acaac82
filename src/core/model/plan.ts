import { below, hop } from './attach.js';
import { change } from './fabric.js';
import {
  accepted,
  bridge,
  carrier,
  className,
  during,
  endpointShape,
  hostShape,
  type PlainStepKeys,
  provider,
  roleShape,
  seenClaimShape,
  selectedFieldsShape,
  trafficKind,
  trusted,
} from './scenario.js';
import {
  count,
  either,
  flag,
  leaf,
  mapOf,
  maybe,
  number,
  type Of,
  oneOf,
  only,
  orNull,
  text,
  whole,
} from './shape/shape.js';

export const observerShape = {
  /** The endpoint's name, or the bridge's name for a host that is not an endpoint. */
  name: text,
  interface: text,
  bridge: text,
  place: oneOf('port', 'bridge', 'relay', 'above'),
  role: roleShape,
  /** MACs that are rightfully behind this observer; empty where not known. */
  macs: [text],
  /** Judged, that is: sightings here count. The bridge device is observed always, but judged only as an endpoint. */
  judged: flag,
  /** Of an endpoint above another one: what it stands on, and its port. Absent of one that a step found. */
  by: maybe({ ...below, port: text }),
  /** Of one above: the endpoint whose it is, as far as that is known. */
  party: maybe(text),
  /** Of one that a step found: its device, as the kernel of its host has it. */
  device: maybe({ name: text, space: orNull(text), kind: text, mode: maybe(text) }),
  /** Its port is on no bridge: the host routes to it. */
  routed: maybe(oneOf(true)),
  /** It listens at the near end of a hop. */
  hop: maybe(hop),
};
/**
 * A place to listen. On a port the frames towards the guest are the outgoing ones, on the bridge device (the host) they
 * are the incoming ones that the host's own stack accepts; on what stands above a bridge or a port (a macvlan, a VLAN
 * device), which a step finds when it begins, all that come in.
 */
export type Observer = Of<typeof observerShape>;

/** True of what stands in for a device that no port of the bridges leads to: nothing is open to it by design. */
export function isBesideBridges({ place, device }: Pick<Observer, 'place' | 'device'>): boolean {
  return place === 'port' && device !== undefined;
}

/** Tokens of a plan are numbered below this, so that a plan from elsewhere cannot ask for endless memory. */
export const maxTokens = 2 ** 26;
const tokens = only(count, `a whole number from 0 to ${maxTokens}`, (number) => number <= maxTokens);

/**
 * What a frame is beyond its carrier: another encapsulation of it, a part of a datagram, or a message of a protocol
 * that steers networks. One builder each in src/core/probe/frames/forms.
 */
export const frameForms = [
  '802.1ad',
  'llc-snap',
  'first-fragment',
  'later-fragment',
  'extension-header',
  'source-sweep',
  'arp-reply',
  'router-advertisement',
  'neighbour-advertisement',
  'dhcp-offer',
  'igmp-query',
  'mld-query',
  'bpdu',
  'unreachable',
] as const;
export type NamedForm = (typeof frameForms)[number];
/** A frame of the scenario's own, as hex text with places (core/probe/frames/forms/hex.ts). */
export type HexForm = `hex:${string}`;
export type FrameForm = NamedForm | HexForm;
export function isHexForm(form: unknown): form is HexForm {
  return typeof form === 'string' && form.startsWith('hex:');
}
const hexFormShape = leaf('a frame as hex text', isHexForm);

/** Parts of a frame that many flows share. */
const frameKind = {
  /** VLAN ids of its tags, outermost first; empty = untagged. */
  vlan: [whole],
  /** Bytes without FCS. */
  size: whole,
  /** Absent: the carrier's plain frame. */
  form: maybe(either(oneOf(...frameForms), hexFormShape)),
  /** Of a plain frame that asks a rule; absent: a probe's own. */
  fields: maybe(selectedFieldsShape),
};
const frameSpec = {
  ...frameKind,
  carrier,
  srcMac: text,
  dstMac: text,
  /** Null where the carrier has no address. */
  srcIp: orNull(text),
  dstIp: orNull(text),
};
/** The headers of a frame that carries a token: all that decides what the bridge does with it. */
export type FrameSpec = Of<typeof frameSpec>;

const flowKind = {
  /** 0-based index of the probe entry within the step. */
  probe: whole,
  class: className,
  carrier,
  /** As in `frame`. */
  vlan: [whole],
  /** Frames. */
  count: tokens,
  judged: flag,
  /**
   * Not judged: a `stimulus` causes what the judged flows test, a `restore` undoes it (the rightful owner announces
   * itself).
   */
  purpose: maybe(oneOf('stimulus', 'restore')),
  /** Where a class sends several kinds of frame of one carrier: which one this is. Rows carry it. */
  variant: maybe(text),
};
const flow = {
  ...flowKind,
  /** Position in the order of sending, over the whole run. */
  id: whole,
  /** 0-based index of the step. */
  step: whole,
  from: text,
  /** The addressee; null = all, or none in particular. */
  to: orNull(text),
  /** The endpoint that transmits: `from`, except where a class lets somebody else speak (via). */
  sender: text,
  frame: frameSpec,
  /** Token index of the flow's first frame; the sequence number is index − first. */
  first: tokens,
  /** Observers that must see all of it; those that may; everybody else must not. */
  must: [text],
  may: [text],
};
/** Frames of one form from one sender: the unit that is sent, counted and, if `judged`, judged. */
export type Flow = Of<typeof flow>;

/** Many flows as columns, whose positions are text (core/plan/flows/flow-table.ts). */
const flowColumns = {
  step: whole,
  id: whole,
  first: tokens,
  length: tokens,
  form: text,
  source: text,
  aim: text,
  forms: [{ ...flowKind, frame: { ...frameKind, carrier } }],
  sources: [{ from: text, sender: text, srcMac: text, srcIp: orNull(text) }],
  aims: [{ to: orNull(text), dstMac: text, dstIp: orNull(text), must: [text], may: [text] }],
};
export type FlowColumnsRecord = Of<typeof flowColumns>;

/**
 * The flows of a step in the order of sending. A list will do; a mesh of a thousand guests has a million of them, which
 * are kept as columns (core/plan/flows/flow-table.ts) and made when they are asked for.
 */
export interface Flows extends Iterable<Flow> {
  readonly length: number;
  at(index: number): Flow | undefined;
  /** Sooner than an iterator where there are a million. */
  forEach(visit: (flow: Flow, index: number) => void): void;
  map<T>(make: (flow: Flow, index: number) => T): T[];
  flatMap<T>(make: (flow: Flow, index: number) => readonly T[]): T[];
  filter(keep: (flow: Flow, index: number) => boolean): Flow[];
  some(holds: (flow: Flow, index: number) => boolean): boolean;
  every(holds: (flow: Flow, index: number) => boolean): boolean;
  reduce<T>(add: (sum: T, flow: Flow, index: number) => T, start: T): T;
  /** The flows by form and sender (core/plan/flows/flow-table.ts); a list has none of this. */
  readonly kinds?: () => readonly FlowKind[];
}

/** Flows of one form and sender: the first of them, and the frames of all. */
export interface FlowKind {
  readonly first: Flow;
  readonly frames: number;
}

export const phases = ['before', 'between', 'after'] as const;
export type Phase = (typeof phases)[number];

const control = {
  kind: oneOf('ear', 'entry', 'entry-form', 'entry-spoof'),
  phase: oneOf(...phases),
  /** Ear: the observer whose ear it proves. Entry: the observer that has to receive it. */
  observer: text,
  /**
   * Who sends it: always for an entry; for an ear the observer's own guest, or null: sent on the observer's own
   * interface.
   */
  sender: orNull(text),
  frame: frameSpec,
  /** Of its token. */
  index: tokens,
};
/**
 * A frame that must be seen: `ear` at its observer, as outgoing, or where it has a sender as entering; `entry` on the
 * bridge device. `entry-form`, on the bridge device too, has the tags and the carrier of the probes, so that a filter
 * at the sender's port that takes these takes it as well: that it is not seen says that these do not enter.
 * `entry-spoof`, on the bridge device too, is ARP from an address that the sender does not have.
 */
export type Control = Of<typeof control>;

const trafficPlan = {
  kind: trafficKind,
  from: text,
  to: text,
  /** As in `TrafficEntry`. */
  requests: number,
  bytes: number,
  must: [text],
  may: [text],
};
export type TrafficPlan = Of<typeof trafficPlan>;

const plannedClaim = { ...seenClaimShape, probe: orNull(whole) };
/**
 * A claim on observers. `probe`: 0-based index of the entry (probe or traffic) that it stands in; null = it covers the
 * whole step.
 */
export type PlannedClaim = Of<typeof plannedClaim>;

const expectationPlan = {
  /** null = unjudged, or a step that only changes things. */
  expected: orNull(oneOf('holds', 'broken')),
  seen: [plannedClaim],
  accept: [accepted],
  /** Absent where there is none. */
  trust: maybe([trusted]),
  /** Not even the host's own programs may read frames (`run --strict`); absent = they may, and are named. */
  noReaders: maybe(oneOf(true)),
  /** By probe entry: who is open to it by design. Absent where nobody is. */
  open: maybe([{ probe: whole, observers: [text] }]),
};
export type ExpectationPlan = Of<typeof expectationPlan>;

const notAsked = {
  class: className,
  carrier,
  from: [text],
  to: orNull(text),
  /** Endpoints of these without an address; empty if the class sends to an address of no endpoint. */
  unknown: [text],
};
/**
 * Packets that a step does not send, because an address is not known: for the host or a router, and for guests behind
 * rules that ask conntrack.
 */
export type NotAsked = Of<typeof notAsked>;

const stepPlan = {
  /** From 0. */
  index: whole,
  name: text,
  /** 1-based line of the step in its file. */
  line: number,
  changes: [change],
  /** Endpoints that announce themselves, and how: a gratuitous ARP where they have IPv4, else a raw broadcast. */
  learn: [text],
  /** Endpoints that exist during probing. */
  present: [text],
  observers: [observerShape],
  /** libpcap filter expression, the same for every observer; '' = everything. */
  filter: text,
  /** Bytes that are kept of a frame. */
  snaplen: number,
  flows: either(flowColumns, [flow]),
  /** Absent: there are none. */
  notAsked: maybe([notAsked]),
  /**
   * Reasons that the step's own probes bring about on purpose (a BPDU guard that acts, a MAC that was stolen): they
   * decide nothing.
   */
  provokes: maybe([text]),
  controls: [control],
  /**
   * Observers of which nothing can prove that they hear what their guests send, though these may get what others must
   * get.
   */
  inwardUnproved: maybe([text]),
  traffic: [trafficPlan],
  /** How long guests' own frames are listened to; null = that is not asked for. */
  listenMs: orNull(number),
  during: [during],
  /** Frames a second; null = by engine and provider. */
  rate: orNull(number),
  /** Frames a second of each probe, by its number in the step, if they differ: `rate` is the lowest. */
  rates: maybe([number]),
  /** How long frames under way are waited for after the last one was sent. */
  drainMs: number,
  expect: expectationPlan,
};
export interface StepPlan extends PlainStepKeys, Omit<Of<typeof stepPlan>, 'flows'> {
  readonly flows: Flows;
}

const plannedTopology = {
  planVersion: oneOf(1),
  name: text,
  provider,
  bridges: [bridge],
  endpoints: [endpointShape],
  /** Absent: everything is on one host. */
  hosts: maybe([hostShape]),
  sysctl: mapOf(text),
  /** As in `Scenario`. */
  partialScope: orNull(text),
  /** As in `Scenario`. */
  asksRules: maybe(oneOf(false)),
  /** In every token: distinguishes runs on the wire. 32 bits. */
  runTag: whole,
  /** SHA-256 of the run's key, hex: committed before the first frame. */
  keySha256: text,
  /** MAC of each lab bridge, so that routed frames and entry controls are known beforehand; on a host as found. */
  bridgeMacs: mapOf(text),
  /** On a host: every port of the bridges leads to a guest there, as `hasGuestsAlone` finds; absent = not every. */
  guestsAlone: maybe(flag),
  /** On a host: ports of the bridges on which nobody can listen, and why. */
  unobservable: maybe([{ bridge: text, port: text, reason: text }]),
};
/** A plan without what its steps do. */
export type PlannedTopology = Of<typeof plannedTopology>;

/** plan.json, in which a run may have written flows as columns. */
export const planShape = { ...plannedTopology, steps: [stepPlan] };
export type WrittenPlan = Omit<Of<typeof planShape>, 'steps'> & {
  readonly steps: readonly (Of<typeof stepPlan> & PlainStepKeys)[];
};

/** All that a run will do, and all that judging needs of the scenario: `plan.json`. */
export interface Plan extends PlannedTopology {
  readonly steps: readonly StepPlan[];
}
