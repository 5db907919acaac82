import { describe, expect, it } from 'vitest';
import {
  addDamage,
  type CaptureIdentity,
  finishJudging,
  type JudgeInput,
  startJudging,
} from '../../../../src/core/judge/judge.js';
import { timeText } from '../../../../src/core/text/time.js';
import type { Reason } from '../../../../src/core/model/reasons.js';
import type { Result } from '../../../../src/core/model/result.js';
import type { Step } from '../../../../src/core/model/scenario.js';
import type { HostState } from '../../../../src/core/model/state.js';
import type { TimelineEntry, TimelineEvent } from '../../../../src/core/model/timeline.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  hostState,
  judge,
  key,
  numbered,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';

type Outcome =
  | 'holds'
  | 'leaks'
  | 'deaf'
  | 'unsupported'
  | 'unjudged'
  | 'idle'
  | 'idle, not run'
  | 'unjudged, not run'
  | 'expected, and leaks'
  | 'expected, and holds'
  | 'expected, and deaf';
const expecting = (expected: 'broken' | null): Partial<Step> => ({ expect: { ...step().expect, expected } });
const stepOf = (outcome: Outcome): Step =>
  step({
    ...(outcome.startsWith('expected') ? expecting('broken') : {}),
    ...(outcome.startsWith('unjudged') ? expecting(null) : {}),
    ...(outcome.startsWith('idle') ? { probes: [] } : {}),
  });

/** A run whose steps come out like this. */
function run(...outcomes: readonly Outcome[]): Evidence {
  const evidence = perfectRun(scenario(outcomes.map(stepOf)));
  outcomes.forEach((outcome, index) => {
    const flow = evidence.plan.steps[index]?.flows.at(0);
    if (outcome.endsWith('leaks') && flow !== undefined)
      addFrames(evidence, {
        observer: 'c',
        outgoing: true,
        bytes: buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first, 1)),
        step: index,
      });
    evidence.timeline = evidence.timeline.flatMap((entry): readonly TimelineEntry[] => {
      if (entry.step !== index) return [entry];
      if (outcome.endsWith('deaf') && entry.event === 'drained') return [];
      if (entry.event !== 'step-ended') return [entry];
      if (outcome === 'unsupported') return [{ ...entry, outcome: 'unsupported' }];
      return [outcome.endsWith('not run') ? { ...entry, outcome: 'not-run' } : entry];
    });
  });
  return evidence;
}
const verdicts = (result: Result): readonly (string | null)[] => result.steps.map(({ verdict }) => verdict);

describe('the verdict of a run', () => {
  it.each<[readonly Outcome[], readonly (string | null)[], string, number]>([
    [['holds'], ['holds'], 'holds', 0],
    [['holds', 'leaks'], ['holds', 'broken'], 'broken', 2],
    [['deaf', 'holds'], ['inconclusive', 'holds'], 'inconclusive', 3],
    [['deaf', 'leaks'], ['inconclusive', 'broken'], 'broken', 2],
    [['unsupported', 'holds'], [null, 'holds'], 'holds', 69],
    [['unsupported', 'deaf'], [null, 'inconclusive'], 'inconclusive', 69],
    [['unsupported', 'leaks'], [null, 'broken'], 'broken', 2],
    [['unsupported'], [null], 'inconclusive', 69],
    [['unjudged'], [null], 'inconclusive', 3],
    [['unjudged', 'holds'], [null, 'holds'], 'holds', 0],
    [['idle', 'holds'], [null, 'holds'], 'holds', 0],
    [['idle'], [null], 'inconclusive', 3],
    [[], [], 'inconclusive', 3],
    [['idle, not run', 'holds'], ['inconclusive', 'holds'], 'inconclusive', 3],
    [['unjudged, not run', 'holds'], ['inconclusive', 'holds'], 'inconclusive', 3],
    [['expected, and leaks'], ['broken'], 'broken', 0],
    [['expected, and holds'], ['holds'], 'holds', 4],
    [['expected, and deaf'], ['inconclusive'], 'inconclusive', 3],
    [['expected, and holds', 'deaf'], ['holds', 'inconclusive'], 'inconclusive', 3],
    [['expected, and leaks', 'leaks'], ['broken', 'broken'], 'broken', 2],
  ])('of steps that come out as %j', (outcomes, steps, verdict, exitCode) => {
    const result = judge(run(...outcomes));
    expect({
      steps: verdicts(result),
      verdict: result.verdict,
      exitCode: result.exitCode,
      asExpected: result.asExpected,
    }).toEqual({ steps, verdict, exitCode, asExpected: exitCode === 0 });
  });
  it('says of each step whether it is as expected', () => {
    expect(
      judge(
        run('holds', 'leaks', 'unsupported', 'unjudged', 'idle', 'expected, and leaks', 'expected, and holds'),
      ).steps.map(({ asExpected }) => asExpected),
    ).toEqual([true, false, false, true, true, true, false]);
  });
  it('tells what is missing of a step without a verdict, and nothing of one that had nothing to prove', () => {
    const codes = (outcome: Outcome, over: (evidence: Evidence) => void = () => {}): readonly string[] => {
      const evidence = run(outcome);
      over(evidence);
      return judge(evidence).steps[0]?.reasons.map(({ code }) => code) ?? [];
    };
    const undrained = (evidence: Evidence): void => {
      evidence.timeline = evidence.timeline.filter(({ event }) => event !== 'drained');
    };
    expect([codes('unjudged'), codes('unjudged', undrained), codes('idle', undrained), codes('unsupported')]).toEqual([
      [],
      ['drain-incomplete'],
      [],
      ['unsupported'],
    ]);
    expect(codes('idle, not run')).toEqual(['not-run']);
  });
});

/** What is wrong with the capture as a whole. */
function captureReasons(
  over: Partial<JudgeInput['run']>,
  identity: CaptureIdentity = { sha256: 'f'.repeat(64), files: [] },
  damage: readonly string[] = [],
): readonly string[] {
  const evidence = perfectRun();
  const judging = startJudging({
    plan: evidence.plan,
    run: {
      ...evidence.run,
      timeline: { entries: evidence.timeline.length },
      capture: { sha256: 'f'.repeat(64), packets: 0 },
      ...over,
    },
    timeline: numbered(evidence.timeline),
    states: evidence.states,
  });
  for (const text of damage) addDamage(judging, text);
  const reported = finishJudging(judging, identity).steps[0]?.reasons ?? [];
  const ofObserver = ({ observer }: Reason): boolean => observer !== null;
  return reported.filter((reason) => !ofObserver(reason)).map(({ code, text }) => `${code}: ${text}`);
}

describe('a capture', () => {
  it.each<[string, Parameters<typeof captureReasons>, readonly string[]]>([
    ['as it was written', [{}], []],
    ['that was never closed', [{ capture: null }], ['evidence-incomplete: the capture was never closed']],
    [
      'of other length',
      [{ capture: { sha256: 'f'.repeat(64), packets: 7 } }],
      ['evidence-incomplete: 7 frames were written, 0 were read back'],
    ],
    [
      'of other length and content',
      [{ capture: { sha256: 'other', packets: 7 } }],
      ['evidence-incomplete: 7 frames were written, 0 were read back'],
    ],
    [
      'of other content',
      [{}, { sha256: 'other', files: [] }],
      ['evidence-incomplete: evidence.pcapng is not the file that was written: its SHA-256 differs'],
    ],
    [
      'that is gone',
      [{}, { sha256: null, files: [] }],
      ['evidence-incomplete: evidence.pcapng is not the file that was written: its SHA-256 differs'],
    ],
    [
      'that is damaged',
      [{}, undefined, ['block 7', 'block 9']],
      ['capture-damaged: block 7', 'capture-damaged: block 9'],
    ],
    ['without a key', [{ key: null }], ['key-lost: run.json holds no key']],
    [
      'with another key',
      [{ key: '11'.repeat(32) }],
      ['key-mismatch: the key in run.json is not the one committed to in plan.json'],
    ],
    [
      'with a key that is none',
      [{ key: key.toString('hex').toUpperCase() + 'zz' }],
      ['key-mismatch: the key in run.json is not the one committed to in plan.json'],
    ],
    [
      'with a key and more',
      [{ key: `${key.toString('hex')}00` }],
      ['key-mismatch: the key in run.json is not the one committed to in plan.json'],
    ],
    [
      'with more and a key',
      [{ key: `00${key.toString('hex')}` }],
      ['key-mismatch: the key in run.json is not the one committed to in plan.json'],
    ],
  ])('%s', (_, args, expected) => expect(captureReasons(...args)).toEqual(expected));
});

describe('a result', () => {
  it('says how long the run was, and names the files that it rests on', () => {
    const files = [{ path: 'evidence.pcapng', sha256: 'f'.repeat(64) }];
    const evidence = perfectRun();
    evidence.timeline.push({ atNs: '20400000', monoMs: 20.4, step: 0, event: 'sealed', uid: 0, capabilities: '' });
    expect(judge(evidence, undefined, { sha256: 'f'.repeat(64), files })).toMatchObject({
      schemaVersion: 1,
      run: { id: 'r', startedAt: '2026-01-01T00:00:00.000Z', durationMs: 20 },
      evidence: { dir: '.', files },
    });
    expect(judge(perfectRun(scenario([]))).run.durationMs).toBe(0);
  });
  it('says of each observer what it received and which controls it heard', () => {
    const evidence = perfectRun();
    evidence.timeline = evidence.timeline.filter((entry) => entry.event !== 'listening' || entry.observer !== 'c');
    const [step0] = judge(evidence).steps;
    const heard = evidence.frames.filter(({ observer }) => observer === 'b').length;
    expect(step0?.observers.find(({ name }) => name === 'b')).toEqual({
      name: 'b',
      interface: 'p1',
      engine: 'libpcap',
      received: heard,
      dropped: 0,
      controlsSent: 6,
      controlsSeen: 6,
    });
    expect(step0?.observers.find(({ name }) => name === 'c')).toMatchObject({
      engine: null,
      controlsSent: 6,
      controlsSeen: 6,
    });
    expect(step0?.entry).toEqual({ sent: 3, seen: 3 });
  });
  it('falls back to the last counters of a capture without an end, and to none', () => {
    const evidence = perfectRun();
    const mark: TimelineEvent = { event: 'mark', id: 'm', counters: { b: { received: 5, dropped: 1, delivered: 4 } } };
    evidence.timeline = [
      ...evidence.timeline.filter(({ event }) => event !== 'stopped'),
      { atNs: '1', monoMs: 0, step: 0, ...mark },
    ];
    const observers = judge(evidence).steps[0]?.observers ?? [];
    expect(observers.find(({ name }) => name === 'b')).toMatchObject({ received: 5, dropped: 1 });
    expect(observers.find(({ name }) => name === 'c')).toMatchObject({ received: 0, dropped: 0 });
  });
  it('carries what was found before the run and tried after it, and says nothing of what was not', () => {
    const evidence = perfectRun(scenario([step(), step({ name: 'two' })]));
    const fix = {
      step: 1,
      cause: 'nat',
      commands: ['y'],
      outcome: 'works',
      before: 1,
      after: 0,
      cutOff: [],
      text: '',
      evidence: 'e',
      sha256: null,
    } as const;
    const input = (over: Partial<JudgeInput>): Result =>
      finishJudging(
        startJudging({
          plan: evidence.plan,
          run: evidence.run,
          timeline: evidence.timeline,
          states: evidence.states,
          ...over,
        }),
        { sha256: null, files: [] },
      );
    const { step: _, ...reported } = fix;
    expect(input({ fixes: [fix] }).steps.map(({ fixes }) => fixes)).toEqual([undefined, [reported]]);
    expect(input({}).steps[1]).not.toHaveProperty('fixes');
    for (const key_ of ['calibration', 'precheck']) expect(input({})).not.toHaveProperty(key_);
    expect(input({ run: { ...evidence.run, precheck: [] } })).not.toHaveProperty('precheck');
  });
  it('carries the planted leak that was seen before the run, what the host was found to do, and how fixes come to stay', () => {
    const evidence = run('leaks');
    const calibration = { at: '2026-01-01T00:00:00.000Z', durationMs: 700, engine: 'libpcap', planted: 20, seen: 20 };
    const provenance: NonNullable<JudgeInput['run']['provenance']> = {
      who: { uid: 0, loginUid: null, sudoUser: null, operator: null, ticket: null },
      where: {
        host: 'hv1',
        machineIdHash: null,
        bootId: null,
        kernel: '6',
        distribution: null,
        packages: {},
        modules: {},
        brNetfilter: null,
        nftRuleset: { sha256: null, text: '' },
      },
      when: { started: { utc: '', monotonicNs: '0' }, ended: null, clock: { before: null, after: null }, steps: [] },
      method: [],
      scope: null,
      limits: [],
      instrument: {
        tool: evidence.run.tool,
        packageSha256: '',
        lockfileSha256: null,
        dependencies: {},
        node: '20',
        engine: 'libpcap',
        libpcap: null,
        captures: [],
        calibration,
      },
    };
    const precheck = [{ code: 'tc-mirror', place: 'p0 ingress', value: 'mirred', text: 'a copy' } as const];
    const managers = [
      {
        by: 'libvirt',
        device: 'p2',
        keeps: 'guest',
        guest: 'c',
        mac: '52:54:00:00:00:03',
        network: null,
        bridge: 'br0',
      },
    ] as const;
    const reported = judge({ ...evidence, run: { ...evidence.run, provenance, precheck, keepers: managers } });
    expect(reported).toMatchObject({ calibration, precheck });
    expect(reported.steps[0]?.findings.find(({ leak }) => leak)?.causes).toMatchObject([
      { code: 'unknown-flood', lasting: [{ by: 'libvirt', device: 'p2' }] },
    ]);
    expect(judge(evidence).steps[0]?.findings.find(({ leak }) => leak)?.causes[0]).not.toHaveProperty('lasting');
  });
  it('does not hold where a port was not observed, unless that is meant', () => {
    const evidence = perfectRun();
    const joined = (state: HostState): HostState => ({
      ...state,
      links: [...state.links, ...state.links.slice(1, 2).map((link) => ({ ...link, name: 'p9', ifindex: 9 }))],
    });
    evidence.states = [{ before: joined(hostState()), after: joined(hostState()) }];
    expect(judge(evidence).steps[0]).toMatchObject({
      verdict: 'inconclusive',
      reasons: [{ code: 'coverage-partial', text: 'not observed: p9' }],
    });
    evidence.plan = { ...evidence.plan, partialScope: 'p9 is nobody’s' };
    expect(judge(evidence)).toMatchObject({ verdict: 'holds', coverage: { complete: false } });
  });
  it('counts as kept no more frames of an observer than a worker keeps', () => {
    const kept = (before: number, atNs: string): Result => {
      const evidence = perfectRun();
      const flow = evidence.plan.steps[0]?.flows.at(0);
      if (flow === undefined) throw new Error('the plan has no flow');
      const keep = (frame: Uint8Array, at: string): void =>
        void evidence.timeline.push({
          atNs: at,
          monoMs: 0,
          step: 0,
          event: 'kept',
          observer: 'c',
          towards: true,
          frame: Buffer.from(frame).toString('base64'),
        });
      for (let at = 0; at < before; at += 1) keep(new Uint8Array(20), '1');
      keep(buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first, 1)), atNs);
      return judge(evidence);
    };
    const first = (result: Result): unknown => result.steps[0]?.findings.find(({ leak }) => leak)?.firstSighting;
    expect([kept(1000, '1').verdict, kept(999, '1').verdict]).toEqual(['inconclusive', 'broken']);
    expect(first(kept(2, '1700000000000000000'))).toEqual({
      file: 'timeline.ndjson',
      frame: 3,
      at: '2023-11-14T22:13:20.000000000Z',
    });
    for (const beyond of ['9999999999999999999', '17000000000000000000', '', '-1', '1x'])
      expect(first(kept(0, beyond)), beyond).toEqual({
        file: 'timeline.ndjson',
        frame: 1,
        at: '1970-01-01T00:00:00.000000000Z',
      });
    expect(first(kept(0, '8999999999999999999'))).toMatchObject({ at: timeText(8_999_999_999_999_999_999n) });
  });
});
