import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DiscardedFrames } from '../../../../../src/core/judge/count/discarded.js';
import { stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { Result } from '../../../../../src/core/model/result.js';
import { evidenceInterfaces } from '../../../../../src/core/plan/evidence-interfaces.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import { CaptureFile } from '../../../../../src/system/capture/capture-file.js';
import { collate } from '../../../../../src/system/evidence/collate/collate.js';
import { parseFolder } from '../../../../../src/system/evidence/folder/parse-folder.js';
import { clockOffsets } from '../../../../../src/system/evidence/folder/timeline-log.js';
import { replayFolder } from '../../../../../src/system/evidence/replay.js';
import {
  type Captured,
  type Evidence,
  key,
  numbered,
  perfectRun,
  scenario,
  step,
} from '../../../../support/judge/perfect-run.js';
import { frameOf } from '../../../../support/pcap/taken-frame.js';
import { scratchFolder } from '../../../../support/scratch.js';

const scratch = scratchFolder('keep-leaks');
let numbers = 0;
const fresh = (): string => {
  const dir = join(scratch, String((numbers += 1)));
  mkdirSync(join(dir, 'raw'), { recursive: true });
  mkdirSync(join(dir, 'state'));
  return dir;
};

/** Collates a folder with raw captures, as the run does, and judges it. */
async function finish(dir: string, keep: 'leaks' | 'all'): Promise<Result> {
  const { plan, run, timeline } = await parseFolder(dir);
  const inferred = stepFacts(plan, timeline).map(
    ({ listening }) =>
      new Set([...listening].filter(([, { direction }]) => direction !== 'known').map(([name]) => name)),
  );
  const { sha256, packets, discarded } = await collate({
    dir,
    plan,
    key: Buffer.from(run.key ?? '', 'hex'),
    application: 'test',
    keep,
    inferred,
    clocks: clockOffsets(timeline),
    counters: stepFacts(plan, timeline).map((facts) => facts.lastCounters),
  });
  writeFileSync(
    join(dir, 'run.json'),
    JSON.stringify({ ...run, capture: { sha256, packets, ...(discarded === null ? {} : { discarded }) } }),
  );
  return replayFolder(dir);
}

/** All that a verdict is, without where it can be looked at. */
function said(result: Result): unknown {
  return {
    verdict: result.verdict,
    exitCode: result.exitCode,
    steps: result.steps.map(({ name, verdict, asExpected, reasons, findings, observers, entry }) => ({
      name,
      verdict,
      asExpected,
      reasons,
      findings: findings.map(({ firstSighting: _, ...row }) => row),
      observers,
      entry,
    })),
  };
}

async function both(
  make: (dir: string) => void,
): Promise<{ readonly all: Result; readonly leaks: Result; readonly dir: string }> {
  const [first, second] = [fresh(), fresh()];
  make(first);
  make(second);
  return { all: await finish(first, 'all'), leaks: await finish(second, 'leaks'), dir: second };
}

describe('a recorded run, with only leaks kept', () => {
  const captures = resolve(import.meta.dirname, '../../../../../captures');
  const recorded = readdirSync(captures).filter(
    (name) =>
      existsSync(join(captures, name, 'plan.json')) &&
      existsSync(join(captures, name, 'evidence.pcapng.gz')) &&
      /"key": ?"[0-9a-f]{64}"/.test(readFileSync(join(captures, name, 'run.json'), 'utf8')),
  );

  /** One that holds, one with leaks, and one without a verdict. */
  const few = ['switch-mode', 'hub-mode', 'reason-frames-dropped'];

  it.each(few)('%s: comes to the same', comesToTheSame);
  it.each(recorded.filter((name) => !few.includes(name)))('%s: comes to the same', { tags: 'all' }, comesToTheSame);

  async function comesToTheSame(name: string): Promise<void> {
    const from = join(captures, name);
    const { all: result, leaks } = await both((dir) => {
      for (const file of ['plan.json', 'run.json', 'timeline.ndjson']) cpSync(join(from, file), join(dir, file));
      if (existsSync(join(from, 'state'))) cpSync(join(from, 'state'), join(dir, 'state'), { recursive: true });
      writeFileSync(join(dir, 'raw/1-1.pcapng'), gunzipSync(readFileSync(join(from, 'evidence.pcapng.gz'))));
    });
    expect(said(leaks)).toEqual(said(result));
    for (const [at, { findings }] of leaks.steps.entries()) {
      for (const [row, finding] of findings.entries())
        if (finding.leak) expect(finding.firstSighting?.at).toBe(result.steps[at]?.findings[row]?.firstSighting?.at);
    }
  }

  it('keeps less', async () => {
    expect(recorded.length).toBeGreaterThan(20);
  });
});

/** Writes the folder of a run that is not collated yet. */
function write(dir: string, { plan, run, timeline, states, frames }: Evidence): void {
  const written = (name: string): number => frames.filter(({ observer }) => observer === name).length;
  writeFileSync(join(dir, 'plan.json'), JSON.stringify(plan));
  writeFileSync(join(dir, 'run.json'), JSON.stringify({ ...run, timeline: { entries: timeline.length } }));
  writeFileSync(
    join(dir, 'timeline.ndjson'),
    numbered(timeline)
      .map((entry) =>
        entry.event === 'stopped'
          ? { ...entry, written: Object.fromEntries(Object.keys(entry.written).map((name) => [name, written(name)])) }
          : entry,
      )
      .map((entry) => `${JSON.stringify(entry)}\n`)
      .join(''),
  );
  states.forEach(({ before, after }, at) => {
    writeFileSync(join(dir, `state/${at + 1}-before.json`), JSON.stringify(before));
    writeFileSync(join(dir, `state/${at + 1}-after.json`), JSON.stringify(after));
  });
  const file = new CaptureFile({
    path: join(dir, 'raw/1-1.pcapng'),
    fd: null,
    runTag: null,
    only: 'all',
    most: null,
    application: 'test',
  });
  const ids = new Map(
    evidenceInterfaces(plan).map(({ name, description, step: at, observer }) => [
      plan.steps[at]?.observers[observer]?.name ?? '',
      file.addInterface({ name, description, filter: '', snaplen: 2048 }),
    ]),
  );
  frames.forEach(({ observer, outgoing, bytes }, at) =>
    file.addFrame(ids.get(observer) ?? 0, frameOf(Buffer.from(bytes), 1_764_000_000, at * 1000, outgoing)),
  );
  file.flush();
  void file.finish(new Map());
}

describe('a run, with only leaks kept', () => {
  const observers = ['a', 'b', 'c', 'lan'] as const;
  const [probe] = step().probes;
  if (probe === undefined) throw new Error('the step has no probe');
  const twoWays = scenario([step({ probes: [{ ...probe, bothWays: true, count: 5 }] })]);

  it('says the same as with all, whoever saw, sent again or forged whatever, in any order', async () => {
    const { plan } = perfectRun(twoWays);
    const tokens = (plan.steps[0]?.flows.length ?? 0) * 5;
    type Drawn = [{ observer: string; outgoing: boolean; token: number; forged: number; at: number }[], number[]];
    const more = fc.record({
      observer: fc.constantFrom(...observers),
      outgoing: fc.boolean(),
      token: fc.nat(tokens),
      forged: fc.integer({ min: 0, max: 9 }),
      at: fc.nat(60),
    });
    let [runs, leaks, held] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(
        fc.array(more, { maxLength: 6 }),
        fc.array(fc.nat(200), { maxLength: 2 }),
        async (added, lost) => {
          runs += 1;
          const evidence = perfectRun(twoWays);
          for (const { observer, outgoing, token, forged, at } of added) {
            const flow = evidence.plan.steps[0]?.flows.at(Math.floor(token / 5));
            if (flow === undefined) continue;
            const bytes = buildFrame(
              flow.frame,
              tokensFor(forged === 0 ? Buffer.alloc(32, 9) : key, evidence.plan.runTag, token, 1),
            );
            evidence.frames.splice(at, 0, { observer, outgoing, bytes });
          }
          for (const at of lost) evidence.frames.splice(at, 1);
          const reported = await both((dir) => write(dir, evidence));
          expect(said(reported.leaks)).toEqual(said(reported.all));
          if (reported.all.verdict === 'broken') leaks += 1;
          if (reported.all.verdict === 'holds') held += 1;
        },
      ),
      // Three that leak and two that hold, however few are drawn.
      {
        examples: [
          ...[0, 1, 2].map((token): Drawn => [[{ observer: 'c', outgoing: true, token, forged: 1, at: 0 }], []]),
          ...[0, 1].map((): Drawn => [[], []]),
        ],
      },
    );
    expect(leaks).toBeGreaterThan(Math.floor(runs / 10));
    expect(held).toBeGreaterThan(Math.floor(runs / 20));
  });

  const overheard = (count: number): { readonly evidence: Evidence; readonly count: number } => {
    const evidence = perfectRun(scenario([step({ probes: [{ ...probe, count }] })]));
    const flow = evidence.plan.steps[0]?.flows.at(0);
    if (flow === undefined) throw new Error('no flow');
    const frames: Captured[] = Array.from({ length: count }, (_, at) => ({
      observer: 'c',
      outgoing: true,
      bytes: buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first + at, 1)),
    }));
    evidence.frames.push(...frames, ...frames);
    return { evidence, count };
  };

  it('keeps the first thousand frames of a leak, and counts all of it', async () => {
    const { evidence, count } = overheard(1200);
    const { all: result, leaks, dir } = await both((folder) => write(folder, evidence));
    expect(said(leaks)).toEqual(said(result));
    expect(leaks.steps[0]?.findings.find(({ observer }) => observer === 'c')).toMatchObject({
      seen: count,
      leak: true,
    });
    const controls = evidence.frames.length - 4 * count;
    expect(leaks.evidence).toMatchObject({ keep: 'leaks', discarded: 2 * count + 200 + count });
    expect(JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8'))).toMatchObject({
      capture: { packets: 1000 + controls },
    });
    expect(result.evidence).not.toHaveProperty('keep');
  });

  /** Judges the folder again after its count of discarded frames was changed; `sealed`: run.json fits it. */
  async function changed(
    change: (lines: DiscardedFrames[]) => readonly DiscardedFrames[] | null,
    sealed: boolean,
  ): Promise<Result> {
    const dir = fresh();
    write(dir, perfectRun());
    expect((await finish(dir, 'leaks')).verdict).toBe('holds');
    const path = join(dir, 'discarded.ndjson');
    const lines = change(
      readFileSync(path, 'utf8')
        .split('\n')
        .slice(0, -1)
        .map((line) => JSON.parse(line) as DiscardedFrames),
    );
    const text = (lines ?? []).map((line) => `${JSON.stringify(line)}\n`).join('');
    if (lines === null) rmSync(path);
    else writeFileSync(path, text);
    const run = JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8')) as {
      capture: { discarded: { sha256: string } };
    };
    const { createHash } = await import('node:crypto');
    if (sealed) run.capture.discarded.sha256 = createHash('sha256').update(text).digest('hex');
    writeFileSync(join(dir, 'run.json'), JSON.stringify(run));
    return replayFolder(dir);
  }

  it.each([
    ['is missing', () => null, false],
    ['is empty', () => [], false],
    ['was emptied and sealed again', () => [], true],
    ['lacks an observer', (lines: DiscardedFrames[]) => lines.slice(1), true],
    ['has a line twice', (lines: DiscardedFrames[]) => [...lines, ...lines.slice(0, 1)], true],
    [
      'names an observer that is none',
      (lines: DiscardedFrames[]) => lines.map((line) => ({ ...line, observer: 'x' })),
      true,
    ],
    [
      'says more than its spans',
      (lines: DiscardedFrames[]) =>
        lines.map((line) => ({ ...line, seen: { ...line.seen, frames: line.seen.frames + 1 } })),
      true,
    ],
    [
      'has tokens that the plan has not',
      (lines: DiscardedFrames[]) =>
        lines.map((line) => ({ ...line, entered: { frames: 20, spans: 1, gaps: '900', lengths: '20' } })),
      true,
    ],
    [
      'counts a repetition more',
      (lines: DiscardedFrames[]) => lines.map((line) => ({ ...line, again: line.again + 1 })),
      true,
    ],
    [
      'has no numbers',
      (lines: DiscardedFrames[]) =>
        lines.map((line) => ({ ...line, seen: { frames: 1e9, spans: 1e9, gaps: 'x', lengths: '' } })),
      true,
    ],
  ] as const)('never holds where the count of what was discarded %s', async (_, change, sealed) => {
    const { verdict, steps } = await changed(change, sealed);
    expect(verdict).toBe('inconclusive');
    expect(
      steps[0]?.reasons
        .map(({ code }) => code)
        .some((code) => code === 'evidence-incomplete' || code === 'capture-damaged'),
    ).toBe(true);
  });

  it('does not hold where a sighting of somebody else was added to the count', async () => {
    const { verdict } = await changed(
      (lines) => [
        ...lines,
        {
          step: 0,
          observer: 'c',
          entered: { frames: 0, spans: 0, gaps: '', lengths: '' },
          seen: { frames: 1, spans: 1, gaps: '3', lengths: '1' },
          again: 0,
        },
      ],
      true,
    );
    expect(verdict).toBe('broken');
  });
});
