import { describe, expect, it } from 'vitest';
import {
  addDamage,
  type CaptureIdentity,
  finishJudging,
  type JudgeInput,
  startJudging,
} from '../../../../src/core/judge/judge.js';
import { timeText } from '../../../../src/core/text/time.js';
import type { Step } from '../../../../src/core/model/scenario.js';
import type { TimelineEntry } from '../../../../src/core/model/timeline.js';
import {
  type Change,
  changedRun,
  judgedRun,
  finds,
  receives,
  type Judged,
  judged,
  judgedOf,
  keeps,
  lacks,
  logs,
  plans,
  probeFrame,
  runs,
} from '../../../support/judge/judged.js';
import {
  type Evidence,
  hostState,
  judge,
  key,
  numbered,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';
import { there } from '../../../support/there.js';

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
const stepOf = (outcome: Outcome) =>
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
    if (outcome.endsWith('leaks')) receives('c', probeFrame(evidence, 0, there(flow)), index)(evidence);
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
    expect(result).toMatchObject({ verdict, exitCode, asExpected: exitCode === 0 });
    expect(result.steps.map((judgedStep) => judgedStep.verdict)).toEqual(steps);
  });
  it('says of each step whether it is as expected', () => {
    expect(
      judge(
        run('holds', 'leaks', 'unsupported', 'unjudged', 'idle', 'expected, and leaks', 'expected, and holds'),
      ).steps.map(({ asExpected }) => asExpected),
    ).toEqual([true, false, false, true, true, true, false]);
  });
  it('tells what is missing of a step without a verdict, and nothing of one that had nothing to prove', () => {
    const codes = (outcome: Outcome, ...changes: readonly Change[]): readonly string[] => {
      const evidence = run(outcome);
      for (const change of changes) change(evidence);
      return judgedRun(evidence).codes;
    };
    expect(codes('unjudged')).toEqual([]);
    expect(codes('unjudged', lacks('drained'))).toEqual(['drain-incomplete']);
    expect(codes('idle', lacks('drained'))).toEqual([]);
    expect(codes('unsupported')).toEqual(['unsupported']);
    expect(codes('idle, not run')).toEqual(['not-run']);
  });
});

/** What is wrong with the capture as a whole. */
function captureReasons(
  over: Partial<JudgeInput['run']>,
  identity: CaptureIdentity = { sha256: 'f'.repeat(64), files: [] },
  damage: readonly string[] = [],
) {
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
  return reported.filter(({ observer }) => observer === null).map(({ code, text }) => `${code}: ${text}`);
}

const otherLength = 'evidence-incomplete: 7 frames were written, 0 were read back';
const otherFile = 'evidence-incomplete: evidence.pcapng is not the file that was written: its SHA-256 differs';
const otherKey = 'key-mismatch: the key in run.json is not the one committed to in plan.json';
const hex = key.toString('hex');

describe('a capture', () => {
  it.each<[string, Parameters<typeof captureReasons>, readonly string[]]>([
    ['as it was written', [{}], []],
    ['that was never closed', [{ capture: null }], ['evidence-incomplete: the capture was never closed']],
    ['of other length', [{ capture: { sha256: 'f'.repeat(64), packets: 7 } }], [otherLength]],
    ['of other length and content', [{ capture: { sha256: 'other', packets: 7 } }], [otherLength]],
    ['of other content', [{}, { sha256: 'other', files: [] }], [otherFile]],
    ['that is gone', [{}, { sha256: null, files: [] }], [otherFile]],
    [
      'that is damaged',
      [{}, undefined, ['block 7', 'block 9']],
      ['capture-damaged: block 7', 'capture-damaged: block 9'],
    ],
    ['without a key', [{ key: null }], ['key-lost: run.json holds no key']],
    ['with another key', [{ key: '11'.repeat(32) }], [otherKey]],
    ['with a key that is none', [{ key: `${hex.toUpperCase()}zz` }], [otherKey]],
    ['with a key and more', [{ key: `${hex}00` }], [otherKey]],
    ['with more and a key', [{ key: `00${hex}` }], [otherKey]],
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
    expect(judgedOf(scenario([])).run.durationMs).toBe(0);
  });
  const observerOf = ({ steps }: Judged, name: string) =>
    steps[0]?.observers.find((observer) => observer.name === name);
  it('says of each observer what it received and which controls it heard', () => {
    const evidence = changedRun(
      undefined,
      lacks('listening', ({ observer }) => observer === 'c'),
    );
    const result = judgedRun(evidence);
    const controls = { controlsSent: 6, controlsSeen: 6 };
    expect(observerOf(result, 'b')).toEqual({
      name: 'b',
      interface: 'p1',
      engine: 'libpcap',
      received: evidence.frames.filter(({ observer }) => observer === 'b').length,
      dropped: 0,
      ...controls,
    });
    expect(observerOf(result, 'c')).toMatchObject({ engine: null, ...controls });
    expect(result.steps[0]?.entry).toEqual({ sent: 3, seen: 3 });
  });
  it('falls back to the last counters of a capture without an end, and to none', () => {
    const counters = { b: { received: 5, dropped: 1, delivered: 4 } };
    const result = judged(lacks('stopped'), logs({ event: 'mark', id: 'm', counters }));
    expect(observerOf(result, 'b')).toMatchObject({ received: 5, dropped: 1 });
    expect(observerOf(result, 'c')).toMatchObject({ received: 0, dropped: 0 });
  });
  it('carries what was found before the run and tried after it, and says nothing of what was not', () => {
    const { plan, run, timeline, states } = perfectRun(scenario([step(), step({ name: 'two' })]));
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
    const input = (over: Partial<JudgeInput>) =>
      finishJudging(startJudging({ plan, run, timeline, states, ...over }), { sha256: null, files: [] });
    const { step: _, ...reported } = fix;
    expect(input({ fixes: [fix] }).steps.map(({ fixes }) => fixes)).toEqual([undefined, [reported]]);
    expect(input({}).steps[1]).not.toHaveProperty('fixes');
    for (const key_ of ['calibration', 'precheck']) expect(input({})).not.toHaveProperty(key_);
    expect(input({ run: { ...run, precheck: [] } })).not.toHaveProperty('precheck');
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
    runs({ provenance, precheck, keepers: managers })(evidence);
    const reported = judgedRun(evidence);
    expect(reported).toMatchObject({ calibration, precheck });
    expect(reported.leaks[0]?.causes).toMatchObject([
      { code: 'unknown-flood', lasting: [{ by: 'libvirt', device: 'p2' }] },
    ]);
    expect(judgedRun(run('leaks')).leaks[0]?.causes[0]).not.toHaveProperty('lasting');
  });
  it('does not hold where a port was not observed, unless that is meant', () => {
    const { links, ...state } = hostState();
    const joined = finds({
      ...state,
      links: [...links, ...links.slice(1, 2).map((link) => ({ ...link, name: 'p9', ifindex: 9 }))],
    });
    expect(judged(joined).steps[0]).toMatchObject({
      verdict: 'inconclusive',
      reasons: [{ code: 'coverage-partial', text: 'not observed: p9' }],
    });
    const meant = plans(() => ({ partialScope: 'p9 is nobody’s' }));
    expect(judged(joined, meant)).toMatchObject({ verdict: 'holds', coverage: { complete: false } });
  });
  it('counts as kept no more frames of an observer than a worker keeps', () => {
    const kept = (before: number, atNs: string): Judged => {
      const others = Array.from({ length: before }, () => keeps('c', new Uint8Array(20)));
      return judged(...others, keeps('c', 0, { atNs }));
    };
    const first = ({ leaks }: Judged) => leaks[0]?.firstSighting;
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
