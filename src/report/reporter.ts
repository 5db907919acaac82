import type { JudgeInput } from '../core/judge/judge.js';
import type { Result } from '../core/model/result.js';
import type { ShownFrame } from '../core/wire/shown-frame.js';

/** A run's folder, with the first frame of each leak. */
export interface RunDetails extends JudgeInput {
  readonly frames: readonly ShownFrame[];
}

/** A run with its evidence folder. null = not available. */
export interface ReportedRun {
  readonly result: Result;
  readonly dir: string | null;
  /** The capture's name in `dir`, if not evidence.pcapng. */
  readonly capture?: string;
  readonly details: RunDetails | null;
  /** The folder's result, if `result` has known leaks of a baseline. */
  readonly judged?: Result;
  readonly page?: string;
  /** Exit status, if not the result's own: known leaks, a dry run. */
  readonly status?: number;
}

/** A requested run without result. */
export interface UnendedRun {
  /** Of its scenario, or the folder judged again. */
  readonly name: string;
  readonly why: string;
}

/** Columns, colours and extent. */
export interface View {
  readonly width: number;
  readonly color: boolean;
  /** Absent: 24. */
  readonly height?: number;
  /** Tables are not cut. */
  readonly uncut?: boolean;
  readonly verbose?: boolean;
  /** The user ended the run. */
  readonly brief?: boolean;
  /** A main clause. Absent = steps claim nothing. */
  readonly whyNotJudged?: string;
  /** For commands to type. Absent = `verify-isolation`. */
  readonly command?: string;
  /** The program's, of all runs. */
  readonly status?: number;
  readonly unended?: readonly UnendedRun[];
}

/** Ends with a line feed. Never throws on guests' text. */
export type Reporter = (runs: readonly ReportedRun[], view: View) => string;

/** Seconds of a step in the timeline; null = not available. */
export function stepSeconds(details: RunDetails | null, step: number): number | null {
  let [first, last] = [Infinity, -Infinity];
  for (const { step: of, monoMs } of details?.timeline ?? []) {
    if (of !== step) continue;
    first = Math.min(first, monoMs);
    last = Math.max(last, monoMs);
  }
  return last < first ? null : (last - first) / 1000;
}
