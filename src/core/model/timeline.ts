import type { FaultCode } from './reasons.js';
import { socketProcess } from './packet-socket.js';
import { observerShape, phases } from './plan.js';
import {
  both,
  count,
  either,
  flag,
  leaf,
  mapOf,
  matching,
  maybe,
  number,
  type Of,
  oneOf,
  orNull,
  tagged,
  text,
  whole,
} from './shape/shape.js';

/** Counts of an observer's handles since they were opened, both directions together. */
export const counters = {
  /** Frames that the kernel matched for the handle, dropped ones included. */
  received: count,
  /** Of these, dropped by the kernel. */
  dropped: count,
  /** Frames that the engine handed to the worker. */
  delivered: count,
};
export type Counters = Of<typeof counters>;

export const account = {
  observers: [text],
  ports: [text],
  kind: oneOf('veth', 'tap', 'inside'),
  /** The most frames between observers and counter at a moment. */
  held: count,
  processors: count,
};
/**
 * Ports whose outgoing frames are counted beside the observers: the kernel's counter against the frames offered to
 * packet sockets. `inside`: a veth's incoming frames at its other end against those that left by its port.
 */
export type Account = Of<typeof account>;

export const accountWindow = {
  readings: count,
  /**
   * Frames: the highest counted − heard with the counter read before the observers, and the lowest with it read after.
   */
  low: whole,
  high: whole,
  /** The driver's dropped frames at both ends of the window. */
  droppedFirst: count,
  droppedLast: count,
  /** Frames sent at the last reading that met `low`, and the moments at which it was met. */
  sentAtLow: count,
  meetings: count,
  still: flag,
  /** Last readings with the same counts. */
  rest: count,
};
/** Consecutive readings of an account, folded into one (core/protocol/account-window.ts). */
export type AccountWindow = Of<typeof accountWindow>;

export const engineFacts = {
  engine: oneOf('libpcap', 'cap', 'ring'),
  /** The kernel's at arrival, or the process's at reception. */
  timestamps: oneOf('kernel', 'user'),
  originalLength: flag,
  /** `inferred`: by source MACs. */
  direction: oneOf('known', 'inferred'),
};
/** An engine's knowledge of frames; the rest is recorded as unknown. */
export type EngineFacts = Of<typeof engineFacts>;

export const faultCode = leaf('text', (value): value is FaultCode => typeof value === 'string');
const fault = { code: faultCode, observers: [text], text };
/** A step's trouble; one without a reason of its own is `step-failed`. `observers` empty = the whole step. */
export type Fault = Of<typeof fault>;

const carryingRule = {
  /** `nft dup`, `tc action mirred`. */
  what: text,
  /** `bridge t c`, `interface 7 pref 49152`. */
  place: text,
  /** Distinguishes it there: place and handle, or interface index and preference. */
  rule: text,
};
/** A new rule that carries frames elsewhere, or chooses who gets them. */
export type CarryingRule = Of<typeof carryingRule>;

export const ruleChange = {
  kind: oneOf('nft', 'tc'),
  pid: orNull(whole),
  /** The kernel's name; null = not reported. */
  program: orNull(text),
  /** Another host of the run; absent = the orchestrator's. */
  host: maybe(text),
  carrying: maybe([carryingRule]),
};
/** A change of rules. `pid`: the process, for tc its netlink port; null = not reported. */
export type RuleChange = Of<typeof ruleChange>;

export const settingChange = {
  /** null = a sysctl of the network namespace. */
  ifindex: orNull(whole),
  /**
   * The key of `ip -j -d link`; `MAC`, `MTU`, `master`, `promiscuity` or `XDP program` of the link; the sysctl; an
   * entry in words; or a constant below, with a prefix, with bridge and flow, or with a table behind it.
   */
  what: text,
  /** The host of `ifindex`; absent = the orchestrator's. */
  host: maybe(text),
  /** Of a `master`: the link, and the bridges that it was made a port of. */
  name: maybe(text),
  masters: maybe([whole]),
};
/**
 * A setting of a Linux bridge or port, or a sysctl, with several values in turn; a static entry that came and went; any
 * change of the host's routing.
 */
export type SettingChange = Of<typeof settingChange>;

/** `what` without interface: the kernel had more events than it kept. */
export const lostEvents = 'events that were lost';

/** `what`: VLANs of a bridge or port, with flags and tunnels. */
export const vlanList = 'the list of its VLANs';

/** `what` without interface: rules of policy routing. */
export const routingRules = 'the rules of ip rule';
/** Before a prefix: `the routes to 192.0.2.1/32`. */
export const routesTo = 'the routes to ';
export const nexthopObjects = 'the objects of ip nexthop';
export const ipsecPolicies = 'the policies of ip xfrm';
export function isOfRouting(what: string): boolean {
  return [routingRules, nexthopObjects, ipsecPolicies].includes(what) || what.startsWith(routesTo);
}

/** Before a bridge and a flow of Open vSwitch; `ovsTable`: before a table of its database. */
export const ovsFlowOn = 'a flow of Open vSwitch on ';
export const ovsTable = 'Open vSwitch, table ';
/** True if a SettingChange is of Open vSwitch. */
export function isSwitchChange(what: string): boolean {
  return what.startsWith(ovsFlowOn) || what.startsWith(ovsTable);
}

const meanwhile = maybe(oneOf(true));

const timelineEvent = tagged('event', {
  'step-started': {},
  /** `change`: index from 0 in the step's changes; `readBack` null = nothing to read back. */
  changed: { change: whole, commands: [[text]], readBack: orNull(text) },
  /** A bypass gets an observer for the rest of the step (core/plan/ears.ts). */
  ear: { observer: observerShape },
  learned: { endpoints: [text] },
  listening: { observer: text, facts: engineFacts, version: text },
  /**
   * Rights of the capture helpers from now on: `capabilities` as CapEff in /proc/PID/status, 16 hexadecimal digits.
   * `filtered`: the kernel refuses all of them to open anything.
   */
  sealed: { uid: number, capabilities: text, filtered: maybe(flag) },
  /**
   * Another host's wall clock is ahead of the orchestrator's by this many ns, ± `boundNs`; the raw capture `file` has
   * its times. Both as decimal text.
   */
  clock: { host: text, file: text, offsetNs: text, boundNs: text },
  /** `reading` counts from 1. */
  'state-read': either({ when: oneOf('before', 'after') }, { when: oneOf('during'), reading: whole }),
  /** By processes between two snapshots. `meanwhile`: during an event of the step. */
  'rules-changed': { changes: [ruleChange], meanwhile },
  /** Settings changed more than once between two snapshots; they may be as before. `meanwhile`: as above. */
  'settings-changed': { changes: [settingChange], meanwhile },
  /** Listening: a bridge learned a MAC of no endpoint. `observer`: at its port; null = at another. */
  'station-learned': { mac: text, observer: orNull(text) },
  /** Token indices of controls that the kernel accepted. */
  'controls-sent': { phase: oneOf(...phases), accepted: [whole] },
  /** `id`: `before`, `between`, `after`; counters by observer. */
  mark: { id: text, counters: mapOf(counters) },
  accounts: { accounts: mapOf(account) },
  'accounts-read': { when: oneOf('before', 'after'), windows: mapOf(accountWindow) },
  /**
   * Frames with tokens first … first+planned−1, the first of flow `flow`; the kernel took the first `accepted`.
   */
  sent: { flow: whole, first: whole, planned: whole, accepted: whole },
  /** `during`: index from 0; `detail`: the error, or ''. */
  'event-started': { during: whole },
  'event-ended': { during: whole, ok: flag, detail: text },
  probing: { state: oneOf('started', 'ended') },
  /**
   * The kernel's trace of the step, and how many lines of trace.ndjson it has; `why` there is none. `sampled`: the
   * first frames of each flow alone were sent meanwhile.
   */
  trace: tagged('state', { attached: {}, absent: { why: text }, read: { lines: whole, sampled: maybe(oneOf(true)) } }),
  /** `traffic`: 0-based index in the step's traffic. */
  traffic: { traffic: whole, ok: flag, detail: text },
  drained: { drainMs: number },
  stopped: { counters: mapOf(counters), written: mapOf(count) },
  fault: { fault },
  /** A frame, in base64, kept in memory as its file could not be written (disk full). `towards`: to the guest. */
  kept: { observer: text, towards: flag, frame: text },
  'step-ended': { outcome: oneOf('done', 'fault', 'not-run', 'unsupported') },
});
export type TimelineEvent = Of<typeof timelineEvent>;

const moment = { n: maybe(count), atNs: matching(/^\d{1,20}$/), monoMs: number, step: whole };
export const timelineShape = both(moment, timelineEvent);
/**
 * A line of timeline.ndjson. `n` numbers the lines from 0, so that a missing line shows, as does one without a number.
 * `atNs`: wall clock in ns since 1970 as decimal text; `monoMs`: since the run began; `step`: from 0.
 */
export type TimelineEntry = Of<typeof timelineShape>;

/** Steps of more frames are not traced: each row of the kernel's table has a byte for each. */
export const maxTraced = 65_536;

/** Devices that a run on a host makes to send by (system/fabric/host/injection-ports.ts). */
export const injectionDevice = /^vi[\da-f]{8}-\d+(\.|$)/;

const tracedDevice = {
  /** Inode of its network namespace (`ls -L -i /proc/PID/ns/net`). */
  space: whole,
  ifindex: whole,
  /** null: it was gone, or nothing leads to its namespace. */
  name: orNull(text),
  home: flag,
  /** The path by which another namespace was found. */
  path: maybe(text),
  /** Index, in the bridges' namespace, of a pair's other end or of the link below. */
  lower: maybe(whole),
  /** Endpoints in its namespace; absent = none. */
  parties: maybe([text]),
  /** Without an endpoint: a process in its namespace. */
  owner: maybe(socketProcess),
  own: maybe(oneOf(true)),
};
/** A device that handled packets with tokens of the step. */
export type TracedDevice = Of<typeof tracedDevice>;

const tracedReader = {
  ...socketProcess,
  own: maybe(oneOf(true)),
  /** Endpoints in whose namespace it lives, or whose tap it has open. */
  parties: [text],
};
export type TracedReader = Of<typeof tracedReader>;

const tracedPlace = {
  step: whole,
  /** Of a device (transmit, receive), the kernel (drop, consume), or a process at a socket (read). */
  place: oneOf('transmit', 'receive', 'drop', 'consume', 'read'),
  /** Bytes from the MAC header to the token. */
  tokenAt: whole,
  /** null = the packets had none any more. */
  device: orNull(tracedDevice),
  packets: whole,
  /** `0-19,40`. */
  tokens: text,
  /** The kernel's names of the cause and function that freed them. */
  reason: maybe(text),
  function: maybe(text),
  /** Absent = none, or in a process namespace that is not visible here. */
  reader: maybe(tracedReader),
};
/** Packets with tokens at one place in the kernel. */
export type TracedPlace = Of<typeof tracedPlace>;

const traceEnd = {
  step: whole,
  place: oneOf('end'),
  /** Packets not seen to end, by their last place. */
  open: mapOf(whole),
  /** Losses, and events of XDP, which the trace cannot look into. */
  counts: mapOf(whole),
};
export type TraceEnd = Of<typeof traceEnd>;

/** A line of trace.ndjson (docs/evidence.md). */
export const traceShape = either(traceEnd, tracedPlace);
export type TraceLine = Of<typeof traceShape>;

/** Ends of probes among the bridges by a complete trace; absent = none. A probe has several copies. */
export interface MeasuredEnds {
  /** Dropped by the kernel: function, device and cause by its own names. */
  readonly dropped: readonly {
    readonly function: string;
    readonly device: string;
    readonly reason?: string;
    readonly probes: number;
  }[];
  /** Probes without a dropped copy there: none was made for observers that got nothing. */
  readonly notCopied: number;
  /** Of this many probes; the others were sent without a trace. Absent: of all. */
  readonly sampled?: number;
}

/** A device or process by which a party got probes past its ports, by the kernel's trace. */
export interface TracedReach {
  readonly observer: string;
  /** `eth1 in /run/netns/blue`, `process 4711 (/usr/bin/x)`. */
  readonly device: string;
  readonly probes: number;
}

/** A doubt: the party got probes beside the bridges after they came back in from an uplink. */
export interface ReturnedReach extends TracedReach {
  readonly at: string;
}

/** Progress as it happens, for views; nothing is judged by it. */
export type ProgressEvent =
  | {
      readonly kind: 'step';
      /** Position of the step, from 0, and the run's steps. */
      readonly index: number;
      readonly of: number;
      readonly name: string;
      readonly phase: StepPhase;
      /** `1,200 of 3,000 frames`; often empty, not escaped yet. */
      readonly detail: string;
    }
  | { readonly kind: 'phase'; readonly name: 'building' | 'collating' | 'judging' }
  | { readonly kind: 'note'; readonly text: string };

export type StepPhase = 'preparing' | 'listening' | 'probing' | 'draining' | 'done';
