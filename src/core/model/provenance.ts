import type { Carrier, SelectedFields } from './scenario.js';

/** Who ran it. Ids as the machine knows them, also where the run is in a user namespace of its own. */
export interface Who {
  readonly uid: number;
  /**
   * Who logged in, whatever they became since (/proc/self/loginuid); null = a service, or a kernel that does not
   * report.
   */
  readonly loginUid: number | null;
  readonly sudoUser: string | null;
  /** As the command line declared them: --operator, --ticket. */
  readonly operator: string | null;
  readonly ticket: string | null;
}

/** Where it ran. */
export interface Where {
  readonly host: string;
  /**
   * HMAC-SHA256 of this program's name under /etc/machine-id, which must not be shown itself (machine-id(5)); null =
   * there is none.
   */
  readonly machineIdHash: string | null;
  readonly bootId: string | null;
  readonly kernel: string;
  /** PRETTY_NAME of os-release. */
  readonly distribution: string | null;
  /** Installed packages that make, connect or filter guests, with their versions. */
  readonly packages: Readonly<Record<string, string>>;
  /** Loaded kernel modules of hypervisors and switches; the version where the module reports one. */
  readonly modules: Readonly<Record<string, string | null>>;
  /** Its sysctls where br_netfilter is loaded, which hands bridged frames to iptables; null = it is not. */
  readonly brNetfilter: Readonly<Record<string, string>> | null;
  /** SHA-256 of what `nft -s list ruleset` prints in the bridge's namespace; null = it could not be asked, and why. */
  readonly nftRuleset: { readonly sha256: string | null; readonly text: string };
}

/** The wall clock as the kernel rates it (adjtimex(2)). */
export interface ClockSync {
  readonly synchronized: boolean;
  readonly maxErrorUs: number;
}

/** A moment on both clocks: UTC, and CLOCK_MONOTONIC in ns as decimal text. */
export interface ClockMoment {
  readonly utc: string;
  readonly monotonicNs: string;
}

export interface When {
  readonly started: ClockMoment;
  /** null = the run never came to its end. */
  readonly ended: ClockMoment | null;
  /** At the beginning and at the end; null = not reported. */
  readonly clock: { readonly before: ClockSync | null; readonly after: ClockSync | null };
  /** From the timeline; `monoMs` counts from the run's beginning. */
  readonly steps: readonly {
    readonly name: string;
    readonly startedAt: string;
    readonly endedAt: string;
    readonly startedMonoMs: number;
    readonly endedMonoMs: number;
  }[];
}

/** How one step listened. */
export interface ListenedStep {
  readonly step: string;
  readonly engine: string;
  readonly snaplen: number;
  /** Bytes of the ring of each handle. */
  readonly ring: number;
  /** libpcap's expression; '' takes everything. */
  readonly filter: string;
  /** The same as classic BPF, 8 bytes an instruction, hex; null = libpcap was not there to compile it. */
  readonly program: string | null;
}

/** What it was measured with. */
export interface Instrument {
  readonly tool: ToolRecord;
  /**
   * SHA-256 over the program's own files: of the list of their hashes and paths, as `sha256sum` prints it, sorted by
   * path.
   */
  readonly packageSha256: string;
  readonly lockfileSha256: string | null;
  /** The packages that it is built on, as installed. */
  readonly dependencies: Readonly<Record<string, string>>;
  readonly node: string;
  readonly engine: string;
  /** What pcap_lib_version() says; null = it does not load. */
  readonly libpcap: string | null;
  readonly captures: readonly ListenedStep[];
  /** A planted leak seen on the same kernel right before the run; null = there was no such act. */
  readonly calibration: CalibrationRecord | null;
}

/** What was under test, and how much of it was listened to. */
export interface Scope {
  readonly bridges: readonly string[];
  readonly endpoints: readonly {
    readonly name: string;
    readonly role: string;
    readonly interface: string | null;
    readonly macs: readonly string[];
  }[];
  /** Why less than everything was meant; null = all of it was. */
  readonly partial: string | null;
  readonly observed: number;
  readonly ports: number;
  readonly unobserved: readonly { readonly port: string; readonly reason: string }[];
}

/** What stands up later: `provenance` of run.json. No verdict rests on it. */
export interface Provenance {
  readonly who: Who;
  readonly where: Where;
  readonly when: When;
  readonly instrument: Instrument;
  /** What was sent, from where, observed where, by which rules and statistics: generated from the plan. */
  readonly method: readonly string[];
  readonly scope: Scope | null;
  /** What the result does not say. */
  readonly limits: readonly string[];
}

/** Number of the rules that runs are judged by (docs/verdicts.md). A folder of other rules is refused. */
export const verdictRules = 2;

/** What judged, and what test/lab/sabotage did to this version before it was released. */
export interface ToolRecord {
  readonly name: string;
  readonly version: string;
  readonly verdictRules: typeof verdictRules;
  readonly sabotage: { readonly cases: number; readonly falseHolds: number };
}

/**
 * A leak that was planted in a lab on the same kernel, with the same engine, right before a run, and whether it was
 * seen.
 */
export interface CalibrationRecord {
  readonly at: string;
  readonly durationMs: number;
  readonly engine: string;
  /** Frames that had to be overheard, and that were. */
  readonly planted: number;
  readonly seen: number;
}

/** What asked the rules of a host that copy or move frames. */
export interface RulesRecord {
  /** Rules of nft, filters of tc, rules of xtables. */
  readonly read: number;
  /** Those that copy or move frames. */
  readonly rules: readonly RuleRecord[];
}

/** One of them, by table, chain and handle. */
export interface RuleRecord {
  readonly name: string;
  /** Frames that it takes, which were sent, and the observers that saw each. */
  readonly witnesses: readonly {
    readonly from: string;
    readonly to: string | null;
    readonly carrier: Carrier;
    readonly fields: SelectedFields;
    readonly seenAt: readonly string[];
  }[];
  /** Why none was sent; it may have words of the rule. Absent where some were. */
  readonly notAsked?: string;
  /** Packets of its own counter around the step; guests' own frames count there too. Absent = it has none. */
  readonly counter?: { readonly before: number; readonly after: number };
}
