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
  /** As given on the command line. */
  file: text,
  sha256: text,
  /** Included files, and files that its commands name. */
  files: maybe([fileHash]),
  variables: maybe(settings),
  /** The regular expression of the steps that were judged. */
  grep: maybe(text),
};
/** The file that was run, and its parts; an empty key is absent. */
export type ScenarioRecord = Of<typeof scenarioRecord>;

const guardRecord = {
  /** Frames that each port dropped in a second before the run. */
  dropsPerSecond: mapOf(number),
  /** The host's gateway in the bridge's namespace; null = none. */
  gateway: orNull({
    address: text,
    /** Median of its ping in ms; null = no answer: it is not watched. */
    medianMs: orNull(number),
  }),
};
/** `guard` of run.json: guests and gateway before a run on a host, for comparison. */
export type GuardRecord = Of<typeof guardRecord>;

const precheckNote = {
  /** The audit rule or check; stable. */
  code: leaf('text', (value): value is NoteCode | UnknownCode => typeof value === 'string'),
  /** `vnet0 ingress`, `packet socket on br0`. */
  place: text,
  value: text,
  text,
};
/** A note for reading the result of a run on a host. */
export type PrecheckNote = Of<typeof precheckNote>;

/** Code of a note on guests or a bridge that the run does not cover. */
export const notExamined = 'not-examined';

export interface Precheck {
  readonly notes: readonly PrecheckNote[];
  /** Why the run would be useless, a line each; empty = it may begin. */
  readonly refusals: readonly string[];
}

/**
 * Faults that test/lab/sabotage made before this version's release, at least, and the false *holds* among them. The
 * suite fails below the one or above the other.
 */
export const sabotageFigures = { cases: 600, falseHolds: 0 } as const;

const who = {
  uid: number,
  /** The login's user, also after su (/proc/self/loginuid); null = a service, or not reported. */
  loginUid: orNull(number),
  sudoUser: orNull(text),
  /** --operator, --ticket. */
  operator: orNull(text),
  ticket: orNull(text),
};
/** The user who ran it. Ids as the machine knows them, not those of the run's user namespace. */
export type Who = Of<typeof who>;

const where = {
  host: text,
  /**
   * HMAC-SHA256 of this program's name under /etc/machine-id, which must not be shown itself (machine-id(5)); null =
   * none.
   */
  machineIdHash: orNull(text),
  bootId: orNull(text),
  kernel: text,
  /** PRETTY_NAME of os-release. */
  distribution: orNull(text),
  /** Versions of packages that make, connect or filter guests. */
  packages: mapOf(text),
  /** Versions of loaded modules of hypervisors and switches; null = not reported. */
  modules: mapOf(orNull(text)),
  /** Its sysctls; null = br_netfilter, which hands bridged frames to iptables, is not loaded. */
  brNetfilter: orNull(mapOf(text)),
  /** SHA-256 of `nft -s list ruleset` in the bridge's namespace; null = failed, and why. */
  nftRuleset: { sha256: orNull(text), text },
};
export type Where = Of<typeof where>;

const clockSync = { synchronized: flag, maxErrorUs: number };
/** The kernel's rating of the wall clock (adjtimex(2)). */
export type ClockSync = Of<typeof clockSync>;

const clockMoment = { utc: text, monotonicNs: text };
/** UTC, and CLOCK_MONOTONIC in ns as decimal text. */
export type ClockMoment = Of<typeof clockMoment>;

const when = {
  started: clockMoment,
  /** null = it did not end. */
  ended: orNull(clockMoment),
  clock: { before: orNull(clockSync), after: orNull(clockSync) },
  /** From the timeline; `monoMs` counts from the run's beginning. */
  steps: [{ name: text, startedAt: text, endedAt: text, startedMonoMs: number, endedMonoMs: number }],
};
export type When = Of<typeof when>;

const listenedStep = {
  step: text,
  engine: text,
  snaplen: number,
  /** Bytes of each handle's ring. */
  ring: number,
  /** libpcap's expression; '' takes everything. */
  filter: text,
  /** Classic BPF, 8 bytes an instruction, hex; null = there was no libpcap. */
  program: orNull(text),
};
export type ListenedStep = Of<typeof listenedStep>;

/** The rules of judging (docs/verdicts.md). A folder of other rules is refused. */
export const verdictRules = 2;

/**
 * The form of report.html: raise it with every visible change of the page, as `check` compares pages of one form only.
 */
export const reportForm = 5;

const toolRecord = {
  name: text,
  version: text,
  verdictRules: oneOf(verdictRules),
  sabotage: { cases: number, falseHolds: number },
};
/** The program that judged, and its trials by test/lab/sabotage. */
export type ToolRecord = Of<typeof toolRecord>;

const calibrationRecord = {
  at: text,
  durationMs: number,
  engine: text,
  /** Frames that had to be overheard, and that were. */
  planted: number,
  seen: number,
};
export type CalibrationRecord = Of<typeof calibrationRecord>;

const instrument = {
  tool: toolRecord,
  /** SHA-256 of the sorted list of the program's files, as `sha256sum` prints it. */
  packageSha256: text,
  lockfileSha256: orNull(text),
  dependencies: mapOf(text),
  node: text,
  engine: text,
  /** pcap_lib_version(); null = it does not load. */
  libpcap: orNull(text),
  captures: [listenedStep],
  /** null = none was made. */
  calibration: orNull(calibrationRecord),
};
export type Instrument = Of<typeof instrument>;

const scope = {
  bridges: [text],
  endpoints: [{ name: text, role: text, interface: orNull(text), macs: [text] }],
  /** null = everything was meant. */
  partial: orNull(text),
  observed: number,
  ports: number,
  unobserved: [{ port: text, reason: text }],
};
export type Scope = Of<typeof scope>;

const provenance = {
  who,
  where,
  when,
  instrument,
  /** Generated from the plan. */
  method: [text],
  scope: orNull(scope),
  limits: [text],
};
/** `provenance` of run.json. No verdict rests on it. */
export type Provenance = Of<typeof provenance>;

export const runShape = {
  runVersion: oneOf(1),
  /** Absent in runs of programs that did not number it. */
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
   * SHA-256 of the closed evidence.pcapng and its packets; null = never closed. `discarded`: frames only counted, in
   * discarded.ndjson, and its SHA-256.
   */
  capture: orNull({ sha256: text, packets: number, discarded: maybe({ frames: number, sha256: text }) }),
  /** Lines of the closed timeline.ndjson; absent in killed runs. */
  timeline: maybe({ entries: count }),
  precheck: maybe([precheckNote]),
  guard: maybe(guardRecord),
  /** Configuration of bridges and ports: this host's, or the one's that the lab stands for. Absent = not known. */
  keepers: maybe([configurationManager]),
  /** Absent in runs killed before their first step. */
  provenance: maybe(provenance),
  /** Payload was removed later: `capture` names the remaining file, this the original. Absent = never. */
  purged: maybe({ at: text, sha256Before: text }),
};
/** `run.json`: the run beyond its plan, timeline, states and capture. */
export type RunRecord = Of<typeof runShape>;

/** Tests of a host's rules that copy or move frames. */
export interface RulesRecord {
  /** Rules of nft and xtables, filters of tc. */
  readonly read: number;
  readonly rules: readonly RuleRecord[];
}

export interface RuleRecord {
  readonly name: string;
  /** Frames that it takes, and the observers of each. */
  readonly witnesses: readonly {
    readonly from: string;
    readonly to: string | null;
    readonly carrier: Carrier;
    readonly fields: SelectedFields;
    readonly seenAt: readonly string[];
  }[];
  /** Why none was sent; may have words of the rule. */
  readonly notAsked?: string;
  /** Packets of its own counter around the step, guests' frames included. Absent = it has none. */
  readonly counter?: { readonly before: number; readonly after: number };
}
