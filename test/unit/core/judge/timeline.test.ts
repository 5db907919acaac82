import { describe, expect, it } from 'vitest';
import { addBatch, finishJudging, startJudging } from '../../../../src/core/judge/judge.js';
import type { Result } from '../../../../src/core/model/result.js';
import type { TimelineEntry } from '../../../../src/core/model/timeline.js';
import { batchOf, numbered, perfectRun } from '../../../support/judge/perfect-run.js';

const evidence = perfectRun();
const whole = numbered(evidence.timeline);

/** What the run comes to with this timeline, of which run.json says that it had `entries` lines. */
function judged(timeline: readonly TimelineEntry[], entries: number | null = whole.length): Result {
  const { plan, states, frames, run } = evidence;
  const sha256 = 'f'.repeat(64);
  const judging = startJudging({
    plan,
    run: {
      ...run,
      ...(entries === null ? {} : { timeline: { entries } }),
      capture: { sha256, packets: frames.length },
    },
    timeline,
    states,
  });
  addBatch(judging, batchOf(evidence));
  return finishJudging(judging, { sha256, files: [] });
}

describe('the timeline of a run', () => {
  it('carries a holds while it is whole', () => {
    expect(judged(whole).verdict).toBe('holds');
  });
  it.each(whole.map((entry, at) => [at, entry.event] as const))('holds nothing without line %i, %s', (at) => {
    const { verdict, steps } = judged(whole.filter((_, line) => line !== at));
    expect(verdict).toBe('inconclusive');
    expect(steps.flatMap(({ reasons }) => reasons)).toContainEqual(
      expect.objectContaining({ code: 'evidence-incomplete', text: expect.stringMatching(/^timeline\.ndjson/) }),
    );
  });
  it('holds nothing where lines are swapped, doubled, numbered anew, or not counted', () => {
    const [first, second, rest] = [whole.slice(0, 1), whole.slice(1, 2), whole.slice(2)];
    expect([
      judged([...second, ...first, ...rest]).verdict,
      judged([...first, ...first, ...second, ...rest]).verdict,
      judged(numbered(whole.slice(0, -1))).verdict,
      judged(evidence.timeline).verdict,
      judged(whole, null).verdict,
    ]).toEqual(Array.from({ length: 5 }, () => 'inconclusive'));
  });
});
