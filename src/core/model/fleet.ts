/** One run of one host, judged again from its evidence. */
export interface FleetRun {
  readonly dir: string;
  readonly scenario: string;
  readonly verdict: 'holds' | 'broken' | 'inconclusive';
  readonly exitCode: number;
  readonly startedAt: string;
  /** SHA-256 of SHA256SUMS; null = there is none. */
  readonly rootHash: string | null;
  readonly observed: number;
  readonly ports: number;
  /** Leaks that make it fail, and why steps that should have come to a verdict did not, a line each. */
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

/** The runs of many hosts in one document: `fleet --json`. */
export interface FleetReport {
  readonly schemaVersion: 1;
  readonly exitCode: number;
  /** Hosts by what became of them. */
  readonly counts: {
    readonly asExpected: number;
    readonly broken: number;
    readonly faulty: number;
    readonly inconclusive: number;
    readonly unexpected: number;
  };
  readonly hosts: readonly FleetHost[];
}
