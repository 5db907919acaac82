import type { CaptureIdentity } from '../../../src/core/judge/judge.js';
import type { Flow, FrameSpec } from '../../../src/core/model/plan.js';
import type { Finding, Result } from '../../../src/core/model/result.js';
import type { Endpoint, ProbeEntry, Scenario, Step } from '../../../src/core/model/scenario.js';
import type { HostState } from '../../../src/core/model/state.js';
import type { Counters, TimelineEntry, TimelineEvent } from '../../../src/core/model/timeline.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../src/core/wire/token.js';
import { there } from '../there.js';
import { addFrames, type Evidence, judge, key, perfectRun, scenario, step } from './perfect-run.js';

/** The probes of the usual step: 20 raw frames from a to b. */
export const probe: ProbeEntry = there(step().probes[0]);

/** A scenario of one step with these probes, each like the usual one but for its own keys. */
export const probing = (...probes: readonly Partial<ProbeEntry>[]): Scenario =>
  scenario([step({ probes: probes.map((over) => ({ ...probe, ...over })) })]);

/** A scenario of one step that sends no probes. */
export const listening = (over: Partial<Step> = {}): Scenario =>
  scenario([step({ probes: [], listenMs: 1000, ...over })]);

/** The scenario with other endpoints. */
export const withEndpoints = (
  of: Scenario,
  change: (endpoint: Endpoint, at: number) => Partial<Endpoint>,
  ...more: readonly Endpoint[]
): Scenario => ({
  ...of,
  topology: {
    ...of.topology,
    endpoints: [...of.topology.endpoints.map((endpoint, at) => ({ ...endpoint, ...change(endpoint, at) })), ...more],
  },
});

/** The scenario with an IPv4 address for each endpoint: 10.0.0.1 for a, 10.0.0.2 for b, and so on. */
export const addressed = (of: Scenario): Scenario =>
  withEndpoints(of, (_, at) => ({ ips: [{ family: 4, address: `10.0.0.${at + 1}`, prefix: 24 }] }));

/** The first flow of a run, or another one of its first step. */
export const flowOf = ({ plan }: Evidence, at = 0): Flow => there(plan.steps[0]?.flows.at(at));

/** A probe of a flow as it was sent, or with another header. */
export const probeFrame = (
  evidence: Evidence,
  sequence = 0,
  flow = flowOf(evidence),
  over: Partial<FrameSpec> = {},
): Uint8Array => buildFrame({ ...flow.frame, ...over }, tokensFor(key, evidence.plan.runTag, flow.first + sequence, 1));

/** Something that went otherwise in a perfect run. */
export type Change = (evidence: Evidence) => void;

/** Frames of a capture: probes of the first flow by their number, or any bytes. */
type Frames = number | Uint8Array | ((evidence: Evidence) => Uint8Array);

const addFrame =
  (observer: string, outgoing: boolean, frame: Frames, at: number): Change =>
  (evidence) => {
    const bytes = typeof frame === 'function' ? frame(evidence) : frame;
    addFrames(evidence, {
      observer,
      outgoing,
      bytes: typeof bytes === 'number' ? probeFrame(evidence, bytes) : bytes,
      step: at,
    });
  };

/** A frame was handed to the observer. */
export const receives = (observer: string, frame: Frames = 0, at = 0): Change => addFrame(observer, true, frame, at);

/** A frame entered at the observer's port. */
export const sends = (observer: string, frame: Frames = 0, at = 0): Change => addFrame(observer, false, frame, at);

/** Only these frames were captured. */
export const captures =
  (isKept: (frame: Evidence['frames'][number], at: number) => boolean): Change =>
  (evidence) => {
    evidence.frames = evidence.frames.filter(isKept);
  };

type EntryOf<E extends TimelineEvent['event']> = Extract<TimelineEntry, { readonly event: E }>;

function isOf<E extends TimelineEvent['event']>(entry: TimelineEntry, event: E): entry is EntryOf<E> {
  return entry.event === event;
}

/** The timeline lacks an event, or those of its entries that are meant. */
export const lacks =
  <E extends TimelineEvent['event']>(event: E, isMeant: (entry: EntryOf<E>) => boolean = () => true): Change =>
  (evidence) => {
    evidence.timeline = evidence.timeline.filter((entry) => !isOf(entry, event) || !isMeant(entry));
  };

/** The entries of an event say something else. */
export const records =
  <E extends TimelineEvent['event']>(event: E, change: (entry: EntryOf<E>) => Partial<EntryOf<E>>): Change =>
  (evidence) => {
    evidence.timeline = evidence.timeline.map((entry) => (isOf(entry, event) ? { ...entry, ...change(entry) } : entry));
  };

/** The timeline has one more entry, of the first step. */
export const logs =
  (event: TimelineEvent, atNs = '1'): Change =>
  (evidence) =>
    void evidence.timeline.push({ atNs, monoMs: 1, step: 0, ...event });

/** The capture of an observer ended with these counters. */
export const counts = (observer: string, counters: Counters, written?: number): Change =>
  records('stopped', (entry) => ({
    counters: { ...entry.counters, [observer]: counters },
    written: written === undefined ? entry.written : { ...entry.written, [observer]: written },
  }));

/** A frame was kept in memory, for it could not be written. */
export const keeps =
  (observer: string, frame: number | Uint8Array, { towards = true, atNs = '1' } = {}): Change =>
  (evidence) => {
    const bytes = typeof frame === 'number' ? probeFrame(evidence, frame) : frame;
    logs({ event: 'kept', observer, towards, frame: Buffer.from(bytes).toString('base64') }, atNs)(evidence);
  };

/** The state before each step, and after it. */
export const finds =
  (before: HostState | null, after = before): Change =>
  (evidence) => {
    evidence.states = evidence.states.map(() => ({ before, after }));
  };

/** Other values in run.json. */
export const runs =
  (over: Partial<Evidence['run']>): Change =>
  (evidence) => {
    evidence.run = { ...evidence.run, ...over };
  };

/** Other values in plan.json. */
export const plans =
  (change: (plan: Evidence['plan']) => Partial<Evidence['plan']>): Change =>
  (evidence) => {
    evidence.plan = { ...evidence.plan, ...change(evidence.plan) };
  };

/** The evidence of a run of the scenario in which all went right but for these changes, one after the other. */
export function changedRun(of: Scenario | undefined, ...changes: readonly Change[]): Evidence {
  const evidence = perfectRun(of);
  for (const change of changes) change(evidence);
  return evidence;
}

/** A result, with the parts that tests compare. */
export interface Judged extends Result {
  readonly codes: readonly string[];
  /** `code observer`, `-` for none. */
  readonly reasons: readonly string[];
  /** `code observer: text`. */
  readonly texts: readonly string[];
  readonly findings: readonly Finding[];
  readonly leaks: readonly Finding[];
}

/** Judges evidence. */
export function judgedRun(evidence: Evidence, packets?: number, identity?: CaptureIdentity): Judged {
  const result = judge(evidence, packets, identity);
  const reasons = result.steps.flatMap((judgedStep) => judgedStep.reasons);
  const findings = result.steps.flatMap((judgedStep) => judgedStep.findings);
  return {
    ...result,
    codes: reasons.map(({ code }) => code),
    reasons: reasons.map(({ code, observer }) => `${code} ${observer ?? '-'}`),
    texts: reasons.map(({ code, observer, text }) => `${code} ${observer ?? '-'}: ${text}`),
    findings,
    leaks: findings.filter(({ leak }) => leak),
  };
}

/** Judges a run of the usual scenario in which all went right but for these changes. */
export const judged = (...changes: readonly Change[]): Judged => judgedRun(changedRun(undefined, ...changes));

/** The same of another scenario. */
export const judgedOf = (of: Scenario, ...changes: readonly Change[]): Judged => judgedRun(changedRun(of, ...changes));
