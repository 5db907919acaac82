/** A code of `explain`, and its count of leaking rows or of steps with that reason. */
export interface CodeCount {
  readonly code: string;
  readonly count: number;
}

/** A run in codes and counts, without a guest's name, address or rule. */
export interface RunSummary {
  readonly id: string;
  readonly scenario: string;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly verdict: 'holds' | 'broken' | 'inconclusive';
  readonly exitCode: number;
  /** The verdict and a sentence of counts. */
  readonly answer: string;
  readonly observed: number;
  readonly ports: number;
  /** Causes of leaks that are not accepted, most rows first. */
  readonly causes: readonly CodeCount[];
  /** Causes of leaks accepted or known from a baseline, likewise. */
  readonly accepted: readonly CodeCount[];
  readonly exposed: readonly CodeCount[];
  readonly doubts: readonly CodeCount[];
}

/** The body of `run --push`: a command on one host. */
export interface HostSummary {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly kernel: string;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly exitCode: number;
  /**
   * A hash of the files or bridges and of guests' names, so that no other machine makes it. The newest summary of a
   * hash replaces the others.
   */
  readonly asked: string;
  /** `rootHash`: SHA-256 of SHA256SUMS; `dir`: the evidence on that host; null = none. */
  readonly runs: readonly (RunSummary & { readonly rootHash: string | null; readonly dir: string | null })[];
  readonly unended: number;
}

/** A run judged again from its evidence, or taken from its summary. */
export interface FleetRun extends RunSummary {
  readonly dir: string;
  readonly rootHash: string | null;
  /** Its report.html; null = not available. */
  readonly page: string | null;
  /** Leaks that fail it, and reasons of inconclusive steps, a line each: the first 50. */
  readonly leaks: readonly string[];
  readonly reasons: readonly string[];
}

/** A command as it ended on a host. */
export interface FleetCommand {
  readonly name: string;
  readonly status: number;
  readonly text: string;
}

export interface FleetHost {
  readonly host: string;
  readonly dir: string;
  /** The first of 2, 70, 69, 3, 4 that anything on the host asks for, else 0. */
  readonly status: number;
  /** Evidence missing, incomplete or unreadable, a line each. A host with one is never green. */
  readonly problems: readonly string[];
  readonly commands: readonly FleetCommand[];
  readonly runs: readonly FleetRun[];
}

/** Hosts that share a cause, a reason or a problem. */
export interface FleetGroup {
  readonly kind: 'leak' | 'problem' | 'doubt' | 'exposed';
  /** For `explain`; words for a problem. */
  readonly code: string;
  readonly hosts: readonly string[];
}

export interface FleetChange {
  readonly host: string;
  readonly text: string;
}

/** Runs of many hosts: `fleet --json`. */
export interface FleetReport {
  readonly schemaVersion: 1;
  readonly at: string;
  readonly exitCode: number;
  readonly counts: {
    readonly asExpected: number;
    readonly broken: number;
    readonly faulty: number;
    readonly inconclusive: number;
    readonly unexpected: number;
  };
  /** False = summaries were pushed and no signing keys are set: each host's name is its own claim. */
  readonly signersChecked: boolean;
  /** Leaks, problems, doubts, exposures; most hosts first. */
  readonly groups: readonly FleetGroup[];
  /** Against `--since`; null = no earlier report. */
  readonly since: { readonly at: string; readonly changes: readonly FleetChange[] } | null;
  readonly hosts: readonly FleetHost[];
}
