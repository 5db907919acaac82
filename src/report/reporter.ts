import type { Result } from '../model/result.js';

/** A run with the folder that holds its evidence; null = the evidence is not at hand. */
export interface ReportedRun {
  readonly result: Result;
  readonly dir: string | null;
}

/** Where a report is read: columns of the terminal, and whether it may be coloured. */
export interface View {
  readonly width: number;
  readonly color: boolean;
}

/** A view of the result: text that ends with a line feed. Never throws on what a guest wrote. */
export type Reporter = (runs: readonly ReportedRun[], view: View) => string;
