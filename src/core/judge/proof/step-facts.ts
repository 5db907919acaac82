import type { Flow, Plan } from '../../model/plan.js';
import type {
  Account,
  AccountWindow,
  Counters,
  EngineFacts,
  Fault,
  RuleChange,
  SettingChange,
  TimelineEntry,
} from '../../model/timeline.js';
import type { FrameArrival } from '../count/tally.js';
import { createTokenRanges, type TokenRanges } from '../count/token-ranges.js';

/** One step's facts in the timeline. */
export interface StepFacts {
  readonly listening: ReadonlyMap<string, EngineFacts>;
  readonly listenedInTime: ReadonlySet<string>;
  readonly controlsAccepted: ReadonlySet<number>;
  readonly accepted: TokenRanges;
  readonly trafficOk: ReadonlyMap<number, { readonly ok: boolean; readonly detail: string }>;
  /** Probing began: else only faults are reported. */
  readonly probed: boolean;
  readonly drainedMs: number | null;
  readonly probingFrom: Moment | null;
  /** Controls in between were sent, with no probe under way. */
  readonly betweenFrom: Moment | null;
  /** By index in `during`. */
  readonly events: ReadonlyMap<number, EventFacts>;
  /** In order, each with the events begun since the one before. */
  readonly eventSnapshots: readonly { readonly snapshot: number; readonly events: readonly number[] }[];
  readonly eventsSinceSnapshot: readonly number[];
  readonly stopped: Readonly<Record<string, Counters>>;
  readonly written: Readonly<Record<string, number>>;
  readonly lastCounters: Readonly<Record<string, Counters>>;
  readonly faults: readonly Fault[];
  readonly keptFrames: readonly KeptInTimeline[];
  /** With their processes. `meanwhile`: during an event of the step. */
  readonly ruleChanges: readonly RuleChange[];
  readonly ruleChangesMeanwhile: readonly RuleChange[];
  /** Between the step's changes and the first snapshot. */
  readonly settingChangesBefore: readonly SettingChange[];
  /** Outside the step's events. `meanwhile`: during these, by index in `during`. */
  readonly settingChanges: readonly SettingChange[];
  readonly settingChangesMeanwhile: readonly {
    readonly changes: readonly SettingChange[];
    readonly events: readonly number[];
  }[];
  readonly accounts: Readonly<Record<string, Account>>;
  readonly accountsBefore: Readonly<Record<string, AccountWindow>>;
  readonly accountsAfter: Readonly<Record<string, AccountWindow>>;
  /** Lines in trace.ndjson. A text = why none, null = not requested. */
  readonly traced: number | string | null;
  /** A sample of each flow alone (core/plan/traced-sample.ts). */
  readonly isSampled: boolean;
  readonly outcome: 'done' | 'fault' | 'not-run' | 'unsupported' | null;
  /** MACs of no endpoint that bridges learned, in order. `observer` null = at no observer's port. */
  readonly stations: readonly { readonly mac: string; readonly observer: string | null; readonly ns: bigint }[];
  readonly lastMonoMs: number;
  /** Divergence of wall clock and monotonic clock during the step. */
  readonly clockShiftMs: number;
  /** Divergence from other hosts' clocks, beyond the estimates' error. */
  readonly hostClockShiftsMs: ReadonlyMap<string, number>;
}

/** A time by both clocks of the timeline. */
export interface Moment {
  readonly ns: bigint;
  readonly monoMs: number;
}

export interface EventFacts {
  readonly from: Moment;
  readonly to: Moment | null;
  readonly ok: boolean;
  readonly detail: string;
}

/** A frame kept in memory because the capture could not be written. */
export interface KeptInTimeline {
  readonly observer: string;
  readonly towards: boolean;
  /** Base64. */
  readonly frame: string;
  /** Logged after arrival. */
  readonly atNs: string;
}

type Writable<T> =
  T extends ReadonlyMap<infer K, infer V>
    ? Map<K, V>
    : T extends ReadonlySet<infer V>
      ? Set<V>
      : T extends readonly (infer V)[]
        ? V[]
        : T;

type Gathering = { -readonly [K in keyof StepFacts]: Writable<StepFacts[K]> } & {
  isStateRead: boolean;
  readonly hostClocks: Map<string, { readonly offsetNs: bigint; readonly boundNs: bigint }>;
  clockOffsets: { readonly least: number; readonly most: number };
};

function empty(): Gathering {
  return {
    listening: new Map(),
    listenedInTime: new Set(),
    controlsAccepted: new Set(),
    accepted: createTokenRanges(),
    trafficOk: new Map(),
    probed: false,
    drainedMs: null,
    probingFrom: null,
    betweenFrom: null,
    events: new Map(),
    eventSnapshots: [],
    eventsSinceSnapshot: [],
    isStateRead: false,
    stopped: {},
    written: {},
    lastCounters: {},
    faults: [],
    keptFrames: [],
    ruleChanges: [],
    ruleChangesMeanwhile: [],
    settingChangesBefore: [],
    settingChanges: [],
    settingChangesMeanwhile: [],
    accounts: {},
    accountsBefore: {},
    accountsAfter: {},
    traced: null,
    isSampled: false,
    outcome: null,
    stations: [],
    lastMonoMs: 0,
    clockShiftMs: 0,
    hostClockShiftsMs: new Map(),
    hostClocks: new Map(),
    clockOffsets: { least: Infinity, most: -Infinity },
  };
}

function watchClock(facts: Gathering, entry: TimelineEntry): void {
  if (!/^\d{1,20}$/.test(entry.atNs)) return;
  const offset = Number(BigInt(entry.atNs) / 1000n) / 1000 - entry.monoMs;
  const { clockOffsets } = facts;
  facts.clockOffsets = { least: Math.min(clockOffsets.least, offset), most: Math.max(clockOffsets.most, offset) };
  facts.clockShiftMs = facts.clockOffsets.most - facts.clockOffsets.least;
}

function watchHostClock(
  facts: Gathering,
  { host, offsetNs, boundNs }: Extract<TimelineEntry, { readonly event: 'clock' }>,
): void {
  if (!/^-?\d{1,20}$/.test(offsetNs) || !/^\d{1,20}$/.test(boundNs)) return;
  const now = { offsetNs: BigInt(offsetNs), boundNs: BigInt(boundNs) };
  const first = facts.hostClocks.get(host);
  if (first === undefined) {
    facts.hostClocks.set(host, now);
    return;
  }
  const apart = now.offsetNs > first.offsetNs ? now.offsetNs - first.offsetNs : first.offsetNs - now.offsetNs;
  const beyond = Number(apart - now.boundNs - first.boundNs) / 1e6;
  facts.hostClockShiftsMs.set(host, Math.max(0, beyond, facts.hostClockShiftsMs.get(host) ?? 0));
}

function momentOf(entry: TimelineEntry): Moment {
  return { ns: /^\d{1,20}$/.test(entry.atNs) ? BigInt(entry.atNs) : 0n, monoMs: entry.monoMs };
}

type EventName = TimelineEntry['event'];
type EntryOf<Event extends EventName> = {
  [Name in EventName]: Extract<TimelineEntry, { readonly event: Name }>;
}[Event];

const addNothing = (): void => undefined;

const gatherers: { readonly [Event in EventName]: (facts: Gathering, entry: EntryOf<Event>) => void } = {
  listening(facts, entry) {
    facts.listening.set(entry.observer, entry.facts);
  },
  'controls-sent'(facts, entry) {
    if (entry.phase === 'between') facts.betweenFrom = momentOf(entry);
    for (const index of entry.accepted) facts.controlsAccepted.add(index);
  },
  sent(facts, entry) {
    facts.accepted.add(entry.first, Math.min(entry.accepted, entry.planned));
  },
  probing(facts, entry) {
    facts.probed = true;
    if (entry.state !== 'started') return;
    facts.listenedInTime = new Set(facts.listening.keys());
    facts.probingFrom = momentOf(entry);
  },
  'event-started'(facts, entry) {
    facts.events.set(entry.during, { from: momentOf(entry), to: null, ok: false, detail: 'it did not end' });
    facts.eventsSinceSnapshot.push(entry.during);
  },
  'event-ended'(facts, entry) {
    const begun = facts.events.get(entry.during);
    if (begun !== undefined)
      facts.events.set(entry.during, { ...begun, to: momentOf(entry), ok: entry.ok, detail: entry.detail });
  },
  traffic(facts, { traffic, ok, detail }) {
    facts.trafficOk.set(traffic, { ok, detail });
  },
  drained(facts, { drainMs }) {
    facts.drainedMs = drainMs;
  },
  mark(facts, { counters }) {
    Object.assign(facts.lastCounters, counters);
  },
  accounts(facts, { accounts }) {
    Object.assign(facts.accounts, accounts);
  },
  'accounts-read'(facts, { when, windows }) {
    Object.assign(when === 'before' ? facts.accountsBefore : facts.accountsAfter, windows);
  },
  stopped(facts, { counters, written }) {
    Object.assign(facts.stopped, counters);
    Object.assign(facts.lastCounters, counters);
    Object.assign(facts.written, written);
  },
  fault(facts, { fault }) {
    facts.faults.push(fault);
  },
  kept(facts, { observer, towards, frame, atNs }) {
    facts.keptFrames.push({ observer, towards, frame, atNs });
  },
  clock: watchHostClock,
  'rules-changed'(facts, { meanwhile, changes }) {
    (meanwhile === true ? facts.ruleChangesMeanwhile : facts.ruleChanges).push(...changes);
  },
  'settings-changed'(facts, { meanwhile, changes }) {
    if (meanwhile === true) facts.settingChangesMeanwhile.push({ changes, events: [...facts.eventsSinceSnapshot] });
    else (facts.isStateRead || facts.probed ? facts.settingChanges : facts.settingChangesBefore).push(...changes);
  },
  'state-read'(facts, entry) {
    facts.isStateRead = true;
    if (entry.when !== 'during') return;
    facts.eventSnapshots.push({ snapshot: entry.reading, events: facts.eventsSinceSnapshot });
    facts.eventsSinceSnapshot = [];
  },
  'station-learned'(facts, { mac, observer, atNs }) {
    if (sixtyThreeBits.test(atNs)) facts.stations.push({ mac, observer, ns: BigInt(atNs) });
  },
  trace(facts, entry) {
    if (entry.state === 'absent') facts.traced = entry.why;
    else facts.traced = entry.state === 'read' ? entry.lines : 'it did not come to its end';
    facts.isSampled = entry.state === 'read' && entry.sampled === true;
  },
  'step-ended'(facts, { outcome }) {
    facts.outcome = outcome;
  },
  'step-started': addNothing,
  changed: addNothing,
  ear: addNothing,
  learned: addNothing,
  sealed: addNothing,
};

function gather<Event extends EventName>(facts: Gathering, event: Event, entry: EntryOf<Event>): void {
  gatherers[event](facts, entry);
}

/** In the plan's order. Steps not reached have no outcome. */
export function stepFacts(plan: Plan, timeline: readonly TimelineEntry[]): readonly StepFacts[] {
  const factsOfSteps = plan.steps.map(empty);
  for (const entry of timeline) {
    const facts = factsOfSteps[entry.step];
    if (facts === undefined) continue;
    watchClock(facts, entry);
    facts.lastMonoMs = Math.max(facts.lastMonoMs, entry.monoMs);
    gather(facts, entry.event, entry);
  }
  return factsOfSteps;
}

/** Frames of a flow that the kernel accepted. */
export function sentOf(facts: StepFacts, flow: Flow): number {
  return facts.accepted.overlap(flow.first, flow.count);
}

/** Times within 63 bits, as of sightings: 19 digits today. */
const sixtyThreeBits = /^[0-8]?\d{1,18}$/;
const maxKept = 1000;

interface KeptSighting {
  readonly arrival: FrameArrival;
  readonly index: number;
  readonly kept: KeptInTimeline;
  readonly timeNs: bigint;
}

/** Repetitions follow what was heard: at a tie entering frames come first. */
function byTime(a: KeptSighting, b: KeptSighting): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -1 : 1;
  return Number(a.kept.towards) - Number(b.kept.towards);
}

/** Frames kept in memory, in counting order. */
export function keptInOrder(arrivals: readonly FrameArrival[], facts: readonly StepFacts[]): readonly KeptSighting[] {
  return arrivals
    .flatMap((arrival) =>
      (facts[arrival.step.index]?.keptFrames ?? [])
        .filter((frame) => frame.observer === arrival.observer.name)
        .slice(0, maxKept)
        .map((kept, index) => ({
          arrival,
          index,
          kept,
          timeNs: sixtyThreeBits.test(kept.atNs) ? BigInt(kept.atNs) : 0n,
        })),
    )
    .sort(byTime);
}
