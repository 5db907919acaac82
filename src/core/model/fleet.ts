/** Leaking rows, or steps with that reason. */
export interface CodeCount {
  readonly code: string;
  readonly count: number;
}

/** A run without names, addresses or rules of guests. */
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
  /** Of leaks not accepted, most rows first. */
  readonly causes: readonly CodeCount[];
  /** Of leaks accepted or in a baseline, most rows first. */
  readonly accepted: readonly CodeCount[];
  readonly exposed: readonly CodeCount[];
  readonly doubts: readonly CodeCount[];
}

/** The body of `run --push`. */
export interface HostSummary {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly kernel: string;
  readonly host: string;
  /** ISO 8601, UTC. */
  readonly at: string;
  readonly exitCode: number;
  /** A salted hash of files or bridges. A newer summary of the same hash replaces older ones. */
  readonly asked: string;
  /** `rootHash`: SHA-256 of SHA256SUMS. `dir`: on that host. */
  readonly runs: readonly (RunSummary & { readonly rootHash: string | null; readonly dir: string | null })[];
  readonly unended: number;
}

/** From its evidence, or else its summary. */
export interface FleetRun extends RunSummary {
  readonly dir: string;
  readonly rootHash: string | null;
  /** Its report.html. */
  readonly page: string | null;
  /** Leaks that fail it, and reasons of inconclusive steps. At most 50. */
  readonly leaks: readonly string[];
  readonly reasons: readonly string[];
}

/** A command's end on a host. */
export interface FleetCommand {
  readonly name: string;
  readonly status: number;
  readonly text: string;
}

export interface FleetHost {
  readonly host: string;
  readonly dir: string;
  /** The first of 2, 70, 69, 3, 4 that occurred, else 0. */
  readonly status: number;
  /** Missing, incomplete or unreadable evidence. It excludes green. */
  readonly problems: readonly string[];
  readonly commands: readonly FleetCommand[];
  readonly runs: readonly FleetRun[];
}

/** Hosts with the same cause, reason or problem. */
export interface FleetGroup {
  readonly kind: 'leak' | 'problem' | 'doubt' | 'exposed';
  /** Words if it is a problem. */
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
  /** False = pushed without signing keys: host names are claims. */
  readonly signersChecked: boolean;
  /** Most hosts first. */
  readonly groups: readonly FleetGroup[];
  /** Against `--since`. */
  readonly since: { readonly at: string; readonly changes: readonly FleetChange[] } | null;
  readonly hosts: readonly FleetHost[];
}
