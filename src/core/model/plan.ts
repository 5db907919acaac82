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
  /** The endpoint, or the bridge for a host that is no endpoint. */
  name: text,
  interface: text,
  bridge: text,
  place: oneOf('port', 'bridge', 'relay', 'above'),
  role: roleShape,
  /** MACs that are rightfully behind it; empty = not known. */
  macs: [text],
  /** Sightings here count. The bridge device is always observed, but judged only as an endpoint. */
  judged: flag,
  /** Of an endpoint above another: its lower device and that one's port. Absent if a step found it. */
  by: maybe({ ...below, port: text }),
  /** Of one above: its endpoint, if known. */
  party: maybe(text),
  /** Of one that a step found: its device on its host. */
  device: maybe({ name: text, space: orNull(text), kind: text, mode: maybe(text) }),
  /** The host routes to its port, which is on no bridge. */
  routed: maybe(oneOf(true)),
  /** It listens at the near end of a hop. */
  hop: maybe(hop),
};
/**
 * A capture point. It counts outgoing frames on a port, frames that the host's stack accepts on a bridge device, and
 * all incoming frames on a device that a step finds above a bridge or port (a macvlan, a VLAN device).
 */
export type Observer = Of<typeof observerShape>;

/** True if no port of the bridges leads to the observer's device: nothing is open to it by design. */
export function isBesideBridges({ place, device }: Pick<Observer, 'place' | 'device'>): boolean {
  return place === 'port' && device !== undefined;
}

/** The limit of token numbers: a plan from elsewhere must not ask for endless memory. */
export const maxTokens = 2 ** 26;
const tokens = only(count, `a whole number from 0 to ${maxTokens}`, (number) => number <= maxTokens);

/**
 * Forms of a frame beyond its carrier: encapsulations, fragments, messages of network control protocols. Each has a
 * builder in src/core/probe/frames/forms.
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
/** A scenario's own frame, as hex text with places (core/probe/frames/forms/hex.ts). */
export type HexForm = `hex:${string}`;
export type FrameForm = NamedForm | HexForm;
export function isHexForm(form: unknown): form is HexForm {
  return typeof form === 'string' && form.startsWith('hex:');
}
const hexFormShape = leaf('a frame as hex text', isHexForm);

const frameKind = {
  /** VLAN ids, outermost first; empty = untagged. */
  vlan: [whole],
  /** Bytes without FCS. */
  size: whole,
  /** Absent: the carrier's plain frame. */
  form: maybe(either(oneOf(...frameForms), hexFormShape)),
  /** Of a plain frame that tests a rule; absent: a probe's. */
  fields: maybe(selectedFieldsShape),
};
const frameSpec = {
  ...frameKind,
  carrier,
  srcMac: text,
  dstMac: text,
  /** null: the carrier has no address. */
  srcIp: orNull(text),
  dstIp: orNull(text),
};
/** The headers of a token's frame: all that decides its forwarding. */
export type FrameSpec = Of<typeof frameSpec>;

const flowKind = {
  /** Index of the entry in the step, from 0. */
  probe: whole,
  class: className,
  carrier,
  vlan: [whole],
  count: tokens,
  judged: flag,
  /**
   * Not judged: a `stimulus` causes what the judged flows test, a `restore` undoes it (the rightful owner announces
   * itself).
   */
  purpose: maybe(oneOf('stimulus', 'restore')),
  /** The kind of frame, if a class sends several by one carrier; shown in rows. */
  variant: maybe(text),
};
const flow = {
  ...flowKind,
  /** Position in sending, over the whole run. */
  id: whole,
  /** From 0. */
  step: whole,
  from: text,
  /** null = all, or none in particular. */
  to: orNull(text),
  /** The transmitting endpoint: `from`, unless another one speaks for it (`via`). */
  sender: text,
  frame: frameSpec,
  /** Token of the first frame; sequence number = token − first. */
  first: tokens,
  /** Observers that must see all of it, and that may; all others must not. */
  must: [text],
  may: [text],
};
/** Frames of one form from one sender: the unit that is sent, counted and, if `judged`, judged. */
export type Flow = Of<typeof flow>;

/** Flows as columns; positions are text (core/plan/flows/flow-table.ts). */
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

/** The flows of a step in sending order: a list, or columns for a mesh (a thousand guests have a million flows). */
export interface Flows extends Iterable<Flow> {
  readonly length: number;
  at(index: number): Flow | undefined;
  /** Faster than an iterator for a million flows. */
  forEach(visit: (flow: Flow, index: number) => void): void;
  map<T>(make: (flow: Flow, index: number) => T): T[];
  flatMap<T>(make: (flow: Flow, index: number) => readonly T[]): T[];
  filter(keep: (flow: Flow, index: number) => boolean): Flow[];
  some(holds: (flow: Flow, index: number) => boolean): boolean;
  every(holds: (flow: Flow, index: number) => boolean): boolean;
  reduce<T>(add: (sum: T, flow: Flow, index: number) => T, start: T): T;
  /** By form and sender (core/plan/flows/flow-table.ts); absent of a list. */
  readonly kinds?: () => readonly FlowKind[];
  /** Frames of each flow if all have as many; else, and of a list, absent. */
  readonly framesEach?: number | undefined;
}

export interface FlowKind {
  readonly first: Flow;
  readonly frames: number;
}

export const phases = ['before', 'between', 'after'] as const;
export type Phase = (typeof phases)[number];

const control = {
  kind: oneOf('ear', 'entry', 'entry-form', 'entry-spoof'),
  phase: oneOf(...phases),
  /** The observer whose ear it proves, or that has to receive it. */
  observer: text,
  /** The sender. null: an ear sent on the observer's own interface; else an ear's sender is the observer's guest. */
  sender: orNull(text),
  frame: frameSpec,
  index: tokens,
};
/**
 * A frame that must be seen. `ear`: at its observer, outgoing, or entering if it has a sender. All others: on the
 * bridge device. `entry-form` has the probes' tags and carrier: if it does not arrive, a filter at the sender's port
 * stops them. `entry-spoof` is ARP from an address that the sender does not have.
 */
export type Control = Of<typeof control>;

const trafficPlan = {
  kind: trafficKind,
  from: text,
  to: text,
  requests: number,
  bytes: number,
  must: [text],
  may: [text],
};
export type TrafficPlan = Of<typeof trafficPlan>;

const plannedClaim = { ...seenClaimShape, probe: orNull(whole) };
/** `probe`: index from 0 of its entry (probe or traffic); null = the whole step. */
export type PlannedClaim = Of<typeof plannedClaim>;

const expectationPlan = {
  /** null = unjudged, or the step only changes things. */
  expected: orNull(oneOf('holds', 'broken')),
  seen: [plannedClaim],
  accept: [accepted],
  trust: maybe([trusted]),
  /** `run --strict`: not even the host's programs may read frames; absent = they may, and are named. */
  noReaders: maybe(oneOf(true)),
  /** By probe entry: observers open to it by design. */
  open: maybe([{ probe: whole, observers: [text] }]),
};
export type ExpectationPlan = Of<typeof expectationPlan>;

const notAsked = {
  class: className,
  carrier,
  from: [text],
  to: orNull(text),
  /** Endpoints without an address; empty if the class sends to an address of no endpoint. */
  unknown: [text],
};
/** Packets that are not sent as an address is unknown: of the host, a router, or guests behind conntrack rules. */
export type NotAsked = Of<typeof notAsked>;

const stepPlan = {
  /** From 0. */
  index: whole,
  name: text,
  /** From 1. */
  line: number,
  changes: [change],
  /** Endpoints that announce themselves: by gratuitous ARP with IPv4, else by a raw broadcast. */
  learn: [text],
  present: [text],
  observers: [observerShape],
  /** libpcap filter of every observer; '' = everything. */
  filter: text,
  snaplen: number,
  flows: either(flowColumns, [flow]),
  notAsked: maybe([notAsked]),
  /** Reasons that the probes cause on purpose (a BPDU guard that acts, a stolen MAC): they decide nothing. */
  provokes: maybe([text]),
  controls: [control],
  /** Observers that may get what others must get, though nothing can prove that they capture their guests' frames. */
  inwardUnproved: maybe([text]),
  traffic: [trafficPlan],
  /** Time of listening to guests' own frames; null = none. */
  listenMs: orNull(number),
  during: [during],
  /** Frames a second; null = by engine and provider. */
  rate: orNull(number),
  /** Of each probe, by its number, if they differ; `rate` is then the lowest. */
  rates: maybe([number]),
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
  /** Absent: one host. */
  hosts: maybe([hostShape]),
  sysctl: mapOf(text),
  partialScope: orNull(text),
  asksRules: maybe(oneOf(false)),
  /** In every token; distinguishes runs on the wire. 32 bits. */
  runTag: whole,
  /** SHA-256 of the run's key, hex: committed before the first frame. */
  keySha256: text,
  /** By bridge, so that routed frames and entry controls are known beforehand; on a host as found. */
  bridgeMacs: mapOf(text),
  /** On a host: every port leads to a guest there (`hasGuestsAlone`); absent = not every. */
  guestsAlone: maybe(flag),
  /** On a host: ports that cannot be captured, and why. */
  unobservable: maybe([{ bridge: text, port: text, reason: text }]),
};
export type PlannedTopology = Of<typeof plannedTopology>;

export const planShape = { ...plannedTopology, steps: [stepPlan] };
export type WrittenPlan = Omit<Of<typeof planShape>, 'steps'> & {
  readonly steps: readonly (Of<typeof stepPlan> & PlainStepKeys)[];
};

/** `plan.json`, in which flows may be columns. */
export interface Plan extends PlannedTopology {
  readonly steps: readonly StepPlan[];
}
