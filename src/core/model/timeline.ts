import type { FaultCode } from './reasons.js';
import type { SocketProcess } from './packet-socket.js';
import type { Observer, Phase } from './plan.js';

/** What one observer's handles have counted since they were opened; both directions together. */
export interface Counters {
  /** Frames that the kernel matched and handed to the handle, those it then dropped included. */
  readonly received: number;
  /** Frames of these that the kernel dropped. */
  readonly dropped: number;
  /** Frames that the engine handed to the worker. */
  readonly delivered: number;
}

/**
 * Ports whose frames out are counted beside the ears: what the kernel says left by them against what packet sockets
 * were offered there. `inside`: what came in at the other end of a veth against what left by its port.
 */
export interface Account {
  /** Names of the ports' observers. */
  readonly observers: readonly string[];
  /** Interfaces. */
  readonly ports: readonly string[];
  readonly kind: 'veth' | 'tap' | 'inside';
  /** The most frames that are between the ears and the counter at a moment. */
  readonly held: number;
  /** Processors of the machine. */
  readonly processors: number;
}

/** Readings of an account, one soon after the other, folded into one (core/protocol/account-window.ts). */
export interface AccountWindow {
  /** How many there were, from 1. */
  readonly readings: number;
  /**
   * In frames: the highest of counted − heard with the counter read before the ears, and the lowest with it read after
   * them.
   */
  readonly low: number;
  readonly high: number;
  /** Frames that the driver had dropped when the window began, and when it ended. */
  readonly droppedFirst: number;
  readonly droppedLast: number;
  /** How many frames had been sent at the last reading that met `low`, and at how many moments it was met. */
  readonly sentAtLow: number;
  readonly meetings: number;
  /** Nothing was sent from the first reading to the last. */
  readonly still: boolean;
  /** How many readings, up to the last, found the same counts. */
  readonly rest: number;
}

/** What an engine can know of a frame; what it cannot is recorded as unknown, never invented. */
export interface EngineFacts {
  readonly engine: 'libpcap' | 'cap' | 'ring';
  /** Which clock: the kernel's when the frame came, or the process's when it got it. */
  readonly timestamps: 'kernel' | 'user';
  /** It knows how long a frame was that it cut. */
  readonly originalLength: boolean;
  /** `inferred`: source MACs decide whether a frame came in or went out. */
  readonly direction: 'known' | 'inferred';
}

/**
 * A trouble of a step: what has no reason of its own counts as `step-failed`. `observers` empty = the step as a whole.
 */
export interface Fault {
  readonly code: FaultCode;
  readonly observers: readonly string[];
  readonly text: string;
}

/** A rule that was made and carries frames elsewhere, or chooses who gets them. */
export interface CarryingRule {
  /** `nft dup`, `tc action mirred`. */
  readonly what: string;
  /** `bridge t c`, `interface 7 pref 49152`. */
  readonly place: string;
  /** Distinguishes it from others there: place and handle, or the interface's index and the preference. */
  readonly rule: string;
}

/** Somebody changed rules. `pid`: the process, for tc the netlink port it asked from; null = that was not reported. */
export interface RuleChange {
  readonly kind: 'nft' | 'tc';
  readonly pid: number | null;
  /** Its name as the kernel knows it; null = the kernel does not report. */
  readonly program: string | null;
  /** Another host of the run, on which it is; absent = the orchestrator's own, or there is one host only. */
  readonly host?: string;
  /** Absent = it made none. */
  readonly carrying?: readonly CarryingRule[];
}

/**
 * A setting of a Linux bridge or of one of its ports, or a sysctl, that had several values, one after the other, or a
 * static entry that came and went; what the host routes by, at any change.
 */
export interface SettingChange {
  /** null = a sysctl of the network namespace. */
  readonly ifindex: number | null;
  /**
   * The setting's key, as `ip -j -d link` prints it, `MAC`, `MTU`, `master`, `promiscuity` or `XDP program` of the
   * link, `vlanList`, the entry in words, the sysctl's name, `routingRules`, `routesTo` with a prefix,
   * `nexthopObjects` or `ipsecPolicies`, `ovsFlowOn` with bridge and flow, `ovsTable` with a table.
   */
  readonly what: string;
  /**
   * The host whose it is: the same number is another interface on each. Absent = the orchestrator's own, or there
   * is one host only.
   */
  readonly host?: string;
  /** Of a `master`: the name of the link, and the numbers of the bridges that it was instructed to be a port of. */
  readonly name?: string;
  readonly masters?: readonly number[];
}

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

/**
 * One line of timeline.ndjson. `n` numbers the lines from 0, so that one that is missing shows; a line without a number
 * shows as well. `atNs` is wall-clock time in ns since 1970 as decimal text, `monoMs` ms on the monotonic clock since
 * the run began; `step` is 0-based.
 */
export type TimelineEntry = {
  readonly n?: number;
  readonly atNs: string;
  readonly monoMs: number;
  readonly step: number;
} & TimelineEvent;

export type TimelineEvent =
  | { readonly event: 'step-started' }
  /** `change`: 0-based index in the step's changes; `readBack` null = there was nothing to read back. */
  | {
      readonly event: 'changed';
      readonly change: number;
      readonly commands: readonly (readonly string[])[];
      readonly readBack: string | null;
    }
  /** Somebody gets frames beside the ports: there is an ear there for the rest of the step (core/plan/ears.ts). */
  | { readonly event: 'ear'; readonly observer: Observer }
  /** Endpoints that announced themselves. */
  | { readonly event: 'learned'; readonly endpoints: readonly string[] }
  /** `version`: of the engine's library, in its own words. */
  | { readonly event: 'listening'; readonly observer: string; readonly facts: EngineFacts; readonly version: string }
  /**
   * What the capture helpers may do from now on: `capabilities` as CapEff in /proc/PID/status, 16 hexadecimal digits.
   * `filtered`: in all of them the kernel refuses to open anything.
   */
  | { readonly event: 'sealed'; readonly uid: number; readonly capabilities: string; readonly filtered?: boolean }
  /**
   * The wall clock of another host is this many ns ahead of the orchestrator's, give or take `boundNs`; the frames of
   * the raw capture `file` have its times. Both numbers as decimal text.
   */
  | {
      readonly event: 'clock';
      readonly host: string;
      readonly file: string;
      readonly offsetNs: string;
      readonly boundNs: string;
    }
  | { readonly event: 'state-read'; readonly when: 'before' | 'after' }
  /** Around the events of a step the state is read too: `reading` counts from 1. */
  | { readonly event: 'state-read'; readonly when: 'during'; readonly reading: number }
  /** Processes changed rules between two snapshots of the state. `meanwhile`: an event of the step was at work. */
  | { readonly event: 'rules-changed'; readonly changes: readonly RuleChange[]; readonly meanwhile?: true }
  /**
   * Settings that were changed between two snapshots more than once; they may be as they were. `meanwhile`: an event of
   * the step was at work.
   */
  | { readonly event: 'settings-changed'; readonly changes: readonly SettingChange[]; readonly meanwhile?: true }
  /** Listening: a bridge learned a MAC that is no endpoint's. `observer`: at whose port; null = at another one. */
  | { readonly event: 'station-learned'; readonly mac: string; readonly observer: string | null }
  /** Token indices of the controls that the kernel accepted. */
  | { readonly event: 'controls-sent'; readonly phase: Phase; readonly accepted: readonly number[] }
  /** `id`: `before`, `between`, `after`; counters by observer. */
  | { readonly event: 'mark'; readonly id: string; readonly counters: Readonly<Record<string, Counters>> }
  /** Accounts of the step, by name; what was read of them before the probes and after them. */
  | { readonly event: 'accounts'; readonly accounts: Readonly<Record<string, Account>> }
  | {
      readonly event: 'accounts-read';
      readonly when: 'before' | 'after';
      readonly windows: Readonly<Record<string, AccountWindow>>;
    }
  /**
   * Frames with the tokens first … first+planned−1, the first of which is of flow `flow`, were handed to the kernel,
   * which accepted the first `accepted` of them.
   */
  | {
      readonly event: 'sent';
      readonly flow: number;
      readonly first: number;
      readonly planned: number;
      readonly accepted: number;
    }
  /** The commands of an entry of `during`, by its 0-based index, began, and ended; `detail`: why they failed, or ''. */
  | { readonly event: 'event-started'; readonly during: number }
  | { readonly event: 'event-ended'; readonly during: number; readonly ok: boolean; readonly detail: string }
  | { readonly event: 'probing'; readonly state: 'started' | 'ended' }
  /** The kernel's trace of the step, and how many lines of trace.ndjson it has; `why` there is none. */
  | { readonly event: 'trace'; readonly state: 'attached' }
  | { readonly event: 'trace'; readonly state: 'absent'; readonly why: string }
  | { readonly event: 'trace'; readonly state: 'read'; readonly lines: number }
  /** `traffic`: 0-based index in the step's traffic. */
  | { readonly event: 'traffic'; readonly traffic: number; readonly ok: boolean; readonly detail: string }
  /** For this many ms frames under way were waited for. */
  | { readonly event: 'drained'; readonly drainMs: number }
  /** By observer: last counters, and frames in its raw capture. */
  | {
      readonly event: 'stopped';
      readonly counters: Readonly<Record<string, Counters>>;
      readonly written: Readonly<Record<string, number>>;
    }
  | { readonly event: 'fault'; readonly fault: Fault }
  /**
   * A frame, in base64, kept in a worker's memory because its file could not be written (disk full). `towards`: on its
   * way to the guest.
   */
  | { readonly event: 'kept'; readonly observer: string; readonly towards: boolean; readonly frame: string }
  | { readonly event: 'step-ended'; readonly outcome: 'done' | 'fault' | 'not-run' | 'unsupported' };

/** A line of trace.ndjson, from the kernel's trace of a step (docs/evidence.md). */
export type TraceLine = TracedPlace | TraceEnd;

/** Steps of more frames are not traced: each row of the kernel's table has a byte for each. */
export const maxTraced = 65_536;

export const placeNames = ['transmit', 'receive', 'drop', 'consume', 'read'] as const;

/** Names of the devices that a run on a host makes to send by (system/fabric/host/injection-ports.ts). */
export const injectionDevice = /^vi[\da-f]{8}-\d+(\.|$)/;

/** A device in whose hands packets with tokens of the step were. */
export interface TracedDevice {
  /** Number of its network namespace: the inode of its file (`ls -L -i /proc/PID/ns/net`). */
  readonly space: number;
  readonly ifindex: number;
  /** Null: it was gone when its name was asked for, or nothing leads to its namespace. */
  readonly name: string | null;
  /** Its namespace is that of the step's bridges. */
  readonly home: boolean;
  /** Path of another namespace, by which it was found. */
  readonly path?: string;
  /** Number, in the bridges' namespace, of the other end of this pair, or of what it stands on. */
  readonly lower?: number;
  /** The endpoint whose namespace it is in. */
  readonly party?: string;
  /** The run made it to send by. */
  readonly own?: true;
}

/** Packets with tokens that passed one place in the kernel. */
export interface TracedPlace {
  /** 0-based. */
  readonly step: number;
  /**
   * A device transmitted or received them, the kernel dropped them or has used them up, a process read them from a
   * socket.
   */
  readonly place: (typeof placeNames)[number];
  /** Bytes before the token, from the MAC header on. */
  readonly tokenAt: number;
  /** Null = the packets had none any more. */
  readonly device: TracedDevice | null;
  readonly packets: number;
  /** Tokens of the run: `0-19,40`. */
  readonly tokens: string;
  /** Why and in which function the kernel let go of them, by its own names. */
  readonly reason?: string;
  readonly function?: string;
  /** The process that read them; absent = none did, or it lives in a namespace of processes that is not seen here. */
  readonly reader?: TracedReader;
}

/** A process that read packets from a socket or a tap. */
export interface TracedReader extends SocketProcess {
  /** It is of the run. */
  readonly own?: true;
  /** Endpoints in whose namespace it lives, or whose tap it has open. */
  readonly parties: readonly string[];
}

/** The trace's account of itself; the last line of a step. */
export interface TraceEnd {
  readonly step: number;
  readonly place: 'end';
  /** Packets that were not seen to end, by the place where they were last. */
  readonly open: Readonly<Record<string, number>>;
  /** Losses, and events of XDP, which the trace cannot look into. */
  readonly counts: Readonly<Record<string, number>>;
}

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
