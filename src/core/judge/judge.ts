import type { Batch } from '../pcap/capture-items.js';
import { createHash } from 'node:crypto';
import { withPersistentFixes } from '../fix/persistent.js';
import type { Plan, StepPlan } from '../model/plan.js';
import type { ProvenFix } from '../model/fix.js';
import type { Result, StepResult, Verdict } from '../model/result.js';
import type { RunRecord } from '../model/run-record.js';
import type { StepStates } from '../model/state.js';
import type { TimelineEntry, TraceLine } from '../model/timeline.js';
import { highHalf, lowHalf, timeWords } from '../pcap/time-words.js';
import { evidenceInterfaces } from '../plan/evidence-interfaces.js';
import { createTokenSearch, type TokenSearch } from '../wire/token-search.js';
import { countSighting } from './count/count-frame.js';
import { countProbe } from './count/count-probe.js';
import { countDiscarded, type DiscardedFrames, framesOfLine } from './count/discarded.js';
import { createPlainFrames, type PlainFrames } from './count/plain-frames.js';
import { arrivalAt, createTallies, noteStations, raise, type FrameArrival, type Tallies } from './count/tally.js';
import { type JudgedStep, judgeStep } from './judge-step.js';
import { coverageOf, scopeOf } from './proof/coverage.js';
import { keptInOrder, type StepFacts, stepFacts } from './proof/step-facts.js';
import { reason, type Reason } from '../model/reasons.js';
import { type Classify, createClassifier, flowFinder, tagsOf } from './recognise/classify.js';
import { PlannedProbes } from './recognise/planned-probes.js';

/** The judge's part of a `Batch` (core/pcap/capture-items.ts): typed arrays of `count` entries. */
export interface JudgedBatch
  extends Pick<Batch, 'bytes' | 'count' | 'offset' | 'captured' | 'interfaceId' | 'direction'> {
  readonly timeNs: BigInt64Array | BigUint64Array;
}

/** A judgement's sources but the capture. */
export interface JudgeInput {
  readonly plan: Plan;
  readonly run: RunRecord;
  readonly timeline: readonly TimelineEntry[];
  readonly states: readonly StepStates[];
  /** SHA-256 of discarded.ndjson. Only if run.json reports discarded frames. */
  readonly discarded?: { readonly lines: readonly DiscardedFrames[]; readonly sha256: string | null };
  readonly trace?: readonly TraceLine[];
  /** Tried after the run, by 0-based step. */
  readonly fixes?: readonly (ProvenFix & { readonly step: number })[];
}

/** Sources during a run. `timeline`: as far as written. */
export interface JudgeStart extends Pick<JudgeInput, 'plan' | 'timeline' | 'discarded'> {
  readonly run: Pick<RunRecord, 'key'>;
}

interface InterfaceReader {
  readonly arrival: FrameArrival;
  readonly plain: PlainFrames;
  probes: number;
}

/** A judgement under way, opaque outside this file. */
export interface JudgeState<Input extends JudgeStart = JudgeInput> {
  readonly input: Input;
  /** The key in run.json matches its commitment. */
  readonly keyed: boolean;
  readonly search: TokenSearch;
  readonly probes: PlannedProbes;
  readonly classify: Classify;
  readonly facts: readonly StepFacts[];
  readonly tallies: Tallies;
  readonly interfaces: readonly InterfaceReader[];
  readonly damages: string[];
  frames: number;
}

function keyOf(input: JudgeStart): Uint8Array | null {
  const { key } = input.run;
  return key === null || !/^[0-9a-f]{64}$/.test(key) ? null : Buffer.from(key, 'hex');
}

function commits(input: JudgeStart): boolean {
  const key = keyOf(input);
  return key !== null && createHash('sha256').update(key).digest('hex') === input.plan.keySha256;
}

function isLossy(facts: StepFacts | undefined): boolean {
  return Object.values(facts?.lastCounters ?? {}).some(({ dropped }) => dropped > 0);
}

function isInferred(facts: StepFacts | undefined, observer: string): boolean {
  return facts?.listening.get(observer)?.direction === 'inferred';
}

/** Begins a judgement. Pure: no clock, no file. One of a running run needs `continueJudging` before its end. */
export function startJudging<Input extends JudgeStart>(input: Input): JudgeState<Input> {
  const facts = stepFacts(input.plan, input.timeline);
  const lossy = facts.map(isLossy);
  const keyed = commits(input);
  const tallies = createTallies(input.plan, keyed);
  noteStations(tallies, facts);
  const interfaces = evidenceInterfaces(input.plan).flatMap(({ step, observer }) => {
    const stepPlan = input.plan.steps[step];
    const stepObserver = stepPlan?.observers[observer];
    const tally = tallies.steps[step];
    if (stepPlan === undefined || stepObserver === undefined || tally === undefined) return [];
    const inferred = isInferred(facts[step], stepObserver.name);
    return [
      {
        arrival: arrivalAt(stepPlan, stepObserver, inferred),
        plain: createPlainFrames(stepPlan, stepObserver, tally, input.plan, lossy[step] === true),
        probes: 0,
      },
    ];
  });
  const tags = tagsOf(input.plan, keyed ? keyOf(input) : null);
  const judging: JudgeState<Input> = {
    input,
    keyed,
    facts,
    interfaces,
    tallies,
    search: createTokenSearch(input.plan.runTag),
    probes: new PlannedProbes(input.plan.runTag, tags, flowFinder(input.plan)),
    classify: createClassifier(input.plan, tags),
    damages: [],
    frames: 0,
  };
  addDiscarded(judging);
  return judging;
}

/**
 * Continues after the capture. null = start again: frames were dropped, an engine knows no directions, or the plan
 * differs.
 */
export function continueJudging(judging: JudgeState<JudgeStart>, input: JudgeInput): JudgeState | null {
  const facts = stepFacts(input.plan, input.timeline);
  const same =
    input.plan === judging.input.plan &&
    input.run.key === judging.input.run.key &&
    input.discarded === judging.input.discarded &&
    facts.every((of, step) => isLossy(of) === isLossy(judging.facts[step])) &&
    judging.interfaces.every(
      ({ arrival }) => isInferred(facts[arrival.step.index], arrival.observer.name) === arrival.inferred,
    );
  return same ? { ...judging, input, facts } : null;
}

/** Discarded frames count before kept ones. They need the run's key. */
function addDiscarded(judging: JudgeState<JudgeStart>): void {
  const { input, keyed, interfaces, damages } = judging;
  if (!keyed) return;
  const flowOf = flowFinder(input.plan);
  for (const line of input.discarded?.lines ?? []) {
    const reader = interfaces.find(
      ({ arrival }) => arrival.step.index === line.step && arrival.observer.name === line.observer,
    );
    const unfit =
      reader === undefined
        ? `frames were counted for an observer that step ${line.step + 1} does not have`
        : countDiscarded(line, reader.arrival, judging.tallies, flowOf);
    if (unfit !== null) damages.push(`discarded.ndjson: ${unfit}`);
    if (reader !== undefined) reader.probes += framesOfLine(line);
  }
}

const directionOut = 2;

/** In file order. `interfaceId` counts in the whole file. */
export function addBatch(judging: JudgeState<JudgeStart>, batch: JudgedBatch): void {
  const { interfaces, search, probes, classify, tallies } = judging;
  const { bytes } = batch;
  const times = timeWords(batch.timeNs);
  let { frames } = judging;
  for (let i = 0; i < batch.count; i += 1) {
    frames += 1;
    const reader = interfaces[batch.interfaceId[i] ?? -1];
    if (reader === undefined) continue;
    const { arrival } = reader;
    const start = batch.offset[i] ?? 0;
    const end = start + (batch.captured[i] ?? 0);
    const outgoing = batch.direction[i] === directionOut;
    arrival.towards = arrival.inward !== outgoing;
    arrival.frame = frames;
    arrival.high = times[2 * i + highHalf] ?? 0;
    arrival.low = times[2 * i + lowHalf] ?? 0;
    const probe = probes.read(bytes, start, end);
    if (probe === null && !search.mayHold(bytes, start, end)) {
      reader.plain.count(bytes, start, end, arrival);
      continue;
    }
    if (probe !== null) {
      reader.probes += 1;
      countProbe(probe, arrival, tallies);
      continue;
    }
    const classified = classify(bytes, start, end);
    countSighting(bytes, classified, arrival, tallies);
    const { sighting } = classified;
    if (sighting.kind === 'probe' && sighting.form === 'as-sent') probes.learn(sighting.flow, sighting.sequence);
  }
  judging.frames = frames;
}

/** Leaks among frames that the capture could not take count. */
function addKept(judging: JudgeState): void {
  const arrivals = judging.interfaces.map(({ arrival }) => arrival);
  for (const { arrival, index, kept, timeNs } of keptInOrder(arrivals, judging.facts)) {
    const bytes = Buffer.from(kept.frame, 'base64');
    Object.assign(arrival, {
      towards: kept.towards,
      frame: -(index + 1),
      high: Number(timeNs >> 32n),
      low: Number(timeNs & 0xffff_ffffn),
    });
    countSighting(bytes, judging.classify(bytes, 0, bytes.length), arrival, judging.tallies);
  }
}

/** Frames after the damage are unknown. */
export function addDamage(judging: JudgeState<JudgeStart>, text: string): void {
  judging.damages.push(text);
}

/** timeline.ndjson is complete if its lines are numbered by place up to the closing number. */
function timelineReasons({ input }: JudgeState, run: RunRecord): readonly Reason[] {
  const { timeline } = input;
  const gap = timeline.findIndex(({ n }, at) => n !== at);
  if (gap >= 0)
    return [
      reason(
        'evidence-incomplete',
        null,
        `timeline.ndjson: line ${gap + 1} is number ${timeline[gap]?.n ?? 'none'}, not ${gap}`,
      ),
    ];
  const entries = run.timeline?.entries ?? null;
  return entries === timeline.length
    ? []
    : [
        reason(
          'evidence-incomplete',
          null,
          entries === null
            ? 'run.json does not say how many lines timeline.ndjson had'
            : `timeline.ndjson had ${entries} lines, ${timeline.length} were read back`,
        ),
      ];
}

function captureReasons(judging: JudgeState, run: RunRecord, hashMatches: boolean): readonly Reason[] {
  const reasons = [
    ...judging.damages.map((text) => reason('capture-damaged', null, text)),
    ...timelineReasons(judging, run),
  ];
  if (run.key === null) reasons.push(reason('key-lost', null, 'run.json holds no key'));
  else if (!commits(judging.input))
    reasons.push(reason('key-mismatch', null, 'the key in run.json is not the one committed to in plan.json'));
  if (run.capture === null) reasons.push(reason('evidence-incomplete', null, 'the capture was never closed'));
  else {
    if (run.capture.packets !== judging.frames)
      reasons.push(
        reason(
          'evidence-incomplete',
          null,
          `${run.capture.packets} frames were written, ${judging.frames} were read back`,
        ),
      );
    else if (!hashMatches)
      reasons.push(
        reason('evidence-incomplete', null, 'evidence.pcapng is not the file that was written: its SHA-256 differs'),
      );
    if (run.capture.discarded !== undefined && run.capture.discarded.sha256 !== judging.input.discarded?.sha256)
      reasons.push(
        reason('evidence-incomplete', null, 'discarded.ndjson is not the file that was written: its SHA-256 differs'),
      );
  }
  return reasons;
}

function worstVerdict(verdicts: readonly JudgedStep['result']['verdict'][]): Verdict {
  if (verdicts.includes('broken')) return 'broken';
  const judged = verdicts.some((verdict) => verdict !== null);
  return verdicts.includes('inconclusive') || !judged ? 'inconclusive' : 'holds';
}

function overall(steps: readonly JudgedStep[]): { verdict: Verdict; exitCode: number } {
  const verdicts = steps.map(({ result }) => result.verdict);
  const exits = steps.map(({ exit }) => exit);
  const verdict = worstVerdict(verdicts);
  const worst = ([2, 69, 3, 4] as const).find((exit) => exits.some((status) => status === exit)) ?? 0;
  return { verdict, exitCode: worst === 0 && verdict === 'inconclusive' ? 3 : worst };
}

/** Hex SHA-256 as read, null = none. */
export interface CaptureIdentity {
  readonly sha256: string | null;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
  /** Files that differ from the run's own hashes prove nothing. */
  readonly changed?: readonly Reason[];
}

function withFixes(result: StepResult, index: number, tried: JudgeInput['fixes']): StepResult {
  const fixes = (tried ?? []).filter(({ step }) => step === index).map(({ step: _step, ...fix }) => fix);
  return fixes.length === 0 ? result : { ...result, fixes };
}

function partialReasons(plan: Plan, { unobserved }: Result['coverage']): readonly Reason[] {
  return plan.partialScope === null && unobserved.length > 0
    ? [reason('coverage-partial', null, `not observed: ${unobserved.map(({ port }) => port).join(', ')}`)]
    : [];
}

function heardAt({ interfaces }: JudgeState, step: StepPlan): (observer: string, token: number) => boolean {
  const arrivals = new Map(
    interfaces.flatMap(({ arrival }) => (arrival.step === step ? [[arrival.observer.name, arrival] as const] : [])),
  );
  return (observer, token) => {
    const arrival = arrivals.get(observer);
    return arrival?.heard?.[token - arrival.firstToken] === 1;
  };
}

function judgeSteps(judging: JudgeState, run: RunRecord, ofCapture: readonly Reason[]): readonly JudgedStep[] {
  const { plan, states, trace = [] } = judging.input;
  const { parties } = judging.tallies;
  return plan.steps.flatMap((step) => {
    const facts = judging.facts[step.index];
    const tally = judging.tallies.steps[step.index];
    if (facts === undefined || tally === undefined) return [];
    return [
      judgeStep({
        plan,
        step,
        facts,
        tally,
        states: states[step.index] ?? { before: null, after: null },
        parties,
        trace: trace.filter((line) => line.step === step.index),
        isHeardAt: heardAt(judging, step),
        captureReasons: step.observers.length === 0 ? [] : ofCapture,
        day: run.startedAt.slice(0, 10),
      }),
    ];
  });
}

/** Ends the judgement of the captured files. */
export function finishJudging(judging: JudgeState, capture: CaptureIdentity): Result {
  const { plan, run, states } = judging.input;
  addKept(judging);
  for (const { arrival, plain, probes } of judging.interfaces) {
    plain.finish();
    const tally = judging.tallies.steps[arrival.step.index];
    if (probes > 0 && tally !== undefined) raise(tally.read, arrival.observer.name, probes);
  }
  const general = captureReasons(judging, run, capture.sha256 === run.capture?.sha256);
  const coverage = coverageOf(plan, judging.facts, states);
  const steps = judgeSteps(judging, run, [...general, ...(capture.changed ?? []), ...partialReasons(plan, coverage)]);
  const { verdict, exitCode } = overall(steps);
  const calibration = run.provenance?.instrument.calibration ?? null;
  return {
    schemaVersion: 1,
    tool: run.tool,
    run: {
      id: run.id,
      startedAt: run.startedAt,
      durationMs: Math.round(Math.max(0, ...judging.facts.map((facts) => facts.lastMonoMs))),
    },
    scenario: run.scenario,
    verdict,
    asExpected: exitCode === 0,
    exitCode,
    coverage,
    ...scopeOf(plan, states, steps),
    ...(calibration === null ? {} : { calibration }),
    ...(run.precheck === undefined || run.precheck.length === 0 ? {} : { precheck: run.precheck }),
    steps: steps.map(({ result }, index) =>
      withFixes(withPersistentFixes(result, run.keepers), index, judging.input.fixes),
    ),
    evidence: {
      dir: '.',
      files: capture.files,
      ...(run.capture?.discarded === undefined ? {} : { keep: 'leaks', discarded: run.capture.discarded.frames }),
    },
  };
}
