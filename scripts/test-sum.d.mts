/** A file in the JSON that vitest reports. */
export interface ReportedFile {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: string;
    readonly meta?: { readonly skipped?: string };
    readonly tags?: readonly string[];
    readonly duration?: number;
    readonly failureMessages: readonly string[];
  }[];
}

export interface Test {
  readonly file: string;
  readonly name: string;
  readonly why: string | null;
  readonly level: 'test' | 'all';
}

export interface Run {
  readonly title: string;
  readonly files: readonly string[];
  readonly tests: readonly (Test & { readonly status: string; readonly ms: number })[];
  readonly failures: readonly string[];
  readonly again: readonly string[];
}

export interface Unmade {
  readonly title: string;
  readonly count: number;
  readonly why: string;
}

export interface Sum {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly lines: readonly string[];
}

export function readRun(
  title: string,
  report: { readonly testResults: readonly ReportedFile[] },
  from: { readonly cwd: string; readonly end: number | string },
): Run;

export function lostRun(title: string, why: string): Run;

export function sumUp(of: {
  readonly runs: readonly Run[];
  readonly rest?: readonly Test[];
  readonly unmade?: readonly Unmade[];
  readonly levels?: readonly Test['level'][];
  readonly isDrawn?: (file: string) => boolean;
}): Sum;
