import type { BarrierCode, CauseCode, UnknownCode } from './codes.js';
import type { Change } from './fabric.js';
import type { PersistentFix, ProvenFix } from './fix.js';
import type { NotAsked } from './plan.js';
import type { CalibrationRecord, RulesRecord, ToolRecord } from './run-record.js';
import type { Reason } from './reasons.js';
import type { PrecheckNote, ScenarioRecord } from './run-record.js';
import type { Trusted } from './scenario.js';
import type { HostReader, OpenMatter } from './packet-socket.js';
import type { MeasuredEnds, ReturnedReach, TracedReach } from './timeline.js';

/**
 * `holds`: proved, with each proof complete. `broken`: an authentic frame reached an observer that may not have it.
 * `inconclusive`: neither; the reasons explain it.
 *
 * @example
 *   const exitCodeOf: Record<Verdict, number> = { holds: 0, broken: 2, inconclusive: 3 };
 */
export type Verdict = 'holds' | 'broken' | 'inconclusive';

/**
 * The part of a host's state that accounts for a leak.
 *
 * @example
 *   { code: 'ageing-zero', place: 'br0.ageing_time', value: '0', text: 'br0 learns nothing and floods',
 *     fix: 'ip link set dev br0 type bridge ageing_time 30000' }
 */
export interface Cause {
  /** As `verify-isolation explain CODE` takes it; `unexplained` = the state accounts for nothing. */
  readonly code: CauseCode | UnknownCode;
  /** DEVICE.SETTING or a sysctl; empty = none. */
  readonly place: string;
  /** `0`, `on`, `8 of 8`; empty with `place`. */
  readonly value: string;
  /** The same as a clause that ends no sentence. */
  readonly text: string;
  /** Commands joined by `&&` that end it on this host; empty = none known. */
  readonly fix: string;
  /** The same as data; absent if there is none or words belong to it. */
  readonly changes?: readonly Change[];
  /** The price of the fix, and who pays it; absent = none. */
  readonly cost?: string;
  /** How to make the fix persistent, if a known program makes the host's bridges and ports. */
  readonly lasting?: readonly PersistentFix[];
}

export interface HeldBarrier {
  /** `isolated`, `learned-entry`, `flood-off`, …, as `explain` takes it. */
  readonly code: BarrierCode | UnknownCode;
  /** `fdb 52:54:00:85:20:d1 dev vnet0`, `vnet4.flood`. */
  readonly places: readonly string[];
  /** Places that are not listed; absent = none. */
  readonly morePlaces?: number;
  /** A clause that ends no sentence. */
  readonly text: string;
  readonly opens: string;
}

/** Why frames of a class did not reach some observers. */
export interface Held {
  readonly class: string;
  readonly carriers: readonly string[];
  readonly from: readonly string[];
  readonly observers: readonly string[];
  /** No other barrier is known: without this one the frames would pass. */
  readonly alone: boolean;
  readonly barriers: readonly HeldBarrier[];
  readonly measured?: MeasuredEnds;
}
/**
 * Probes that do not enter: their tags (`802.1Q 20`), and possible barriers (`nft bridge fw in`, `p0 has no VLAN 20`).
 */
export type HeldAtEntry = Readonly<Record<'tags' | 'carrier', string> & Record<'from' | 'by', readonly string[]>>;

/** Carriers of a class that came out differently. */
export interface CarriersApart {
  readonly class: string;
  readonly from: string;
  readonly to: string | null;
  readonly observers: readonly string[];
  /** Carriers that reached the observers, and carriers sent that did not. */
  readonly broken: readonly string[];
  readonly holds: readonly string[];
  readonly text: string;
}

/** The first frame of a row, for Wireshark. */
export interface FirstSighting {
  /** The capture within the folder of evidence. */
  readonly file: string;
  /** From 1, as Wireshark counts. */
  readonly frame: number;
  /** ISO 8601, UTC, with nanoseconds. */
  readonly at: string;
}

/** Consecutive probes seen. Times in ms since probing began. */
export interface LeakWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly frames: number;
}

/** An event of a step, likewise. */
export interface StepEvent {
  readonly commands: readonly (readonly string[])[];
  readonly fromMs: number;
  /** null = it did not end. */
  readonly toMs: number | null;
}

/** The headers of a token's frame that arrived changed. */
export interface AlteredFrame {
  readonly srcMac: string;
  readonly dstMac: string;
  /** 0x and four digits. */
  readonly etherType: string;
  /** null = no IP packet. */
  readonly srcIp: string | null;
  readonly dstIp: string | null;
  /** Offset of the token in the frame, in bytes. */
  readonly tokenAt: number;
}

/** `variant` of rows about answers to probes, and about frames sent to the bridge alone. */
export const [answerVariant, entryVariant] = ['answer', 'entry'] as const;

/**
 * One row: the frames of one flow at one observer.
 *
 * @example
 *   { class: 'known-unicast', carrier: 'ipv4-udp', from: 'kali2', to: 'lan', observer: 'kali3', sent: 100, seen: 100,
 *     allowed: 'no', leak: true, upperBound95: null, … }
 */
export interface Finding {
  /** Position of the entry in the step, from 0. */
  readonly probe: number;
  /** A class of probe, `foreign-unicast` for guests' own frames, or a kind of traffic. */
  readonly class: string;
  /** `raw`, `ipv4-udp`, …; `native` = no probe of the run. */
  readonly carrier: string;
  /** VLAN ids, outermost first; empty = untagged. */
  readonly vlan: readonly number[];
  /** `llc-snap`, …, `answer` (of `from` to a probe of `to`), `entry` (to the bridge); absent = the only kind. */
  readonly variant?: string;
  /** The endpoint whose frames they are. */
  readonly from: string;
  /** The addressee; null = all, or none in particular. */
  readonly to: string | null;
  /** The endpoint whose port was captured, or the bridge. */
  readonly observer: string;
  /** null = not known: guests sent them. */
  readonly sent: number | null;
  /** Frames that it received, each once. */
  readonly seen: number;
  /** The observer has to get them, may get them, or must not. */
  readonly allowed: 'must' | 'may' | 'no';
  /** It got frames that it must not. */
  readonly leak: boolean;
  /** Of a proved 0: with 95 % confidence the missed share, 0 to 1, is below; null = no bound. */
  readonly upperBound95: number | null;
  /** `inferred`: from source MACs, as the engine does not know directions. */
  readonly direction: 'known' | 'inferred';
  /** null = nothing seen, or not in the capture. */
  readonly firstSighting: FirstSighting | null;
  /** Causes of most leaks on fewest devices first, then the most specific; empty without a leak. */
  readonly causes: readonly Cause[];
  /** The scenario accepts the leak: by whom, and why. */
  readonly accepted?: {
    readonly reason: string;
    readonly owner: string | null;
    readonly ticket: string | null;
    readonly until: string | null;
  };
  /** When it leaked, in a step with events. */
  readonly windows?: readonly LeakWindow[];
  /** Frames that arrived with changed headers, by form; absent = none. */
  readonly forms?: Readonly<Partial<Record<'routed' | 'rewritten' | 'encapsulated', number>>>;
  /** The first of these. */
  readonly altered?: AlteredFrame;
  /** Frames that came back in from an uplink before they were seen here; absent = none. */
  readonly reflected?: number;
  /** By design: `open_by_design` of the scenario, and most are. */
  readonly exposed?: true;
  /** Rows folded into this one, which differ in from and to only; `sent` and `seen` are sums. Absent = one row. */
  readonly grouped?: number;
}

/** A cause of a group's leaks, with all its places. */
export interface GroupCause {
  readonly code: Cause['code'];
  readonly places: readonly string[];
  readonly value: string;
  readonly text: string;
  /** Commands; all belong to the fix. */
  readonly fixes: readonly string[];
  /** As in `Cause`. */
  readonly changes?: readonly Change[];
  readonly cost?: string;
  readonly rows: number;
  readonly lasting?: readonly PersistentFix[];
}

/** Leaks of a step with one cause, as sets of senders and observers. */
export interface LeakGroup {
  readonly cause: Cause['code'];
  readonly from: readonly string[];
  /** Addressees; null = all. */
  readonly to: readonly (string | null)[];
  readonly observers: readonly string[];
  readonly classes: readonly string[];
  readonly carriers: readonly string[];
  /** The leaks are answers of `from` to probes of `to`; absent: the probes. */
  readonly answers?: true;
  /** Leaking rows; 0 = predicted by the settings and not seen yet. */
  readonly rows: number;
  /** Frames sent in them; null = not known. */
  readonly sent: number | null;
  readonly seen: number;
  readonly firstSighting: FirstSighting | null;
  /** The one of several senders or observers that is in each of these leaks. */
  readonly odd?: string;
  /** Fewer than half of the guests tested for routing by the host are reached; absent = not so. */
  readonly few?: true;
  readonly accepted?: NonNullable<Finding['accepted']>;
  /** Each alone would end them; the most specific first. */
  readonly causes: readonly GroupCause[];
}

export interface UnmetClaim {
  /** `ids sees all from kali2` */
  readonly claim: string;
  /** Position of its entry in the step, from 0; null = all. */
  readonly probe: number | null;
  /** `beyond`: more seen than claimed; `short`: less; `unmatched`: no row matches. */
  readonly outcome: 'beyond' | 'short' | 'unmatched';
}

/** Frames at an observer that are not the run's. */
export interface Noise {
  /** Source MAC; `*`: all that are not listed. */
  readonly source: string;
  readonly frames: number;
  /** The observer at whose port most of them entered; null = none. */
  readonly enteredAt: string | null;
}

/** Frames that one observer counted in a step, from 0. */
export interface ObserverResult {
  /** The endpoint, or the bridge if it is none. */
  readonly name: string;
  /** The captured device: `vnet0`. */
  readonly interface: string;
  /** null = nothing captured. */
  readonly engine: 'libpcap' | 'cap' | 'ring' | null;
  /** By the kernel's count. */
  readonly received: number;
  /** Of these, dropped by the kernel; above 0 the step is inconclusive. */
  readonly dropped: number;
  /** Controls for it that left. */
  readonly controlsSent: number;
  /** Of these, controls received. */
  readonly controlsSeen: number;
  /** If frames were dropped: the main senders beside the run. */
  readonly noise?: readonly Noise[];
}

/**
 * The result of one step. An optional list is absent if it is empty.
 *
 * @example
 *   for (const { name, verdict, reasons } of result.steps)
 *     if (verdict === 'inconclusive') console.log(name, reasons.map(({ code, text }) => `${code}: ${text}`));
 */
export interface StepResult {
  readonly name: string;
  /** null = the step judges nothing, or this kernel cannot do it. */
  readonly verdict: Verdict | null;
  /** null = no claim. */
  readonly expected: 'holds' | 'broken' | null;
  /** All claims came true, or there is none. */
  readonly asExpected: boolean;
  /** Of an inconclusive verdict, or that did not weigh on it. */
  readonly reasons: readonly Reason[];
  /** Whatever the verdict; absent if the step failed. */
  readonly unmet?: readonly UnmetClaim[];
  /** A row for each flow and observer; leaks first if there are many. */
  readonly findings: readonly Finding[];
  /** Leaks by cause. Leaking rows beyond the limit of `findings` are only here. */
  readonly groups?: readonly LeakGroup[];
  /** Exposures by design, likewise. */
  readonly exposures?: readonly LeakGroup[];
  readonly observers: readonly ObserverResult[];
  /** Entry controls of all senders. */
  readonly entry: { readonly sent: number; readonly seen: number };
  /** Possible bypasses: trusted, not trusted, or known. */
  readonly trusted?: readonly (Trusted & Pick<OpenMatter, 'holders'>)[];
  readonly untrusted?: readonly OpenMatter[];
  readonly readers?: readonly HostReader[];
  /** If longer than usual. */
  readonly lingerMs?: number;
  readonly events?: readonly StepEvent[];
  /** Leaks that no observer captured. */
  readonly traced?: readonly TracedReach[];
  /** By the kernel's trace. */
  readonly returned?: readonly ReturnedReach[];
  /** Of a step that holds: the barriers. */
  readonly held?: readonly Held[];
  /** By controls of the probes' form. */
  readonly heldAtEntry?: readonly HeldAtEntry[];
  readonly notAsked?: readonly NotAsked[];
  /** Only if the proof is complete. */
  readonly carriersApart?: readonly CarriersApart[];
  /** Of `run --prove-fix`. */
  readonly fixes?: readonly ProvenFix[];
}

/**
 * result.json: a function of the other files of its folder, so that a replay gives the same.
 *
 * @example
 *   const { result } = await run(scenario, options);
 *   if (result.verdict === 'broken') console.log(result.steps.flatMap(({ groups = [] }) => groups));
 */
export interface Result {
  /** Raised if a reader of older results could misread a newer one. */
  readonly schemaVersion: 1;
  readonly tool: ToolRecord;
  /** `startedAt`: ISO 8601, UTC; `durationMs`: until the timeline's last entry. */
  readonly run: { readonly id: string; readonly startedAt: string; readonly durationMs: number };
  readonly scenario: ScenarioRecord;
  /** The worst of the steps: broken, inconclusive, holds. */
  readonly verdict: Verdict;
  readonly asExpected: boolean;
  /** One of `exitStatuses`. */
  readonly exitCode: number;
  /** Ports of the scenario's bridges, and those captured in each step that concerns them. */
  readonly coverage: {
    readonly complete: boolean;
    readonly observed: number;
    readonly ports: number;
    readonly unobserved: readonly { readonly port: string; readonly reason: string }[];
  };
  /** Guests that were only observed: nothing was sent to them or as them. `of` counts them and the examined ones. */
  readonly observedOnly?: { readonly guests: readonly string[]; readonly of: number };
  /** On a host: a leak planted in a lab on the same kernel before the run. Absent = none. */
  readonly calibration?: CalibrationRecord;
  /** On a host: rules that copy or move frames, and the frames that tested them. Absent = none. */
  readonly rules?: RulesRecord;
  /** On a host: what acts on frames beside the bridges, or watches them. Absent = nothing, or not read. */
  readonly precheck?: readonly PrecheckNote[];
  readonly steps: readonly StepResult[];
  /** The folder, and the SHA-256 of each file of the result. */
  readonly evidence: {
    /** `.`: paths are relative to the folder of result.json. */
    readonly dir: string;
    readonly files: readonly { readonly path: string; readonly sha256: string }[];
    /**
     * Only some frames were kept, the others counted: with `--keep leaks`, leaks and frames examined closer; of a full
     * mesh, without the leaks beyond the first thousand at an observer. Absent = all were kept.
     */
    readonly keep?: 'leaks';
    /** Frames counted and not kept. */
    readonly discarded?: number;
  };
}
