import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../src/core/model/result.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import { addFrames, judge, key, perfectRun, scenario, step } from '../../../support/judge/perfect-run.js';

describe('a sender behind the bridge device of a host, to whom no entry control is sent', () => {
  /** As it looks when the first `left` of its 20 probes left through the device, and none of those to others. */
  function leaving(left: number, others: readonly string[] = []): Result {
    const of = scenario([
      step({
        probes: [['b'], ...others.map((name) => [name])].flatMap((to) =>
          step().probes.map((probe) => ({ ...probe, from: ['vm'], to })),
        ),
      }),
    ]);
    const [a] = of.topology.endpoints;
    if (a === undefined) throw new Error('the scenario has no endpoint');
    const evidence = perfectRun({
      ...of,
      partialScope: 'vm has no interface',
      topology: {
        ...of.topology,
        provider: 'host',
        endpoints: [
          ...of.topology.endpoints,
          { ...a, name: 'vm', port: null, attach: 'promiscuous', macs: ['00:0c:29:00:00:01'] },
        ],
      },
    });
    evidence.frames = evidence.frames.filter(({ observer }) => observer !== 'vm');
    const flow = evidence.plan.steps[0]?.flows.at(0);
    if (flow === undefined) throw new Error('the plan has no flow');
    for (let sequence = 0; sequence < left; sequence += 1)
      addFrames(evidence, {
        observer: 'br0',
        outgoing: true,
        bytes: buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first + sequence, 1)),
      });
    return judge(evidence);
  }

  it('has entered where every probe left through it', () => {
    expect(leaving(20)).toMatchObject({ verdict: 'holds', steps: [{ reasons: [], entry: { sent: 0, seen: 0 } }] });
  });
  it('has not where all to one addressee did, and none to the other', () => {
    expect(leaving(20, ['c']).steps.flatMap(({ reasons }) => reasons.map(({ code }) => code))).toEqual([
      'entry-unproved',
    ]);
  });
  it('has not where one did not, whatever its addressee got', () => {
    expect(leaving(19).steps.flatMap(({ reasons }) => reasons.map(({ code }) => code))).toEqual(['entry-unproved']);
  });
});
