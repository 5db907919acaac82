import { describe, expect, it } from 'vitest';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import { addFrames, type Evidence, judge, key, perfectRun } from '../../../support/judge/perfect-run.js';

const codes = (evidence: Evidence): readonly string[] =>
  judge(evidence).steps.flatMap(({ reasons }) => reasons.map(({ code, observer }) => `${code} ${observer ?? '-'}`));

describe('an engine that knows no directions', () => {
  const inferred = (): Evidence => {
    const evidence = perfectRun();
    evidence.timeline = evidence.timeline.map((entry) =>
      entry.event === 'listening'
        ? { ...entry, facts: { engine: 'cap', timestamps: 'user', originalLength: false, direction: 'inferred' } }
        : entry,
    );
    return evidence;
  };
  it('says so in every row, and may hold', () => {
    const result = judge(inferred());
    expect(result.verdict).toBe('holds');
    expect(new Set(result.steps[0]?.findings.map(({ direction }) => direction))).toEqual(new Set(['inferred']));
  });
  it('that sees a token twice cannot tell who sent it again', () => {
    const evidence = inferred();
    const flow = evidence.plan.steps[0]?.flows.at(0);
    if (flow === undefined) throw new Error('no flow');
    addFrames(evidence, {
      observer: 'b',
      outgoing: true,
      bytes: buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first, 1)),
    });
    expect(codes(evidence)).toEqual(['replay-possible b']);
  });
  it('that sees a frame and an answer that quotes it takes the answer for none that was sent again', () => {
    const evidence = inferred();
    const flow = evidence.plan.steps[0]?.flows.at(0);
    if (flow === undefined) throw new Error('no flow');
    const { srcMac, dstMac } = flow.frame;
    const answer = { ...flow.frame, srcMac: dstMac, dstMac: srcMac };
    addFrames(evidence, {
      observer: 'b',
      outgoing: true,
      bytes: buildFrame(answer, tokensFor(key, evidence.plan.runTag, flow.first, 1)),
    });
    expect(codes(evidence)).toEqual([]);
  });
});
