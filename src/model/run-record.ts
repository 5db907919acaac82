import type { Keeper } from '../core/model/persistent-fix.js';
import type { FileHash, Scenario } from '../core/model/scenario.js';
import type { GuardRecord } from './guard.js';
import type { PrecheckNote } from './precheck.js';
import type { Provenance } from './provenance.js';
import type { ToolRecord } from './tool-record.js';

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
  /** Only steps whose name fits this regular expression were judged. */
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
  /**
   * On a host: what acts on frames beside the bridges, or watches them; and what was usual before anything was sent.
   * Absent in runs of earlier versions.
   */
  readonly precheck?: readonly PrecheckNote[];
  readonly guard?: GuardRecord;
  /**
   * Whose configuration makes which bridge and port: of this host, or of the one that the lab stands for. Absent where
   * it is not known.
   */
  readonly keepers?: readonly Keeper[];
  /** What stands up later; absent in runs of earlier versions. */
  readonly provenance?: Provenance;
  /**
   * Payload was removed later: then `capture` names the file that was left, and this the one that was written. Absent =
   * it never was.
   */
  readonly purged?: { readonly at: string; readonly sha256Before: string };
}
