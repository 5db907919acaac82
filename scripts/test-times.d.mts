export interface Usage {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly processorMs: number;
}

export interface TimedRun {
  readonly title: string;
  readonly wallMs: number;
  readonly processorMs: number;
  readonly usage: readonly Usage[];
  readonly tests: readonly { readonly file: string; readonly name: string; readonly ms: number }[];
}

export function readUsage(text: string, cwd: string): readonly Usage[];

export function timesOf(runs: readonly TimedRun[]): readonly string[];
