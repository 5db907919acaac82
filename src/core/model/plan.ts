import type { Below } from './attach.js';
import type { Change } from './fabric.js';
import type {
  Accepted,
  Bridge,
  Carrier,
  During,
  Endpoint,
  Hop,
  Host,
  Mac,
  PlainStepKeys,
  ProbeClassName,
  Provider,
  Role,
  SeenClaim,
  SelectedFields,
  TrafficKind,
  Trusted,
} from './scenario.js';
import type { LinkedDevice } from './state.js';

/**
 * A place to listen. On a port the frames towards the guest are the outgoing ones, on the bridge device (the host) they
 * are the incoming ones that the host's own stack accepts; on what stands above a bridge or a port (a macvlan, a VLAN
 * device), which a step finds when it begins, all that come in.
 */
export interface Observer {
  /** The endpoint's name, or the bridge's name for a host that is not an endpoint. */
  readonly name: string;
  readonly interface: string;
  readonly bridge: string;
  readonly place: 'port' | 'bridge' | 'relay' | 'above';
  readonly role: Role;
  /** MACs that are rightfully behind this observer; empty where not known. */
  readonly macs: readonly Mac[];
  /** Judged, that is: sightings here count. The bridge device is observed always, but judged only as an endpoint. */
  readonly judged: boolean;
  /** Of an endpoint above another one: what it stands on, and its port. Absent of one that a step found. */
  readonly by?: Below & { readonly port: string };
  /** Of one above: the endpoint whose it is, as far as that is known. */
  readonly party?: string;
  /** Of one that a step found: its device, as the kernel of its host has it. */
  readonly device?: Pick<LinkedDevice, 'name' | 'space' | 'kind' | 'mode'>;
  /** Its port is on no bridge: the host routes to it. */
  readonly routed?: true;
  /** It listens at the near end of a hop. */
  readonly hop?: Hop;
}

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
export type FrameForm = (typeof frameForms)[number];

/** The headers of a frame that carries a token: all that decides what the bridge does with it. */
export interface FrameSpec {
  readonly carrier: Carrier;
  readonly srcMac: Mac;
  readonly dstMac: Mac;
  /** VLAN ids of its tags, outermost first; empty = untagged. */
  readonly vlan: readonly number[];
  /** Null where the carrier has no address. */
  readonly srcIp: string | null;
  readonly dstIp: string | null;
  /** Bytes without FCS. */
  readonly size: number;
  /** Absent: the carrier's plain frame. */
  readonly form?: FrameForm;
  /** Of a plain frame that asks a rule; absent: a probe's own. */
  readonly fields?: SelectedFields;
}

/** Frames of one form from one sender: the unit that is sent, counted and, if `judged`, judged. */
export interface Flow {
  /** Position in the order of sending, over the whole run. */
  readonly id: number;
  /** 0-based index of the step. */
  readonly step: number;
  /** 0-based index of the probe entry within the step. */
  readonly probe: number;
  readonly class: ProbeClassName;
  readonly carrier: Carrier;
  /** As in `frame`. */
  readonly vlan: readonly number[];
  readonly from: string;
  /** The addressee; null = all, or none in particular. */
  readonly to: string | null;
  /** The endpoint that transmits: `from`, except where a class lets somebody else speak (via). */
  readonly sender: string;
  readonly frame: FrameSpec;
  /** Frames. */
  readonly count: number;
  /** Token index of the flow's first frame; the sequence number is index − first. */
  readonly first: number;
  /** Observers that must see all of it; those that may; everybody else must not. */
  readonly must: readonly string[];
  readonly may: readonly string[];
  readonly judged: boolean;
  /**
   * Not judged: a `stimulus` causes what the judged flows test, a `restore` undoes it (the rightful owner announces
   * itself).
   */
  readonly purpose?: 'stimulus' | 'restore';
  /** Where a class sends several kinds of frame of one carrier: which one this is. Rows carry it. */
  readonly variant?: string;
}

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

/**
 * A frame that must be seen: `ear` at its observer, as outgoing, or where it has a sender as entering; `entry` on the
 * bridge device. `entry-form`, on the bridge device too, has the tags and the carrier of the probes, so that a filter
 * at the sender's port that takes these takes it as well: that it is not seen says that these do not enter.
 * `entry-spoof`, on the bridge device too, is ARP from an address that the sender does not have.
 */
export interface Control {
  readonly kind: 'ear' | 'entry' | 'entry-form' | 'entry-spoof';
  readonly phase: Phase;
  /** Ear: the observer whose ear it proves. Entry: the observer that has to receive it. */
  readonly observer: string;
  /**
   * Who sends it: always for an entry; for an ear the observer's own guest, or null: sent on the observer's own
   * interface.
   */
  readonly sender: string | null;
  readonly frame: FrameSpec;
  /** Of its token. */
  readonly index: number;
}

export const phases = ['before', 'between', 'after'] as const;
export type Phase = (typeof phases)[number];

export interface TrafficPlan {
  readonly kind: TrafficKind;
  readonly from: string;
  readonly to: string;
  /** As in `TrafficEntry`. */
  readonly requests: number;
  readonly bytes: number;
  readonly must: readonly string[];
  readonly may: readonly string[];
}

/**
 * A claim on observers. `probe`: 0-based index of the entry (probe or traffic) that it stands in; null = it covers the
 * whole step.
 */
export interface PlannedClaim extends SeenClaim {
  readonly probe: number | null;
}

export interface ExpectationPlan {
  /** null = unjudged, or a step that only changes things. */
  readonly expected: 'holds' | 'broken' | null;
  readonly seen: readonly PlannedClaim[];
  readonly accept: readonly Accepted[];
  /** Absent where there is none. */
  readonly trust?: readonly Trusted[];
  /** Not even the host's own programs may read frames (`run --strict`); absent = they may, and are named. */
  readonly noReaders?: true;
  /** By probe entry: who is open to it by design. Absent where nobody is. */
  readonly open?: readonly { readonly probe: number; readonly observers: readonly string[] }[];
}

/**
 * Packets that a step does not send, because an address is not known: for the host or a router, and for guests behind
 * rules that ask conntrack.
 */
export interface NotAsked {
  readonly class: ProbeClassName;
  readonly carrier: Carrier;
  readonly from: readonly string[];
  readonly to: string | null;
  /** Endpoints of these without an address; empty if the class sends to an address of no endpoint. */
  readonly unknown: readonly string[];
}

export interface StepPlan extends PlainStepKeys {
  /** From 0. */
  readonly index: number;
  readonly name: string;
  /** 1-based line of the step in its file. */
  readonly line: number;
  readonly changes: readonly Change[];
  /** Endpoints that announce themselves, and how: a gratuitous ARP where they have IPv4, else a raw broadcast. */
  readonly learn: readonly string[];
  /** Endpoints that exist during probing. */
  readonly present: readonly string[];
  readonly observers: readonly Observer[];
  /** libpcap filter expression, the same for every observer; '' = everything. */
  readonly filter: string;
  /** Bytes that are kept of a frame. */
  readonly snaplen: number;
  readonly flows: Flows;
  /** Absent: there are none. */
  readonly notAsked?: readonly NotAsked[];
  /**
   * Reasons that the step's own probes bring about on purpose (a BPDU guard that acts, a MAC that was stolen): they
   * decide nothing.
   */
  readonly provokes?: readonly string[];
  readonly controls: readonly Control[];
  /**
   * Observers of which nothing can prove that they hear what their guests send, though these may get what others must
   * get.
   */
  readonly inwardUnproved?: readonly string[];
  readonly traffic: readonly TrafficPlan[];
  /** How long guests' own frames are listened to; null = that is not asked for. */
  readonly listenMs: number | null;
  readonly during: readonly During[];
  /** Frames a second; null = by engine and provider. */
  readonly rate: number | null;
  /** Frames a second of each probe, by its number in the step, if they differ: `rate` is the lowest. */
  readonly rates?: readonly number[];
  /** How long frames under way are waited for after the last one was sent. */
  readonly drainMs: number;
  readonly expect: ExpectationPlan;
}

/** All that a run will do, and all that judging needs of the scenario: `plan.json`. */
export interface Plan {
  readonly planVersion: 1;
  readonly name: string;
  readonly provider: Provider;
  readonly bridges: readonly Bridge[];
  readonly endpoints: readonly Endpoint[];
  /** Absent: everything is on one host. */
  readonly hosts?: readonly Host[];
  readonly sysctl: Readonly<Record<string, string>>;
  /** As in `Scenario`. */
  readonly partialScope: string | null;
  /** As in `Scenario`. */
  readonly asksRules?: false;
  /** In every token: distinguishes runs on the wire. 32 bits. */
  readonly runTag: number;
  /** SHA-256 of the run's key, hex: committed before the first frame. */
  readonly keySha256: string;
  /** MAC of each lab bridge, so that routed frames and entry controls are known beforehand; on a host as found. */
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  /** On a host: every port of the bridges leads to a guest there, as `hasGuestsAlone` finds; absent = not every. */
  readonly guestsAlone?: boolean;
  /** On a host: ports of the bridges on which nobody can listen, and why. */
  readonly unobservable?: readonly { readonly bridge: string; readonly port: string; readonly reason: string }[];
  readonly steps: readonly StepPlan[];
}

/** A plan without what its steps do. */
export type PlannedTopology = Omit<Plan, 'steps'>;

/** Tokens of a plan are numbered below this, so that a plan from elsewhere cannot ask for endless memory. */
export const maxTokens = 2 ** 26;
