import type { PersistentFix } from './persistent-fix.js';
import type { CalibrationRecord, ToolRecord } from './provenance.js';
import type { PrecheckNote, ScenarioRecord } from './run-record.js';
import type { Trusted } from './scenario.js';

export type Verdict = 'holds' | 'broken' | 'inconclusive';

export interface Reason {
  readonly code: string;
  readonly observer: string | null;
  readonly text: string;
}

export interface Cause {
  readonly code: string;
  readonly place: string;
  readonly value: string;
  readonly text: string;
  readonly fix: string;
  /** What the fix costs: who loses what. Absent where there is none, and in runs that are judged by rules 1. */
  readonly cost?: string;
  /** On a host whose bridges and ports a known program makes: how the fix comes to stay. */
  readonly lasting?: readonly PersistentFix[];
}

/** Something that stood in the way of frames. */
export interface HeldBarrier {
  /** `isolated`, `learned-entry`, `flood-off`, … : docs/catalogue.md lists them. */
  readonly code: string;
  /** Where the state shows it: `fdb 52:54:00:85:20:d1 dev vnet0`, `vnet4.flood`. */
  readonly places: readonly string[];
  /** So many places more than are listed. */
  readonly morePlaces?: number;
  readonly text: string;
  /** What would take it away. */
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
}

/** One carrier of a class reached observers, another did not. */
export interface CarriersApart {
  readonly class: string;
  readonly from: string;
  readonly to: string | null;
  readonly observers: readonly string[];
  readonly broken: readonly string[];
  readonly holds: readonly string[];
  readonly text: string;
}

/** `mends`: what `works` was called; it stands in runs of older versions. */
export const fixOutcomes = [
  'works',
  'mends',
  'partly',
  'still-leaks',
  'no-effect',
  'cuts-off',
  'separates',
  'unproven',
  'failed',
] as const;

/** Something that worked before a fix and no longer does: ARP, DHCP, … and who is without it. */
export interface LostNeed {
  readonly what: string;
  readonly names: readonly string[];
}

/** A proposed fix that was tried in the lab: the step as it was, the fix, the step again. */
export interface ProvenFix {
  readonly cause: string;
  readonly commands: readonly string[];
  readonly outcome: (typeof fixOutcomes)[number];
  /**
   * Frames seen where they must not be, in the rows that the cause explains: before the fix and after it; null = not
   * measured.
   */
  readonly before: number | null;
  readonly after: number | null;
  /** Who worked with the others before the fix and no longer does. */
  readonly cutOff: readonly string[];
  /** What they are without. Absent where nobody is cut off, and in runs of older versions. */
  readonly lost?: readonly LostNeed[];
  /** Pairs that no longer reach each other, though both reach the gateway. Absent where there are none. */
  readonly separated?: readonly (readonly [string, string])[];
  readonly text: string;
  /** Folder with the evidence of the trial, within the run's, and the SHA-256 of its SHA256SUMS. */
  readonly evidence: string;
  readonly sha256: string | null;
}

export interface FirstSighting {
  readonly file: string;
  /** 1-based frame number in the file, as Wireshark counts. */
  readonly frame: number;
  readonly at: string;
}

/**
 * Probes that were seen one after the other, in the order of sending, where a step has events. Times in ms since
 * probing began.
 */
export interface LeakWindow {
  readonly fromMs: number;
  readonly toMs: number;
  readonly frames: number;
}

/** What a step let happen while probes went on. Times in ms since probing began. */
export interface StepEvent {
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
  readonly srcIp: string | null;
  readonly dstIp: string | null;
  /** Offset of the token in the frame, in bytes. */
  readonly tokenAt: number;
}

/** One row: what of one flow one observer saw. */
export interface Finding {
  readonly probe: number;
  readonly class: string;
  readonly carrier: string;
  readonly vlan: readonly number[];
  /** Which of several kinds of frame of one class and carrier: `llc-snap`, `cdp`, … Absent: the only one. */
  readonly variant?: string;
  readonly from: string;
  readonly to: string | null;
  readonly observer: string;
  readonly sent: number | null;
  readonly seen: number;
  readonly allowed: 'must' | 'may' | 'no';
  readonly leak: boolean;
  readonly upperBound95: number | null;
  readonly direction: 'known' | 'inferred';
  readonly firstSighting: FirstSighting | null;
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
  /** The first of these. */
  readonly altered?: AlteredFrame;
  /** So many came in again from an uplink before they were seen here. */
  readonly reflected?: number;
  /** It is seen where that is so by design: the scenario says who is open to it (`open_by_design`), and most are. */
  readonly exposed?: true;
  /**
   * So many rows that differ in from and to only, and say the same, are folded into this one: `sent` and `seen` are
   * their sums.
   */
  readonly grouped?: number;
}

/** A cause of the leaks of a group: every place where it shows, and what has to be typed to end it there. */
export interface GroupCause {
  readonly code: string;
  readonly places: readonly string[];
  readonly value: string;
  readonly text: string;
  /** Commands, all of which belong to the fix; empty where there is none. */
  readonly fixes: readonly string[];
  readonly cost?: string;
  /** Leaking rows that it explains. */
  readonly rows: number;
  readonly lasting?: readonly PersistentFix[];
}

/** Leaks of a step that have one cause: who hears whom, as sets. */
export interface LeakGroup {
  /** The most specific cause, which all of them have. */
  readonly cause: string;
  readonly from: readonly string[];
  /** Whom the frames were for; null = all. */
  readonly to: readonly (string | null)[];
  readonly observers: readonly string[];
  readonly classes: readonly string[];
  readonly carriers: readonly string[];
  /** Leaking rows, and the frames that were sent and seen in them; null = it is not known how many were sent. */
  readonly rows: number;
  readonly sent: number | null;
  readonly seen: number;
  readonly firstSighting: FirstSighting | null;
  /** Present where the scenario accepts these leaks. */
  readonly accepted?: NonNullable<Finding['accepted']>;
  /** What would end them, one or the other; the most specific first. */
  readonly causes: readonly GroupCause[];
}

/** Frames at an observer that are none of the run's. */
export interface Noise {
  /** Source MAC; `*`: all beyond those that are told one by one. */
  readonly source: string;
  readonly frames: number;
  /** The observer at whose port most frames from this source entered; null = none that was observed. */
  readonly enteredAt: string | null;
}

export interface ObserverResult {
  readonly name: string;
  readonly interface: string;
  readonly engine: 'libpcap' | 'cap' | 'ring' | null;
  readonly received: number;
  readonly dropped: number;
  readonly controlsSent: number;
  readonly controlsSeen: number;
  /** Where frames were dropped: who sent most of what was captured there beside the run. */
  readonly noise?: readonly Noise[];
}

export interface StepResult {
  readonly name: string;
  readonly verdict: Verdict | null;
  readonly expected: 'holds' | 'broken' | null;
  readonly asExpected: boolean;
  readonly reasons: readonly Reason[];
  readonly findings: readonly Finding[];
  /**
   * Its leaks by cause. Where there are more leaking rows than are written down one by one, the rest is in here alone.
   * Absent where nothing leaked, and in runs that are judged by rules 1.
   */
  readonly groups?: readonly LeakGroup[];
  /** What is open by design, likewise; absent where nothing is. */
  readonly exposures?: readonly LeakGroup[];
  readonly observers: readonly ObserverResult[];
  /** Entry controls sent and received, all senders together. */
  readonly entry: { readonly sent: number; readonly seen: number };
  /** What could carry frames past the ears, and is trusted not to; absent where there was nothing of the kind. */
  readonly trusted?: readonly Trusted[];
  /** Of a step with `during`: what ran meanwhile. */
  readonly events?: readonly StepEvent[];
  /** Of a step that holds: what was in the way. Absent where no row is explained. */
  readonly held?: readonly Held[];
  /** Absent where every carrier of a class came to the same, and where the proof is not complete. */
  readonly carriersApart?: readonly CarriersApart[];
  /** Of `run --prove-fix`: what became of each fix that the step's leaks ask for. */
  readonly fixes?: readonly ProvenFix[];
}

export interface Result {
  readonly schemaVersion: 1;
  readonly tool: ToolRecord;
  readonly run: { readonly id: string; readonly startedAt: string; readonly durationMs: number };
  readonly scenario: ScenarioRecord;
  readonly verdict: Verdict;
  readonly asExpected: boolean;
  readonly exitCode: number;
  readonly coverage: {
    readonly complete: boolean;
    readonly observed: number;
    readonly ports: number;
    readonly unobserved: readonly { readonly port: string; readonly reason: string }[];
  };
  /**
   * A run on a host: a leak planted in a lab on the same kernel right before it, and how much of it was seen. Absent =
   * there was none.
   */
  readonly calibration?: CalibrationRecord;
  /**
   * A run on a host: what acts on frames beside the bridges, or watches them. Absent = nothing was found, or nobody
   * looked.
   */
  readonly precheck?: readonly PrecheckNote[];
  readonly steps: readonly StepResult[];
  readonly evidence: {
    readonly dir: string;
    readonly files: readonly { readonly path: string; readonly sha256: string }[];
    /**
     * Not every frame was kept: with `--keep leaks` only leaks and what else is looked at closer; of a mesh in which
     * everybody hears everybody not the leaks beyond the first thousand at an observer. The others were counted. Absent
     * = every frame was kept.
     */
    readonly keep?: 'leaks';
    /** So many frames were counted and not kept. */
    readonly discarded?: number;
  };
}
