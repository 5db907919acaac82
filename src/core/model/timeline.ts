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

/** What one observer's handles have counted since they were opened; both directions together. */
export const counters = {
  /** Frames that the kernel matched and handed to the handle, those it then dropped included. */
  received: count,
  /** Frames of these that the kernel dropped. */
  dropped: count,
  /** Frames that the engine handed to the worker. */
  delivered: count,
};
export type Counters = Of<typeof counters>;

export const account = {
  /** Names of the ports' observers. */
  observers: [text],
  /** Interfaces. */
  ports: [text],
  kind: oneOf('veth', 'tap', 'inside'),
  /** The most frames that are between the ears and the counter at a moment. */
  held: count,
  /** Processors of the machine. */
  processors: count,
};
/**
 * Ports whose frames out are counted beside the ears: what the kernel says left by them against what packet sockets
 * were offered there. `inside`: what came in at the other end of a veth against what left by its port.
 */
export type Account = Of<typeof account>;

export const accountWindow = {
  /** How many there were, from 1. */
  readings: count,
  /**
   * In frames: the highest of counted − heard with the counter read before the ears, and the lowest with it read after
   * them.
   */
  low: whole,
  high: whole,
  /** Frames that the driver had dropped when the window began, and when it ended. */
  droppedFirst: count,
  droppedLast: count,
  /** How many frames had been sent at the last reading that met `low`, and at how many moments it was met. */
  sentAtLow: count,
  meetings: count,
  /** Nothing was sent from the first reading to the last. */
  still: flag,
  /** How many readings, up to the last, found the same counts. */
  rest: count,
};
/** Readings of an account, one soon after the other, folded into one (core/protocol/account-window.ts). */
export type AccountWindow = Of<typeof accountWindow>;

export const engineFacts = {
  engine: oneOf('libpcap', 'cap', 'ring'),
  /** Which clock: the kernel's when the frame came, or the process's when it got it. */
  timestamps: oneOf('kernel', 'user'),
  /** It knows how long a frame was that it cut. */
  originalLength: flag,
  /** `inferred`: source MACs decide whether a frame came in or went out. */
  direction: oneOf('known', 'inferred'),
};
/** What an engine can know of a frame; what it cannot is recorded as unknown, never invented. */
export type EngineFacts = Of<typeof engineFacts>;

export const faultCode = leaf('text', (value): value is FaultCode => typeof value === 'string');
const fault = { code: faultCode, observers: [text], text };
/**
 * A trouble of a step: what has no reason of its own counts as `step-failed`. `observers` empty = the step as a whole.
 */
export type Fault = Of<typeof fault>;

const carryingRule = {
  /** `nft dup`, `tc action mirred`. */
  what: text,
  /** `bridge t c`, `interface 7 pref 49152`. */
  place: text,
  /** Distinguishes it from others there: place and handle, or the interface's index and the preference. */
  rule: text,
};
/** A rule that was made and carries frames elsewhere, or chooses who gets them. */
export type CarryingRule = Of<typeof carryingRule>;

export const ruleChange = {
  kind: oneOf('nft', 'tc'),
  pid: orNull(whole),
  /** Its name as the kernel knows it; null = the kernel does not report. */
  program: orNull(text),
  /** Another host of the run, on which it is; absent = the orchestrator's own, or there is one host only. */
  host: maybe(text),
  /** Absent = it made none. */
  carrying: maybe([carryingRule]),
};
/** Somebody changed rules. `pid`: the process, for tc the netlink port it asked from; null = that was not reported. */
export type RuleChange = Of<typeof ruleChange>;

export const settingChange = {
  /** null = a sysctl of the network namespace. */
  ifindex: orNull(whole),
  /**
   * The setting's key, as `ip -j -d link` prints it, `MAC`, `MTU`, `master`, `promiscuity` or `XDP program` of the
   * link, `vlanList`, the entry in words, the sysctl's name, `routingRules`, `routesTo` with a prefix,
   * `nexthopObjects` or `ipsecPolicies`, `ovsFlowOn` with bridge and flow, `ovsTable` with a table.
   */
  what: text,
  /**
   * The host whose it is: the same number is another interface on each. Absent = the orchestrator's own, or there
   * is one host only.
   */
  host: maybe(text),
  /** Of a `master`: the name of the link, and the numbers of the bridges that it was instructed to be a port of. */
  name: maybe(text),
  masters: maybe([whole]),
};
/**
 * A setting of a Linux bridge or of one of its ports, or a sysctl, that had several values, one after the other, or a
 * static entry that came and went; what the host routes by, at any change.
 */
export type SettingChange = Of<typeof settingChange>;

/** What a SettingChange without interface says where the kernel had more events than it kept. */
export const lostEvents = 'events that were lost';

/** How a SettingChange calls the VLANs of a bridge or of a port, with their flags and tunnels. */
export const vlanList = 'the list of its VLANs';

/** How a SettingChange without interface calls the rules of policy routing. */
export const routingRules = 'the rules of ip rule';
/** What stands before the prefix of routes that were heard to change: `the routes to 192.0.2.1/32`. */
export const routesTo = 'the routes to ';
export const nexthopObjects = 'the objects of ip nexthop';
export const ipsecPolicies = 'the policies of ip xfrm';
/** True if a SettingChange is about where the host sends packets. */
export function isOfRouting(what: string): boolean {
  return [routingRules, nexthopObjects, ipsecPolicies].includes(what) || what.startsWith(routesTo);
}

/** What stands before the bridge and a flow of Open vSwitch that came or went, and before a table of its database. */
export const ovsFlowOn = 'a flow of Open vSwitch on ';
export const ovsTable = 'Open vSwitch, table ';
/** True if a SettingChange is one of Open vSwitch. */
export function isSwitchChange(what: string): boolean {
  return what.startsWith(ovsFlowOn) || what.startsWith(ovsTable);
}

const meanwhile = maybe(oneOf(true));

const timelineEvent = tagged('event', {
  'step-started': {},
  /** `change`: 0-based index in the step's changes; `readBack` null = there was nothing to read back. */
  changed: { change: whole, commands: [[text]], readBack: orNull(text) },
  /** Somebody gets frames beside the ports: there is an ear there for the rest of the step (core/plan/ears.ts). */
  ear: { observer: observerShape },
  /** Endpoints that announced themselves. */
  learned: { endpoints: [text] },
  /** `version`: of the engine's library, in its own words. */
  listening: { observer: text, facts: engineFacts, version: text },
  /**
   * What the capture helpers may do from now on: `capabilities` as CapEff in /proc/PID/status, 16 hexadecimal digits.
   * `filtered`: in all of them the kernel refuses to open anything.
   */
  sealed: { uid: number, capabilities: text, filtered: maybe(flag) },
  /**
   * The wall clock of another host is this many ns ahead of the orchestrator's, give or take `boundNs`; the frames of
   * the raw capture `file` have its times. Both numbers as decimal text.
   */
  clock: { host: text, file: text, offsetNs: text, boundNs: text },
  /** Around the events of a step the state is read too: `reading` counts from 1. */
  'state-read': either({ when: oneOf('before', 'after') }, { when: oneOf('during'), reading: whole }),
  /** Processes changed rules between two snapshots of the state. `meanwhile`: an event of the step was at work. */
  'rules-changed': { changes: [ruleChange], meanwhile },
  /**
   * Settings that were changed between two snapshots more than once; they may be as they were. `meanwhile`: an event of
   * the step was at work.
   */
  'settings-changed': { changes: [settingChange], meanwhile },
  /** Listening: a bridge learned a MAC that is no endpoint's. `observer`: at whose port; null = at another one. */
  'station-learned': { mac: text, observer: orNull(text) },
  /** Token indices of the controls that the kernel accepted. */
  'controls-sent': { phase: oneOf(...phases), accepted: [whole] },
  /** `id`: `before`, `between`, `after`; counters by observer. */
  mark: { id: text, counters: mapOf(counters) },
  /** Accounts of the step, by name; what was read of them before the probes and after them. */
  accounts: { accounts: mapOf(account) },
  'accounts-read': { when: oneOf('before', 'after'), windows: mapOf(accountWindow) },
  /**
   * Frames with the tokens first … first+planned−1, the first of which is of flow `flow`, were handed to the kernel,
   * which accepted the first `accepted` of them.
   */
  sent: { flow: whole, first: whole, planned: whole, accepted: whole },
  /** The commands of an entry of `during`, by its 0-based index, began, and ended; `detail`: why they failed, or ''. */
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
  /** For this many ms frames under way were waited for. */
  drained: { drainMs: number },
  /** By observer: last counters, and frames in its raw capture. */
  stopped: { counters: mapOf(counters), written: mapOf(count) },
  fault: { fault },
  /**
   * A frame, in base64, kept in a worker's memory because its file could not be written (disk full). `towards`: on its
   * way to the guest.
   */
  kept: { observer: text, towards: flag, frame: text },
  'step-ended': { outcome: oneOf('done', 'fault', 'not-run', 'unsupported') },
});
export type TimelineEvent = Of<typeof timelineEvent>;

const moment = { n: maybe(count), atNs: matching(/^\d{1,20}$/), monoMs: number, step: whole };
export const timelineShape = both(moment, timelineEvent);
/**
 * One line of timeline.ndjson. `n` numbers the lines from 0, so that one that is missing shows; a line without a number
 * shows as well. `atNs` is wall-clock time in ns since 1970 as decimal text, `monoMs` ms on the monotonic clock since
 * the run began; `step` is 0-based.
 */
export type TimelineEntry = Of<typeof timelineShape>;

/** Steps of more frames are not traced: each row of the kernel's table has a byte for each. */
export const maxTraced = 65_536;

/** Names of the devices that a run on a host makes to send by (system/fabric/host/injection-ports.ts). */
export const injectionDevice = /^vi[\da-f]{8}-\d+(\.|$)/;

const tracedDevice = {
  /** Number of its network namespace: the inode of its file (`ls -L -i /proc/PID/ns/net`). */
  space: whole,
  ifindex: whole,
  /** Null: it was gone when its name was asked for, or nothing leads to its namespace. */
  name: orNull(text),
  /** Its namespace is that of the step's bridges. */
  home: flag,
  /** Path of another namespace, by which it was found. */
  path: maybe(text),
  /** Number, in the bridges' namespace, of the other end of this pair, or of what it stands on. */
  lower: maybe(whole),
  /** The endpoint whose namespace it is in. */
  party: maybe(text),
  /** Of no endpoint: a process that lives in its namespace. */
  owner: maybe(socketProcess),
  /** The run made it to send by. */
  own: maybe(oneOf(true)),
};
/** A device in whose hands packets with tokens of the step were. */
export type TracedDevice = Of<typeof tracedDevice>;

const tracedReader = {
  ...socketProcess,
  /** It is of the run. */
  own: maybe(oneOf(true)),
  /** Endpoints in whose namespace it lives, or whose tap it has open. */
  parties: [text],
};
/** A process that read packets from a socket or a tap. */
export type TracedReader = Of<typeof tracedReader>;

const tracedPlace = {
  /** 0-based. */
  step: whole,
  /**
   * A device transmitted or received them, the kernel dropped them or has used them up, a process read them from a
   * socket.
   */
  place: oneOf('transmit', 'receive', 'drop', 'consume', 'read'),
  /** Bytes before the token, from the MAC header on. */
  tokenAt: whole,
  /** Null = the packets had none any more. */
  device: orNull(tracedDevice),
  packets: whole,
  /** Tokens of the run: `0-19,40`. */
  tokens: text,
  /** Why and in which function the kernel let go of them, by its own names. */
  reason: maybe(text),
  function: maybe(text),
  /** The process that read them; absent = none did, or it lives in a namespace of processes that is not seen here. */
  reader: maybe(tracedReader),
};
/** Packets with tokens that passed one place in the kernel. */
export type TracedPlace = Of<typeof tracedPlace>;

const traceEnd = {
  step: whole,
  place: oneOf('end'),
  /** Packets that were not seen to end, by the place where they were last. */
  open: mapOf(whole),
  /** Losses, and events of XDP, which the trace cannot look into. */
  counts: mapOf(whole),
};
/** The trace's account of itself; the last line of a step. */
export type TraceEnd = Of<typeof traceEnd>;

/** A line of trace.ndjson, from the kernel's trace of a step (docs/evidence.md). */
export const traceShape = either(traceEnd, tracedPlace);
export type TraceLine = Of<typeof traceShape>;

/** Ends of probes among the bridges, by a whole trace; absent = there is none. A probe has several copies. */
export interface MeasuredEnds {
  /** The kernel dropped them: in which function, at which device, and why, by its own names. */
  readonly dropped: readonly {
    readonly function: string;
    readonly device: string;
    readonly reason?: string;
    readonly probes: number;
  }[];
  /** Probes of which no copy was dropped there: none was made for those who got nothing. */
  readonly notCopied: number;
  /** Of this many probes; the others were sent without a trace. Absent: of all. */
  readonly sampled?: number;
}

/** A device or process by which a party had probes past its ports, as the kernel's trace shows. */
export interface TracedReach {
  /** The party's, at which they count. */
  readonly observer: string;
  /** `eth1 in /run/netns/blue`, `process 4711 (/usr/bin/x)`. */
  readonly device: string;
  readonly probes: number;
}

/** Probes that a party had beside the bridges after they had come back in from beyond an uplink: a doubt. */
export interface ReturnedReach extends TracedReach {
  /** The device by which they came back in. */
  readonly at: string;
}

/** What a run is doing right now, reported as it happens. A view may show it; nothing is judged by it. */
export type ProgressEvent =
  | {
      readonly kind: 'step';
      /** 0-based position of the step, and how many steps the run has. */
      readonly index: number;
      readonly of: number;
      readonly name: string;
      readonly phase: StepPhase;
      /** Free text, often empty: `1,200 of 3,000 frames`. Not escaped yet. */
      readonly detail: string;
    }
  | {
      /** A leak was seen at an observer for the first time in a step; it is not judged yet. */
      readonly kind: 'leak';
      /** 0-based position of the step. */
      readonly index: number;
      readonly observer: string;
      /** The step is there to show a leak. */
      readonly isExpected: boolean;
    }
  | { readonly kind: 'phase'; readonly name: 'building' | 'collating' | 'judging' }
  | { readonly kind: 'note'; readonly text: string };

export type StepPhase = 'preparing' | 'listening' | 'probing' | 'draining' | 'done';
