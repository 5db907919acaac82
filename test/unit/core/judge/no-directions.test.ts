import { describe, expect, it } from 'vitest';
import { flowOf, receives, judged, probeFrame, records } from '../../../support/judge/judged.js';

const inferred = records('listening', () => ({
  facts: { engine: 'cap', timestamps: 'user', originalLength: false, direction: 'inferred' },
}));

describe('an engine that knows no directions', () => {
  it('says so in every row, and may hold', () => {
    const { verdict, findings } = judged(inferred);
    expect(verdict).toBe('holds');
    expect(new Set(findings.map(({ direction }) => direction))).toEqual(new Set(['inferred']));
  });
  it('that sees a token twice cannot tell who sent it again', () =>
    expect(judged(inferred, receives('b')).reasons).toEqual(['replay-possible b']));
  it('that sees a frame and an answer that quotes it takes the answer for none that was sent again', () => {
    const answer = receives('b', (evidence) => {
      const flow = flowOf(evidence);
      const { srcMac, dstMac } = flow.frame;
      return probeFrame(evidence, 0, flow, { srcMac: dstMac, dstMac: srcMac });
    });
    expect(judged(inferred, answer).reasons).toEqual([]);
  });
});
