import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import type { TimelineEntry } from '../../../../src/core/model/timeline.js';
import {
  addressed,
  changedRun,
  flowOf,
  receives,
  judgedOf,
  probeFrame,
  probing,
  sends,
} from '../../../support/judge/judged.js';
import { type Evidence, judge, perfectRun } from '../../../support/judge/perfect-run.js';

/** Raw and IPv4, both ways, so that there are several flows, senders and forms of controls. */
const rich = addressed(probing({ bothWays: true, carriers: ['raw', 'ipv4-udp'], count: 4 }));
/** The frame of a probe as c would overhear it. */
const overheard = (flowAt: number, sequence: number) =>
  receives('c', (evidence) => probeFrame(evidence, sequence, flowOf(evidence, flowAt)));
const whole = perfectRun(rich);
const packets = whole.frames.length;
/** All but a few, or any. */
const someOf = <T>(list: readonly T[]) =>
  fc.oneof(fc.subarray([...list], { minLength: list.length - 2 }), fc.subarray([...list]));
const verdictWith = (over: Partial<Evidence>) => judge({ ...whole, ...over }, packets).verdict;
type Part = readonly [name: string, line: number, without: TimelineEntry];
/** Each part of a line, and the line as it would be without it. */
const parts = whole.timeline.flatMap((entry, line): readonly Part[] => {
  if (entry.event === 'controls-sent')
    return entry.accepted.map(
      (index): Part => [
        `control ${index} ${entry.phase} the probes`,
        line,
        { ...entry, accepted: entry.accepted.filter((accepted) => accepted !== index) },
      ],
    );
  if (entry.event !== 'stopped') return [];
  const left = <T>(map: Readonly<Record<string, T>>, name: string) =>
    Object.fromEntries(Object.entries(map).filter(([key]) => key !== name));
  return Object.keys(entry.counters).flatMap((name): readonly Part[] => [
    [`counters of ${name}`, line, { ...entry, counters: left(entry.counters, name) }],
    [`what was written for ${name}`, line, { ...entry, written: left(entry.written, name) }],
  ]);
});

describe('a holds', () => {
  it('is one while nothing is taken away', () => {
    expect(judge(whole)).toMatchObject({ verdict: 'holds', steps: [{ reasons: [] }] });
    expect(packets).toBeGreaterThan(80);
    expect(parts.length).toBeGreaterThan(40);
  });
  it('is inconclusive without any one frame of its capture', () => {
    const holding = whole.frames.flatMap((_, at) =>
      verdictWith({ frames: whole.frames.filter((__, index) => index !== at) }) === 'inconclusive' ? [] : [at],
    );
    expect(holding).toEqual([]);
  });
  it('is inconclusive without any one line of its timeline but the first, which proves nothing', () => {
    const holding = whole.timeline.filter(
      (entry) => verdictWith({ timeline: whole.timeline.filter((logged) => logged !== entry) }) !== 'inconclusive',
    );
    expect(holding.map(({ event }) => event)).toEqual(['step-started']);
  });
  it('is inconclusive without any one part of a line: a control, counters, a count of what was written', () => {
    const holding = parts.filter(
      ([, line, without]) =>
        verdictWith({ timeline: whole.timeline.map((entry, at) => (at === line ? without : entry)) }) !==
        'inconclusive',
    );
    // An entry control proves by being seen on the bridge, whoever says that it was sent.
    const entries = whole.plan.steps.flatMap(({ controls }) =>
      controls.filter(({ kind }) => kind !== 'ear').map(({ index, phase }) => `control ${index} ${phase} the probes`),
    );
    expect(holding.map(([name]) => name)).toEqual(entries);
  });
  it('is none, whatever set of lines and frames is taken away', () => {
    fc.assert(
      fc.property(someOf(whole.timeline), someOf(whole.frames), (timeline, frames) => {
        fc.pre(
          frames.length < packets ||
            whole.timeline.some((entry) => entry.event !== 'step-started' && !timeline.includes(entry)),
        );
        expect(verdictWith({ timeline, frames })).toBe('inconclusive');
      }),
    );
  });
});

describe('an authentic sighting where nobody may see it', () => {
  it('is broken beside whatever else is missing', () => {
    fc.assert(
      fc.property(
        someOf(whole.timeline),
        someOf(whole.frames),
        fc.constantFrom(...whole.states, { before: null, after: null }),
        fc.nat(3),
        fc.nat(3),
        (timeline, frames, states, flow, sequence) => {
          const evidence: Evidence = { ...whole, timeline: [...timeline], frames: [...frames], states: [states] };
          overheard(flow, sequence)(evidence);
          expect(judge(evidence, packets)).toMatchObject({ verdict: 'broken', exitCode: 2 });
        },
      ),
    );
  });
  it('is one of each flow and each frame of it', () => {
    for (let flow = 0; flow < 4; flow += 1)
      for (let sequence = 0; sequence < 4; sequence += 1)
        expect(judgedOf(rich, overheard(flow, sequence)).leaks).toHaveLength(1);
  });
});

describe('the order of records', () => {
  /** All but where a sighting stands in the file, which is the order itself. */
  const reported = (result: Result): unknown => ({
    ...result,
    steps: result.steps.map((step) => ({
      ...step,
      findings: step.findings.map(({ firstSighting: _, ...row }) => row),
      groups: step.groups?.map(({ firstSighting: _, ...group }) => group),
    })),
  });

  it('does not matter to anything that is judged', () => {
    const evidence = changedRun(
      rich,
      overheard(1, 2),
      overheard(1, 2),
      overheard(3, 0),
      receives('c', new Uint8Array(70).fill(9)),
      sends('b', new Uint8Array(12)),
    );
    const expected = reported(judge(evidence));
    expect(expected).toMatchObject({ verdict: 'broken' });
    fc.assert(
      fc.property(fc.shuffledSubarray(evidence.frames, { minLength: evidence.frames.length }), (frames) => {
        expect(reported(judge({ ...evidence, frames: [...frames] }))).toEqual(expected);
      }),
    );
  });
});
