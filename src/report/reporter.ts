import type { JudgeInput } from '../core/judge/judge.js';
import type { Result } from '../core/model/result.js';
import type { ShownFrame } from '../core/wire/shown-frame.js';

/**
 * What the folder of a run holds besides its result: plan, run record, timeline, states, and the first frame of each
 * leak.
 */
export interface RunDetails extends JudgeInput {
  readonly frames: readonly ShownFrame[];
}

/** A run with the folder that holds its evidence; null = the evidence is not at hand. */
export interface ReportedRun {
  readonly result: Result;
  readonly dir: string | null;
  readonly details: RunDetails | null;
  /** The result as it stands in the folder, where `result` has leaks marked that are known from a baseline. */
  readonly judged?: Result;
  /** Its report.html, where it has one. */
  readonly page?: string;
  /** The exit status that it asks for, where that is not its result's own: known leaks, a dry run. */
  readonly status?: number;
}

/** A run that was asked for and came to no result. */
export interface UnendedRun {
  /** Of its scenario; where folders are judged again, the folder. */
  readonly name: string;
  readonly why: string;
}

/**
 * Where a report is read: columns of the terminal, whether it may be coloured, whether all that is known is reported.
 */
export interface View {
  readonly width: number;
  readonly color: boolean;
  /** Lines of the terminal; absent: 24. */
  readonly height?: number;
  /** A pipe: no line of a table is cut, and the report has room. */
  readonly uncut?: boolean;
  readonly verbose?: boolean;
  /** Before the answer a picture: boxes on their bridges, and who overhears whom. */
  readonly picture?: boolean;
  /** Somebody ended the run and waits for the prompt: a few lines, whatever it came to. */
  readonly brief?: boolean;
  /** The reason why steps are not judged, as a main clause; absent: they claim nothing. */
  readonly whyNotJudged?: string;
  /** How this program was called, for commands to type: `node dist/cli.cjs`; absent: `verify-isolation`. */
  readonly command?: string;
  /** The exit status of the program, of all runs together. */
  readonly status?: number;
  /** Absent = every run that was asked for came to a result. */
  readonly unended?: readonly UnendedRun[];
}

/** A view of the result: text that ends with a line feed. Never throws on what a guest wrote. */
export type Reporter = (runs: readonly ReportedRun[], view: View) => string;

/** From the first to the last entry of a step in the timeline, in seconds; null = the timeline is not at hand. */
export function stepSeconds(details: RunDetails | null, step: number): number | null {
  let [first, last] = [Infinity, -Infinity];
  for (const { step: of, monoMs } of details?.timeline ?? []) {
    if (of !== step) continue;
    first = Math.min(first, monoMs);
    last = Math.max(last, monoMs);
  }
  return last < first ? null : (last - first) / 1000;
}
