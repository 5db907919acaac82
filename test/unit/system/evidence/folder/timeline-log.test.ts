import { describe, expect, it } from 'vitest';
import type { TimelineEntry, TimelineEvent } from '../../../../../src/core/model/timeline.js';
import { clockOffsets } from '../../../../../src/system/evidence/folder/timeline-log.js';
import { type Evidence, judge, perfectRun } from '../../../../support/judge/perfect-run.js';

/** A perfect run in which hv2's clock was estimated twice, in ms ahead and give or take. */
function withClocks(first: readonly [number, number], last: readonly [number, number]): Evidence {
  const evidence = perfectRun();
  const clock = ([offset, bound]: readonly [number, number]): TimelineEntry => ({
    ...(evidence.timeline[0] as TimelineEntry),
    ...({
      event: 'clock',
      host: 'hv2',
      file: '1-2.pcapng',
      offsetNs: String(Math.round(offset * 1e6)),
      boundNs: String(Math.round(bound * 1e6)),
    } satisfies TimelineEvent),
  });
  evidence.timeline = [clock(first), ...evidence.timeline, clock(last)];
  return evidence;
}
const reported = (evidence: Evidence): readonly string[] =>
  judge(evidence).steps.flatMap(({ reasons }) => reasons.map(({ code, text }) => `${code}: ${text}`));

describe('the clock of another host', () => {
  it('decides nothing, however far ahead or behind', () => {
    for (const offset of [0, 86_400_000, -86_400_000])
      expect(reported(withClocks([offset, 1], [offset + 3, 1]))).toEqual([]);
  });

  it('is not sure where somebody set it, beyond what the estimates leave open', () => {
    expect(reported(withClocks([10, 1], [2010, 1]))).toEqual([
      'clock-changed: the wall clock of hv2 was set by 1998 ms',
    ]);
    expect(reported(withClocks([10, 1000], [2010, 1000]))).toEqual([]); // a slow way there explains it
  });

  it('is taken off by its first estimate; what is no number takes nothing off', () => {
    expect(clockOffsets(withClocks([5, 1], [7, 1]).timeline)).toEqual(new Map([['1-2.pcapng', 5_000_000n]]));
    const evil = withClocks([5, 1], [7, 1]).timeline.map((entry) =>
      entry.event === 'clock' ? { ...entry, offsetNs: '1e9' } : entry,
    );
    expect(clockOffsets(evil)).toEqual(new Map());
    expect(reported({ ...withClocks([5, 1], [7, 1]), timeline: evil })).toEqual([]);
  });
});
