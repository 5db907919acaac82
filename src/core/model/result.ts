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
 * What the evidence says of isolation. `holds`: proved, with each proof complete. `broken`: an authentic frame reached
 * an observer that may not have it. `inconclusive`: neither; the reasons say why.
 *
 * @example
 *   const exitCodeOf: Record<Verdict, number> = { holds: 0, broken: 2, inconclusive: 3 };
 */
export type Verdict = 'holds' | 'broken' | 'inconclusive';

/**
 * What in the state of the host accounts for a leak.
 *
 * @example
 *   { code: 'ageing-zero', place: 'br0.ageing_time', value: '0', text: 'br0 learns nothing and floods',
 *     fix: 'ip link set dev br0 type bridge ageing_time 30000' }
 */
export interface Cause {
  /** What `verify-isolation explain CODE` explains; `unexplained` where the state accounts for nothing. */
  readonly code: CauseCode | UnknownCode;
  /** Where the state shows it, as DEVICE.SETTING or the name of a sysctl; empty = nowhere. */
  readonly place: string;
  /** What stands there: `0`, `on`, `8 of 8`; empty as `place` is. */
  readonly value: string;
  /** The same as a clause that ends no sentence. */
  readonly text: string;
  /** Commands joined by `&&` that end it on this host; empty = none is known. */
  readonly fix: string;
  /** The same as data; absent where there is none or words belong to it. */
  readonly changes?: readonly Change[];
  /** What the fix costs: who loses what. Absent where there is none. */
  readonly cost?: string;
  /** On a host whose bridges and ports a known program makes: how the fix comes to stay. */
  readonly lasting?: readonly PersistentFix[];
}

/** Something that stood in the way of frames. */
export interface HeldBarrier {
  /** `isolated`, `learned-entry`, `flood-off`, … : `explain` lists them. */
  readonly code: BarrierCode | UnknownCode;
  /** Where the state shows it: `fdb 52:54:00:85:20:d1 dev vnet0`, `vnet4.flood`. */
  readonly places: readonly string[];
  /** This many places more than are listed, from 1; absent = none. */
  readonly morePlaces?: number;
  /** What it does, as a clause that ends no sentence. */
  readonly text: string;
  /** What would take it away, in words. */
  readonly opens: string;
}

/** Why frames of a class reached none of some observers. */
export interface Held {
  readonly class: string;
  readonly carriers: readonly string[];
  readonly from: readonly string[];
  readonly observers: readonly string[];
  /** The state shows one barrier only: nothing else is known that would stop the frames without it. */
  readonly alone: boolean;
  readonly barriers: readonly HeldBarrier[];
  readonly measured?: MeasuredEnds;
}
/**
 * Probes that do not enter: their tags (`802.1Q 20`), and what may stop them (`nft bridge fw in`, `p0 has no VLAN 20`).
 */
export type HeldAtEntry = Readonly<Record<'tags' | 'carrier', string> & Record<'from' | 'by', readonly string[]>>;

/** One carrier of a class reached observers, another did not. */
export interface CarriersApart {
  readonly class: string;
  readonly from: string;
  /** The addressee, as in `Finding`. */
  readonly to: string | null;
  readonly observers: readonly string[];
  /** Carriers that reached the observers, and those that were sent and did not. */
  readonly broken: readonly string[];
  readonly holds: readonly string[];
  readonly text: string;
}

/** Where Wireshark shows the first frame of a row. */
export interface FirstSighting {
  /** Name of the capture within the folder of the evidence. */
  readonly file: string;
  /** 1-based frame number in the file, as Wireshark counts. */
  readonly frame: number;
  /** Its time in ISO 8601, UTC, with nanoseconds. */
  readonly at: string;
}

/** Probes that were seen one after the other, in the order of sending. Times in ms since probing began. */
export interface LeakWindow {
  readonly fromMs: number;
  readonly toMs: number;
  /** From 1. */
  readonly frames: number;
}

/** What a step let happen while probes went on. Times in ms since probing began. */
export interface StepEvent {
  /** Argument lists. */
  readonly commands: readonly (readonly string[])[];
  readonly fromMs: number;
  /** null = it did not end. */
  readonly toMs: number | null;
}

/** The headers under which a token arrived where they are not those that were sent. */
export interface AlteredFrame {
  readonly srcMac: string;
  readonly dstMac: string;
  /** 0x and four digits. */
  readonly etherType: string;
  /** Null = it is not an IP packet. */
  readonly srcIp: string | null;
  readonly dstIp: string | null;
  /** Offset of the token in the frame, in bytes. */
  readonly tokenAt: number;
}

/** `variant` of rows about answers to probes, and about frames that were sent to the bridge alone. */
export const [answerVariant, entryVariant] = ['answer', 'entry'] as const;

/**
 * One row: what of one flow one observer saw.
 *
 * @example
 *   { class: 'known-unicast', carrier: 'ipv4-udp', from: 'kali2', to: 'lan', observer: 'kali3', sent: 100, seen: 100,
 *     allowed: 'no', leak: true, upperBound95: null, … }
 */
export interface Finding {
  /** Position of the entry in the step, from 0. */
  readonly probe: number;
  /** A class of probe; `foreign-unicast` where guests' own frames are judged, else a kind of traffic. */
  readonly class: string;
  /** What carries the token: `raw`, `ipv4-udp`, …; `native` = no probe of the run. */
  readonly carrier: string;
  /** VLAN ids of its tags, the outermost first; empty = untagged. */
  readonly vlan: readonly number[];
  /** Kind of frame: `llc-snap`, …, `answer` (of `from` to a probe of `to`), `entry` (to the bridge). Absent: one. */
  readonly variant?: string;
  /** The endpoint whose frames they are. */
  readonly from: string;
  /** The addressee; null = all, or none in particular. */
  readonly to: string | null;
  /** The endpoint at whose port it was listened, or the bridge. */
  readonly observer: string;
  /** Frames that left; null = not known, since guests sent them. */
  readonly sent: number | null;
  /** Distinct frames of these that the observer received, from 0. */
  readonly seen: number;
  /** True if the observer has to get them, may get them, or must not. */
  readonly allowed: 'must' | 'may' | 'no';
  /** True where it got what it must not. */
  readonly leak: boolean;
  /** Of a proved 0: below this share, from 0 to 1, lies what was missed, with 95 % confidence; null = no bound. */
  readonly upperBound95: number | null;
  /** `inferred` where the engine does not know directions and source MACs decide. */
  readonly direction: 'known' | 'inferred';
  /** Null where nothing was seen, or it is not in the capture. */
  readonly firstSighting: FirstSighting | null;
  /** The cause of most leaks on fewest devices first, then the most specific; empty if nothing leaked. */
  readonly causes: readonly Cause[];
  /** A leak that the scenario accepts: who owns it and why. */
  readonly accepted?: {
    readonly reason: string;
    readonly owner: string | null;
    readonly ticket: string | null;
    readonly until: string | null;
  };
  /** Of a leak, where the step has events: when. */
  readonly windows?: readonly LeakWindow[];
  /** Frames that arrived with other headers than they were sent with, by form; absent = all as they were sent. */
  readonly forms?: Readonly<Partial<Record<'routed' | 'rewritten' | 'encapsulated', number>>>;
  /** The first of these; absent where `forms` is. */
  readonly altered?: AlteredFrame;
  /** This many frames, from 1, came in again from an uplink before they were seen here; absent = none. */
  readonly reflected?: number;
  /** It is seen where that is so by design: the scenario says who is open to it (`open_by_design`), and most are. */
  readonly exposed?: true;
  /**
   * This many rows that differ in from and to only, and say the same, are folded into this one: `sent` and `seen` are
   * their sums. Absent = it is one row.
   */
  readonly grouped?: number;
}

/** A cause of the leaks of a group: every place where it shows, and what has to be typed to end it there. */
export interface GroupCause {
  readonly code: Cause['code'];
  readonly places: readonly string[];
  readonly value: string;
  readonly text: string;
  /** Commands, all of which belong to the fix; empty where there is none. */
  readonly fixes: readonly string[];
  /** The same as data; absent where there is none, or words belong to one. */
  readonly changes?: readonly Change[];
  readonly cost?: string;
  /** Leaking rows that it explains. */
  readonly rows: number;
  readonly lasting?: readonly PersistentFix[];
}

/** Leaks of a step that have one cause: who hears whom, as sets. */
export interface LeakGroup {
  /** The most specific cause, which all of them have. */
  readonly cause: Cause['code'];
  readonly from: readonly string[];
  /** Whom the frames were for; null = all. */
  readonly to: readonly (string | null)[];
  readonly observers: readonly string[];
  readonly classes: readonly string[];
  readonly carriers: readonly string[];
  /** What leaks is what `from` answers to probes of `to`; absent: it is the probes. */
  readonly answers?: true;
  /** Leaking rows; 0 = the settings predict it, and no frame has shown it yet. */
  readonly rows: number;
  /** Frames that were sent in them; null = not known. */
  readonly sent: number | null;
  readonly seen: number;
  readonly firstSighting: FirstSighting | null;
  /** Of several senders and several observers, the one that sends or observes each of these leaks. */
  readonly odd?: string;
  /** Fewer than half of the guests are reached that were asked for what the host routes; absent = not so. */
  readonly few?: true;
  /** Present where the scenario accepts these leaks. */
  readonly accepted?: NonNullable<Finding['accepted']>;
  /** What would end them, one or the other; the most specific first. */
  readonly causes: readonly GroupCause[];
}

/** A claim of `seen` that did not come true. */
export interface UnmetClaim {
  /** `ids sees all from kali2` */
  readonly claim: string;
  /** Position of the entry of the step that it is of, from 0; null = of all. */
  readonly probe: number | null;
  /** `beyond`: more was seen than claimed; `short`: less; `unmatched`: no row matches it. */
  readonly outcome: 'beyond' | 'short' | 'unmatched';
}

/** Frames at an observer that are none of the run's. */
export interface Noise {
  /** Source MAC; `*`: all beyond those that are reported one by one. */
  readonly source: string;
  readonly frames: number;
  /** The observer at whose port most frames from this source entered; null = none that was observed. */
  readonly enteredAt: string | null;
}

/** What one observer counted in a step: frames, from 0. */
export interface ObserverResult {
  /** Of the endpoint, or of the bridge where it is not one. */
  readonly name: string;
  /** The device that was listened on: `vnet0`. */
  readonly interface: string;
  /** What captured there; null = nothing listened. */
  readonly engine: 'libpcap' | 'cap' | 'ring' | null;
  /** Frames that the kernel counted for it. */
  readonly received: number;
  /** Frames of these that the kernel dropped; above 0 the step is inconclusive. */
  readonly dropped: number;
  /** Controls for it that left. */
  readonly controlsSent: number;
  /** Controls of these that it received. */
  readonly controlsSeen: number;
  /** Where frames were dropped: who sent most of what was captured there beside the run. */
  readonly noise?: readonly Noise[];
}

/**
 * What became of one step.
 *
 * @example
 *   for (const { name, verdict, reasons } of result.steps)
 *     if (verdict === 'inconclusive') console.log(name, reasons.map(({ code, text }) => `${code}: ${text}`));
 */
export interface StepResult {
  /** As in the scenario. */
  readonly name: string;
  /** Null = the step judges nothing, or this kernel cannot do it. */
  readonly verdict: Verdict | null;
  /** What the scenario claims; null = nothing. */
  readonly expected: 'holds' | 'broken' | null;
  /** True if all claims of the step came true; true without a claim. */
  readonly asExpected: boolean;
  /** Empty unless the verdict is inconclusive, or something did not weigh on it. */
  readonly reasons: readonly Reason[];
  /** Claims of `seen` that failed, whatever the verdict is. Absent where all came true, and where the step failed. */
  readonly unmet?: readonly UnmetClaim[];
  /** A row for each flow and observer, leaks first where they are many. */
  readonly findings: readonly Finding[];
  /**
   * Its leaks by cause. Where there are more leaking rows than are written down one by one, the rest is in here alone.
   * Absent where nothing leaked.
   */
  readonly groups?: readonly LeakGroup[];
  /** What is open by design, likewise; absent where nothing is. */
  readonly exposures?: readonly LeakGroup[];
  /** In the order of the plan. */
  readonly observers: readonly ObserverResult[];
  /** Frames of entry controls that were sent and received, all senders together. */
  readonly entry: { readonly sent: number; readonly seen: number };
  /** What could carry frames past the ears: trusted not to, or not, or known; absent where there was none. */
  readonly trusted?: readonly (Trusted & Pick<OpenMatter, 'holders'>)[];
  readonly untrusted?: readonly OpenMatter[];
  readonly readers?: readonly HostReader[];
  /** It was listened for this long after the last probe; absent where that is no longer than usual. */
  readonly lingerMs?: number;
  /** Of a step with `during`: what ran meanwhile; absent of others. */
  readonly events?: readonly StepEvent[];
  /** Leaks that no observer heard; absent = there are none. */
  readonly traced?: readonly TracedReach[];
  /** By the kernel's trace; absent = there are none. */
  readonly returned?: readonly ReturnedReach[];
  /** Of a step that holds: what was in the way. Absent where no row is explained. */
  readonly held?: readonly Held[];
  /** Probes that did not enter the bridge, as far as controls of their form show; absent where there are none. */
  readonly heldAtEntry?: readonly HeldAtEntry[];
  /** Packets that were not sent, because an address is not known. Absent: there are none. */
  readonly notAsked?: readonly NotAsked[];
  /** Absent where every carrier of a class came to the same, and where the proof is not complete. */
  readonly carriersApart?: readonly CarriersApart[];
  /** Of `run --prove-fix`: what became of each fix that the step's leaks ask for. Absent = none was tried. */
  readonly fixes?: readonly ProvenFix[];
}

/**
 * What a run says: result.json. A function of the other files of its folder, so that a replay makes the same.
 *
 * @example
 *   const { result } = await run(scenario, options);
 *   if (result.verdict === 'broken') console.log(result.steps.flatMap(({ groups = [] }) => groups));
 */
export interface Result {
  /** Raised where a reader of older results could misread a newer one. */
  readonly schemaVersion: 1;
  /** The program that judged, and by which rules. */
  readonly tool: ToolRecord;
  /** `startedAt` in ISO 8601, UTC; `durationMs` until the last entry of the timeline. */
  readonly run: { readonly id: string; readonly startedAt: string; readonly durationMs: number };
  /** Name, file and SHA-256 of what was claimed. */
  readonly scenario: ScenarioRecord;
  /** The worst of the steps: broken, then inconclusive, then holds. */
  readonly verdict: Verdict;
  /** True if every step came out as claimed. */
  readonly asExpected: boolean;
  /** One of `exitStatuses`. */
  readonly exitCode: number;
  /** Ports of the bridges of the scenario, and how many of them were listened on in each step that concerns them. */
  readonly coverage: {
    readonly complete: boolean;
    readonly observed: number;
    readonly ports: number;
    readonly unobserved: readonly { readonly port: string; readonly reason: string }[];
  };
  /**
   * Guests that were observed, and nothing was sent to them or in their name; `of` counts them and those that were
   * examined. Absent = there were none.
   */
  readonly observedOnly?: { readonly guests: readonly string[]; readonly of: number };
  /** On a host: a leak planted in a lab on the same kernel right before, and how much was seen. Absent = none was. */
  readonly calibration?: CalibrationRecord;
  /** On a host: what copies or moves frames there by a rule, and what asked it. Absent = nothing does. */
  readonly rules?: RulesRecord;
  /** On a host: what acts on frames beside the bridges, or watches them. Absent = nothing, or it was not read. */
  readonly precheck?: readonly PrecheckNote[];
  /** In the order of the scenario. */
  readonly steps: readonly StepResult[];
  /** The folder and the SHA-256 of each file that the result rests on. */
  readonly evidence: {
    /** `.`: the paths are relative to the folder that result.json is in. */
    readonly dir: string;
    readonly files: readonly { readonly path: string; readonly sha256: string }[];
    /**
     * Not every frame was kept: with `--keep leaks` only leaks and what else is looked at closer; of a mesh in which
     * everybody hears everybody not the leaks beyond the first thousand at an observer. The others were counted. Absent
     * = every frame was kept.
     */
    readonly keep?: 'leaks';
    /** This many frames were counted and not kept; absent where `keep` is. */
    readonly discarded?: number;
  };
}
