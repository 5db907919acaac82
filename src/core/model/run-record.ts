import type { NoteCode, UnknownCode } from './codes.js';
import type { ConfigurationManager } from './fix.js';
import type { Provenance, ToolRecord } from './provenance.js';
import type { FileHash, Scenario } from './scenario.js';

/** The file that was run, and what else it was made of; a key that would be empty is absent. */
export interface ScenarioRecord {
  readonly name: string;
  /** Path as given on the command line. */
  readonly file: string;
  readonly sha256: string;
  /** Included files, and those that its commands name. */
  readonly files?: readonly FileHash[];
  /** `vars` as they were set. */
  readonly variables?: Scenario['variables'];
  /** Only steps whose name matches this regular expression were judged. */
  readonly grep?: string;
}

/** `run.json`: what is known of a run besides its plan, its timeline, its states and its capture. */
export interface RunRecord {
  readonly runVersion: 1;
  readonly tool: ToolRecord;
  readonly id: string;
  readonly startedAt: string;
  readonly scenario: ScenarioRecord;
  readonly provider: 'lab' | 'host';
  /** Lab: `root` or `user-namespace`. */
  readonly runsAs: string;
  readonly engine: string;
  readonly kernel: string;
  readonly node: string;
  /** The run's key, hex, revealed once every capture is closed and hashed; null = the run was killed before. */
  readonly key: string | null;
  /**
   * SHA-256 of evidence.pcapng when it was closed and the number of packets in it; null = it never was. `discarded`:
   * frames that were counted in discarded.ndjson and not kept, and its SHA-256.
   */
  readonly capture: {
    readonly sha256: string;
    readonly packets: number;
    readonly discarded?: { readonly frames: number; readonly sha256: string };
  } | null;
  /** How many lines timeline.ndjson had when it was closed; absent in runs that were killed. */
  readonly timeline?: { readonly entries: number };
  /**
   * On a host: what acts on frames beside the bridges, or watches them; and what was usual before anything was sent.
   * Absent in a lab.
   */
  readonly precheck?: readonly PrecheckNote[];
  readonly guard?: GuardRecord;
  /**
   * Whose configuration makes which bridge and port: of this host, or of the one that the lab stands for. Absent where
   * it is not known.
   */
  readonly keepers?: readonly ConfigurationManager[];
  /** What stands up later; absent in runs that were killed before their first step. */
  readonly provenance?: Provenance;
  /**
   * Payload was removed later: then `capture` names the file that was left, and this the one that was written. Absent =
   * it never was.
   */
  readonly purged?: { readonly at: string; readonly sha256Before: string };
}

/**
 * What guests and the gateway were like before a run on a host sent anything: later moments are held against it.
 * `guard` of run.json.
 */
export interface GuardRecord {
  /** Frames that each port dropped in a second before the run. */
  readonly dropsPerSecond: Readonly<Record<string, number>>;
  /** The host's gateway in the namespace of the bridge; null = it has none. */
  readonly gateway: {
    readonly address: string;
    /** Median of its answers in ms; null = it answered no ping, and is not watched. */
    readonly medianMs: number | null;
  } | null;
}

/** A note for reading the result of a run on a host: something acts on frames beside the bridge, or watches them. */
export interface PrecheckNote {
  /** Stable: the name of the audit rule that found it, or of the check. */
  readonly code: NoteCode | UnknownCode;
  /** What it is: `vnet0 ingress`, `packet socket on br0`. */
  readonly place: string;
  readonly value: string;
  readonly text: string;
}

/** Code of a note on guests, or a bridge, of which the run says nothing. */
export const notExamined = 'not-examined';

/** What was looked at before a run on a host. */
export interface Precheck {
  readonly notes: readonly PrecheckNote[];
  /** Why the run would say nothing, a line each; empty = it may begin. */
  readonly refusals: readonly string[];
}

/**
 * What test/lab/sabotage broke on purpose before this version was released, at least, and how often the verdict was
 * *holds* all the same. The suite fails where it does less than this or where it finds a false *holds*.
 */
export const sabotageFigures = { cases: 600, falseHolds: 0 } as const;
