import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';

const codes = (result: Result): readonly string[] =>
  result.steps.flatMap(({ reasons }) => reasons.map(({ code }) => code));

function probeFrame(evidence: Evidence, sequence: number): Uint8Array {
  const flow = evidence.plan.steps[0]?.flows.at(0);
  if (flow === undefined) throw new Error('the plan has no flow');
  return buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first + sequence, 1));
}

describe('what a forger can do', () => {
  it('a token with a wrong tag decides nothing', () => {
    const evidence = perfectRun();
    const bytes = probeFrame(evidence, 0).slice();
    const last = bytes.indexOf(0x56, 14) + 17;
    bytes[last] = (bytes[last] ?? 0) ^ 1;
    addFrames(evidence, { observer: 'c', outgoing: true, bytes });
    expect(judge(evidence)).toMatchObject({ verdict: 'holds' });
  });

  it('a token that a guest sends again is inconclusive, and no leak', () => {
    const evidence = perfectRun();
    const bytes = probeFrame(evidence, 0);
    addFrames(evidence, { observer: 'b', outgoing: false, bytes }, { observer: 'c', outgoing: true, bytes });
    const result = judge(evidence);
    expect(result.verdict).toBe('inconclusive');
    expect(codes(result)).toContain('replayed');
  });

  it('a token that a guest sends again is no doubt at who may overhear all that is probed, for somebody answers for it', () => {
    const accepted = (probeClass: string, until: string | null): Result => {
      const accept = [{ observer: 'c', class: probeClass, reason: 'IDS', owner: 'ops', ticket: null, until }];
      const evidence = perfectRun(scenario([step({ accept })]));
      const bytes = probeFrame(evidence, 0);
      addFrames(evidence, { observer: 'b', outgoing: false, bytes }, { observer: 'c', outgoing: true, bytes });
      return judge(evidence);
    };
    expect(accepted('known-unicast', null).verdict).toBe('holds');
    expect(codes(accepted('known-unicast', '2001-01-01'))).toContain('replayed');
    expect(codes(accepted('broadcast', null))).toContain('replayed');
  });

  it('its own token, sent again by the sender, is inconclusive, and no leak', () => {
    const evidence = perfectRun();
    const bytes = probeFrame(evidence, 0);
    addFrames(evidence, { observer: 'a', outgoing: false, bytes }, { observer: 'c', outgoing: true, bytes });
    const result = judge(evidence);
    expect(result.verdict).toBe('inconclusive');
    expect(codes(result)).toContain('replayed');
  });

  it('a leak that was seen before a guest sent it again stays a leak', () => {
    const evidence = perfectRun();
    const bytes = probeFrame(evidence, 0);
    addFrames(evidence, { observer: 'c', outgoing: true, bytes }, { observer: 'c', outgoing: false, bytes });
    expect(judge(evidence).verdict).toBe('broken');
  });

  it('a token of an earlier step, sent again in a later one, is no leak of either', () => {
    const evidence = perfectRun(scenario([step(), step({ name: 'two' })]));
    const bytes = probeFrame(evidence, 0);
    addFrames(
      evidence,
      { observer: 'a', outgoing: false, bytes, step: 1 },
      { observer: 'c', outgoing: true, bytes, step: 1 },
    );
    const result = judge(evidence);
    expect(result.steps.flatMap(({ findings }) => findings).filter(({ leak }) => leak)).toEqual([]);
    expect(result.verdict).toBe('inconclusive');
  });

  it('a delivery that a guest may have made by sending the token again proves nothing where its port is deaf to it', () => {
    const [probe] = step().probes;
    if (probe === undefined) throw new Error('the step has no probe');
    const evidence = perfectRun(
      scenario([step({ probes: [{ ...probe, to: ['lan'], maySee: ['b', 'lan'], mustSee: ['b', 'lan'] }] })]),
    );
    expect(judge(evidence).verdict).toBe('holds');
    // lan got the probes from b, which may have them; nobody heard b say them, for the ear at its port hears one
    // direction only.
    evidence.frames = evidence.frames.filter(({ observer, outgoing }) => observer !== 'b' || outgoing);
    const heard = evidence.frames.filter(({ observer }) => observer === 'b').length;
    evidence.timeline = evidence.timeline.map((entry) =>
      entry.event !== 'stopped'
        ? entry
        : {
            ...entry,
            written: { ...entry.written, b: heard },
            counters: { ...entry.counters, b: { received: heard, dropped: 0, delivered: heard } },
          },
    );
    const result = judge(evidence);
    expect({ verdict: result.verdict, codes: codes(result) }).toEqual({
      verdict: 'inconclusive',
      codes: ['control-missing'],
    });
  });

  it('a delivery that a guest may have made proves nothing where no control can show that its port hears it', () => {
    const evidence = perfectRun();
    expect(judge(evidence).verdict).toBe('holds');
    evidence.plan = {
      ...evidence.plan,
      steps: evidence.plan.steps.map((step) => ({ ...step, inwardUnproved: ['c'] })),
    };
    const result = judge(evidence);
    expect({
      verdict: result.verdict,
      reasons: result.steps.flatMap(({ reasons }) => reasons.map(({ code, observer }) => `${code} ${observer ?? ''}`)),
    }).toEqual({ verdict: 'inconclusive', reasons: ['control-missing c'] });
  });

  it("a token of another run is nobody's", () => {
    const evidence = perfectRun();
    const bytes = probeFrame(evidence, 0).slice();
    bytes.set([0xde, 0xad, 0xbe, 0xef], bytes.indexOf(0x56, 14) + 2);
    addFrames(evidence, { observer: 'c', outgoing: true, bytes });
    expect(judge(evidence).verdict).toBe('holds');
  });

  it('a token that the uplink sends back is a leak', () => {
    const evidence = perfectRun();
    const bytes = probeFrame(evidence, 0);
    addFrames(evidence, { observer: 'lan', outgoing: false, bytes }, { observer: 'c', outgoing: true, bytes });
    expect(judge(evidence).verdict).toBe('broken');
  });
});
