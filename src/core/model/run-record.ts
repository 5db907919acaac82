import type { NoteCode, UnknownCode } from './codes.js';
import type { ConfigurationManager } from './fix.js';
import type { Carrier, FileHash, Scenario, SelectedFields } from './scenario.js';

/** The file that was run, and what else it was made of; a key that would be empty is absent. */
export interface ScenarioRecord {
  readonly name: string;
  /** Path as given on the command line. */
  readonly file: string;
  readonly sha256: string;
  /** Included files, and those that its commands name. */
  readonly files?: readonly FileHash[];
  /** `vars` as they were set. */
  readonly variables?: Scenario['variables'];
  /** Only steps whose name matches this regular expression were judged. */
  readonly grep?: string;
}

/** `run.json`: what is known of a run besides its plan, its timeline, its states and its capture. */
export interface RunRecord {
  readonly runVersion: 1;
  readonly tool: ToolRecord;
  readonly id: string;
  readonly startedAt: string;
  readonly scenario: ScenarioRecord;
  readonly provider: 'lab' | 'host';
  /** Lab: `root` or `user-namespace`. */
  readonly runsAs: string;
  readonly engine: string;
  readonly kernel: string;
  readonly node: string;
  /** The run's key, hex, revealed once every capture is closed and hashed; null = the run was killed before. */
  readonly key: string | null;
  /**
   * SHA-256 of evidence.pcapng when it was closed and the number of packets in it; null = it never was. `discarded`:
   * frames that were counted in discarded.ndjson and not kept, and its SHA-256.
   */
  readonly capture: {
    readonly sha256: string;
    readonly packets: number;
    readonly discarded?: { readonly frames: number; readonly sha256: string };
  } | null;
  /** How many lines timeline.ndjson had when it was closed; absent in runs that were killed. */
  readonly timeline?: { readonly entries: number };
  /**
   * On a host: what acts on frames beside the bridges, or watches them; and what was usual before anything was sent.
   * Absent in a lab.
   */
  readonly precheck?: readonly PrecheckNote[];
  readonly guard?: GuardRecord;
  /**
   * Whose configuration makes which bridge and port: of this host, or of the one that the lab stands for. Absent where
   * it is not known.
   */
  readonly keepers?: readonly ConfigurationManager[];
  /** What stands up later; absent in runs that were killed before their first step. */
  readonly provenance?: Provenance;
  /**
   * Payload was removed later: then `capture` names the file that was left, and this the one that was written. Absent =
   * it never was.
   */
  readonly purged?: { readonly at: string; readonly sha256Before: string };
}

/**
 * What guests and the gateway were like before a run on a host sent anything: later moments are held against it.
 * `guard` of run.json.
 */
export interface GuardRecord {
  /** Frames that each port dropped in a second before the run. */
  readonly dropsPerSecond: Readonly<Record<string, number>>;
  /** The host's gateway in the namespace of the bridge; null = it has none. */
  readonly gateway: {
    readonly address: string;
    /** Median of its answers in ms; null = it answered no ping, and is not watched. */
    readonly medianMs: number | null;
  } | null;
}

/** A note for reading the result of a run on a host: something acts on frames beside the bridge, or watches them. */
export interface PrecheckNote {
  /** Stable: the name of the audit rule that found it, or of the check. */
  readonly code: NoteCode | UnknownCode;
  /** What it is: `vnet0 ingress`, `packet socket on br0`. */
  readonly place: string;
  readonly value: string;
  readonly text: string;
}

/** Code of a note on guests, or a bridge, of which the run says nothing. */
export const notExamined = 'not-examined';

/** What was looked at before a run on a host. */
export interface Precheck {
  readonly notes: readonly PrecheckNote[];
  /** Why the run would say nothing, a line each; empty = it may begin. */
  readonly refusals: readonly string[];
}

/**
 * What test/lab/sabotage broke on purpose before this version was released, at least, and how often the verdict was
 * *holds* all the same. The suite fails where it does less than this or where it finds a false *holds*.
 */
export const sabotageFigures = { cases: 600, falseHolds: 0 } as const;

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
