import { describe, expect, it } from 'vitest';
import {
  addBatch,
  continueJudging,
  finishJudging,
  type JudgeInput,
  startJudging,
} from '../../../../src/core/judge/judge.js';
import type { Result } from '../../../../src/core/model/result.js';
import { type Change, changedRun, counts, lacks } from '../../../support/judge/judged.js';
import { batchOf, type Evidence, judge, numbered, perfectRun } from '../../../support/judge/perfect-run.js';

const capture = { sha256: 'f'.repeat(64), files: [] };

/** All that the run of `evidence` has left, but the capture. */
function inputOf({ plan, run, timeline, states, frames }: Evidence): JudgeInput {
  const capture = { sha256: 'f'.repeat(64), packets: frames.length };
  return {
    plan,
    run: { ...run, capture, timeline: { entries: timeline.length } },
    timeline: numbered(timeline),
    states,
  };
}

/** Judges evidence as while the run goes on: counting begins when the probes do. null = it is to be begun anew. */
function judgeAlong(evidence: Evidence, over: Partial<JudgeInput> = {}): Result | null {
  const { plan, timeline, run } = evidence;
  const judging = startJudging({
    plan,
    run: { key: run.key, tool: run.tool },
    timeline: timeline.slice(0, timeline.findIndex(({ event }) => event === 'probing') + 1),
  });
  addBatch(judging, batchOf(evidence));
  const continued = continueJudging(judging, { ...inputOf(evidence), ...over });
  return continued === null ? null : finishJudging(continued, capture);
}

describe('a judgement that begins while the run goes on', () => {
  it.each<[string, string, readonly Change[]]>([
    ['comes to the same result', 'holds', []],
    ['sees what a run does not have that ended early', 'inconclusive', [lacks('drained'), lacks('step-ended')]],
  ])('%s', (_, verdict, changes) => {
    const evidence = changedRun(undefined, ...changes);
    expect(judgeAlong(evidence)).toEqual(judge(evidence));
    expect(judgeAlong(evidence)?.verdict).toBe(verdict);
  });
  it('is begun anew where frames were dropped, since then it matters who sent what', () => {
    const dropped = counts('b', { received: 9, dropped: 1, delivered: 8 });
    expect(judgeAlong(changedRun(undefined, dropped))).toBeNull();
  });
  it('is begun anew where it was not known that directions are a guess', () => {
    const evidence = perfectRun();
    const [heard] = evidence.timeline.filter(({ event }) => event === 'listening');
    const facts = { engine: 'cap', timestamps: 'user', originalLength: true, direction: 'inferred' } as const;
    if (heard?.event === 'listening') evidence.timeline.push({ ...heard, facts });
    expect(judgeAlong(evidence)).toBeNull();
  });
  it('is begun anew with another plan or key, or where frames were discarded', () => {
    const evidence = perfectRun();
    expect(judgeAlong(evidence, { plan: { ...evidence.plan } })).toBeNull();
    expect(judgeAlong(evidence, { run: { ...evidence.run, key: '11'.repeat(32) } })).toBeNull();
    expect(judgeAlong(evidence, { discarded: { lines: [], sha256: null } })).toBeNull();
  });
});
