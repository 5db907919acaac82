import type { NoteCode, UnknownCode } from './codes.js';
import { configurationManager } from './fix.js';
import { type Carrier, fileHash, provider, type SelectedFields, settings } from './scenario.js';
import {
  count,
  flag,
  leaf,
  mapOf,
  matching,
  maybe,
  number,
  type Of,
  oneOf,
  only,
  orNull,
  text,
} from './shape/shape.js';

const scenarioRecord = {
  name: text,
  /** Path as given on the command line. */
  file: text,
  sha256: text,
  /** Included files, and those that its commands name. */
  files: maybe([fileHash]),
  /** `vars` as they were set. */
  variables: maybe(settings),
  /** Only steps whose name matches this regular expression were judged. */
  grep: maybe(text),
};
/** The file that was run, and what else it was made of; a key that would be empty is absent. */
export type ScenarioRecord = Of<typeof scenarioRecord>;

const guardRecord = {
  /** Frames that each port dropped in a second before the run. */
  dropsPerSecond: mapOf(number),
  /** The host's gateway in the namespace of the bridge; null = it has none. */
  gateway: orNull({
    address: text,
    /** Median of its answers in ms; null = it answered no ping, and is not watched. */
    medianMs: orNull(number),
  }),
};
/**
 * What guests and the gateway were like before a run on a host sent anything: later moments are held against it.
 * `guard` of run.json.
 */
export type GuardRecord = Of<typeof guardRecord>;

const precheckNote = {
  /** Stable: the name of the audit rule that found it, or of the check. */
  code: leaf('text', (value): value is NoteCode | UnknownCode => typeof value === 'string'),
  /** What it is: `vnet0 ingress`, `packet socket on br0`. */
  place: text,
  value: text,
  text,
};
/** A note for reading the result of a run on a host: something acts on frames beside the bridge, or watches them. */
export type PrecheckNote = Of<typeof precheckNote>;

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

const who = {
  uid: number,
  /**
   * Who logged in, whatever they became since (/proc/self/loginuid); null = a service, or a kernel that does not
   * report.
   */
  loginUid: orNull(number),
  sudoUser: orNull(text),
  /** As the command line declared them: --operator, --ticket. */
  operator: orNull(text),
  ticket: orNull(text),
};
/** The user who ran it. Ids as the machine knows them, also where the run is in a user namespace of its own. */
export type Who = Of<typeof who>;

const where = {
  host: text,
  /**
   * HMAC-SHA256 of this program's name under /etc/machine-id, which must not be shown itself (machine-id(5)); null =
   * there is none.
   */
  machineIdHash: orNull(text),
  bootId: orNull(text),
  kernel: text,
  /** PRETTY_NAME of os-release. */
  distribution: orNull(text),
  /** Installed packages that make, connect or filter guests, with their versions. */
  packages: mapOf(text),
  /** Loaded kernel modules of hypervisors and switches; the version where the module reports one. */
  modules: mapOf(orNull(text)),
  /** Its sysctls where br_netfilter is loaded, which hands bridged frames to iptables; null = it is not. */
  brNetfilter: orNull(mapOf(text)),
  /** SHA-256 of what `nft -s list ruleset` prints in the bridge's namespace; null = it could not be asked, and why. */
  nftRuleset: { sha256: orNull(text), text },
};
/** The machine it ran on. */
export type Where = Of<typeof where>;

const clockSync = { synchronized: flag, maxErrorUs: number };
/** The wall clock as the kernel rates it (adjtimex(2)). */
export type ClockSync = Of<typeof clockSync>;

const clockMoment = { utc: text, monotonicNs: text };
/** A moment on both clocks: UTC, and CLOCK_MONOTONIC in ns as decimal text. */
export type ClockMoment = Of<typeof clockMoment>;

const when = {
  started: clockMoment,
  /** null = the run never came to its end. */
  ended: orNull(clockMoment),
  /** At the beginning and at the end; null = not reported. */
  clock: { before: orNull(clockSync), after: orNull(clockSync) },
  /** From the timeline; `monoMs` counts from the run's beginning. */
  steps: [{ name: text, startedAt: text, endedAt: text, startedMonoMs: number, endedMonoMs: number }],
};
export type When = Of<typeof when>;

const listenedStep = {
  step: text,
  engine: text,
  snaplen: number,
  /** Bytes of the ring of each handle. */
  ring: number,
  /** libpcap's expression; '' takes everything. */
  filter: text,
  /** The same as classic BPF, 8 bytes an instruction, hex; null = libpcap was not there to compile it. */
  program: orNull(text),
};
/** How one step listened. */
export type ListenedStep = Of<typeof listenedStep>;

/** Number of the rules that runs are judged by (docs/verdicts.md). A folder of other rules is refused. */
export const verdictRules = 2;

/**
 * Number of the form of report.html: raise it with every change of the page that shows, so that `check` compares no
 * page with one of another form.
 */
export const reportForm = 3;

const toolRecord = {
  name: text,
  version: text,
  verdictRules: oneOf(verdictRules),
  sabotage: { cases: number, falseHolds: number },
};
/** The program that judged, and how test/lab/sabotage tried this version before its release. */
export type ToolRecord = Of<typeof toolRecord>;

const calibrationRecord = {
  at: text,
  durationMs: number,
  engine: text,
  /** Frames that had to be overheard, and that were. */
  planted: number,
  seen: number,
};
/**
 * A leak that was planted in a lab on the same kernel, with the same engine, right before a run, and whether it was
 * seen.
 */
export type CalibrationRecord = Of<typeof calibrationRecord>;

const instrument = {
  tool: toolRecord,
  /**
   * SHA-256 over the program's own files: of the list of their hashes and paths, as `sha256sum` prints it, sorted by
   * path.
   */
  packageSha256: text,
  lockfileSha256: orNull(text),
  /** The packages that it is built on, as installed. */
  dependencies: mapOf(text),
  node: text,
  engine: text,
  /** What pcap_lib_version() says; null = it does not load. */
  libpcap: orNull(text),
  captures: [listenedStep],
  /** A planted leak seen on the same kernel right before the run; null = there was no such act. */
  calibration: orNull(calibrationRecord),
};
/** The means of measuring. */
export type Instrument = Of<typeof instrument>;

const scope = {
  bridges: [text],
  endpoints: [{ name: text, role: text, interface: orNull(text), macs: [text] }],
  /** Why less than everything was meant; null = all of it was. */
  partial: orNull(text),
  observed: number,
  ports: number,
  unobserved: [{ port: text, reason: text }],
};
/** The network under test, and how much of it was listened to. */
export type Scope = Of<typeof scope>;

const provenance = {
  who,
  where,
  when,
  instrument,
  /** What was sent, from where, observed where, by which rules and statistics: generated from the plan. */
  method: [text],
  scope: orNull(scope),
  /** What the result does not say. */
  limits: [text],
};
/** What stands up later: `provenance` of run.json. No verdict rests on it. */
export type Provenance = Of<typeof provenance>;

export const runShape = {
  runVersion: oneOf(1),
  /** Of the program that ran it; absent in runs of programs that did not number it. */
  reportForm: maybe(count),
  tool: toolRecord,
  id: text,
  startedAt: only(text, 'a time', (at) => !Number.isNaN(Date.parse(at))),
  scenario: scenarioRecord,
  provider,
  /** Lab: `root` or `user-namespace`. */
  runsAs: text,
  engine: text,
  kernel: text,
  node: text,
  /** The run's key, hex, revealed once every capture is closed and hashed; null = the run was killed before. */
  key: orNull(matching(/^(?:[0-9a-f]{2})*$/)),
  /**
   * SHA-256 of evidence.pcapng when it was closed and the number of packets in it; null = it never was. `discarded`:
   * frames that were counted in discarded.ndjson and not kept, and its SHA-256.
   */
  capture: orNull({ sha256: text, packets: number, discarded: maybe({ frames: number, sha256: text }) }),
  /** How many lines timeline.ndjson had when it was closed; absent in runs that were killed. */
  timeline: maybe({ entries: count }),
  /**
   * On a host: what acts on frames beside the bridges, or watches them; and what was usual before anything was sent.
   * Absent in a lab.
   */
  precheck: maybe([precheckNote]),
  guard: maybe(guardRecord),
  /**
   * Whose configuration makes which bridge and port: of this host, or of the one that the lab stands for. Absent where
   * it is not known.
   */
  keepers: maybe([configurationManager]),
  /** What stands up later; absent in runs that were killed before their first step. */
  provenance: maybe(provenance),
  /**
   * Payload was removed later: then `capture` names the file that was left, and this the one that was written. Absent =
   * it never was.
   */
  purged: maybe({ at: text, sha256Before: text }),
};
/** `run.json`: what is known of a run besides its plan, its timeline, its states and its capture. */
export type RunRecord = Of<typeof runShape>;

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
