/** A code of `explain` and how often it stands: leaking rows of a cause, or steps with a reason. */
export interface CodeCount {
  readonly code: string;
  readonly count: number;
}

/** A run in codes and counts, without a name, an address or a rule of any guest. */
export interface RunSummary {
  readonly id: string;
  readonly scenario: string;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly verdict: 'holds' | 'broken' | 'inconclusive';
  readonly exitCode: number;
  /** The verdict's word and a sentence of counts. */
  readonly answer: string;
  readonly observed: number;
  readonly ports: number;
  /** Causes of leaks that are not accepted, most rows first. */
  readonly causes: readonly CodeCount[];
  /** Causes of leaks that are accepted, or known from a baseline, likewise. */
  readonly accepted: readonly CodeCount[];
  /** Causes of exposures, likewise. */
  readonly exposed: readonly CodeCount[];
  /** Reasons of steps that came to no verdict. */
  readonly doubts: readonly CodeCount[];
}

/** The body of `run --push`: a command on one host. */
export interface HostSummary {
  readonly schemaVersion: 1;
  readonly tool: { readonly name: string; readonly version: string };
  readonly kernel: string;
  readonly host: string;
  /** When the command ended, ISO 8601, UTC. */
  readonly at: string;
  readonly exitCode: number;
  /**
   * The same of each command of the same files or bridges: the newest replaces the others. A hash that no other machine
   * can make, for it covers names of guests.
   */
  readonly asked: string;
  /** `rootHash`: SHA-256 of SHA256SUMS; `dir`: the evidence on that host; null = there is none. */
  readonly runs: readonly (RunSummary & { readonly rootHash: string | null; readonly dir: string | null })[];
  /** Runs that came to no result. */
  readonly unended: number;
}

/** One run of one host: judged again from its evidence, or as its summary has it. */
export interface FleetRun extends RunSummary {
  /** Of the evidence; on that host where it is a summary. */
  readonly dir: string;
  /** SHA-256 of SHA256SUMS; null = there is none. */
  readonly rootHash: string | null;
  /** Its report.html; null = it is not at hand. */
  readonly page: string | null;
  /** Leaks that make it fail, and why steps that should have come to a verdict did not, a line each: the first 50. */
  readonly leaks: readonly string[];
  readonly reasons: readonly string[];
}

/** A command that ran on a host, as it ended there. */
export interface FleetCommand {
  readonly name: string;
  readonly status: number;
  /** The end of what it said to people. */
  readonly text: string;
}

/** What is known of one host of a fleet. */
export interface FleetHost {
  readonly host: string;
  readonly dir: string;
  /**
   * The contract's exit status for this host alone: the first of 2, 70, 69, 3, 4 that anything of it asks for, else 0.
   */
  readonly status: number;
  /**
   * Why its evidence is not there, not whole or not readable, a line each. Where there is one, the host is never green.
   */
  readonly problems: readonly string[];
  readonly commands: readonly FleetCommand[];
  readonly runs: readonly FleetRun[];
}

/** Hosts that share a cause, a reason or a problem. */
export interface FleetGroup {
  readonly kind: 'leak' | 'problem' | 'doubt' | 'exposed';
  /** As `explain` takes it; of a problem in words. */
  readonly code: string;
  readonly hosts: readonly string[];
}

/** How a host came out otherwise than in an earlier report. */
export interface FleetChange {
  readonly host: string;
  readonly text: string;
}

/** The runs of many hosts in one document: `fleet --json`. */
export interface FleetReport {
  readonly schemaVersion: 1;
  /** When it was made, ISO 8601, UTC. */
  readonly at: string;
  readonly exitCode: number;
  /** Hosts by what became of them. */
  readonly counts: {
    readonly asExpected: number;
    readonly broken: number;
    readonly faulty: number;
    readonly inconclusive: number;
    readonly unexpected: number;
  };
  /** False = there are pushed summaries, and nobody said which keys may sign: each host's name is its own claim. */
  readonly signersChecked: boolean;
  /** Leaks first, then problems, doubts and exposures; those of most hosts first. */
  readonly groups: readonly FleetGroup[];
  /** Against `--since`; null = there is no earlier report. */
  readonly since: { readonly at: string; readonly changes: readonly FleetChange[] } | null;
  readonly hosts: readonly FleetHost[];
}
