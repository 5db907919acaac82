import { describe, expect, it } from 'vitest';
import type { Endpoint, Step } from '../../../../src/core/model/scenario.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { scenario, step } from '../../../support/judge/perfect-run.js';

const { endpoints } = scenario([]).topology;

describe('a step on a host that claims that nobody overhears anything', () => {
  const plan = (endpointsOf: readonly Endpoint[], over: Partial<Step> = {}): (() => unknown) => {
    const probes = step().probes.map((probe) => ({ ...probe, from: ['a'], to: ['b'] }));
    const written = scenario([step({ probes, ...over })]);
    const topology = { ...written.topology, provider: 'host', endpoints: endpointsOf } as const;
    return () => makePlan({ ...written, topology }, { runTag: 7, keySha256: '00' });
  };
  const [a, b, c] = endpoints;
  if (a === undefined || b === undefined || c === undefined) throw new Error('the fixture has changed');
  const refusal = /can only hold: each observer is the sender, an addressee/;

  it('is refused where nobody could', () => {
    expect(plan([a, b, c])).not.toThrow();
    expect(plan([a, b])).toThrow(refusal);
    expect(plan([a, b, { ...c, tunnel: { vni: null, to: [] } }])).toThrow(refusal);
    expect(plan([{ ...a, owner: 'o' }, b, { ...c, owner: 'o' }])).toThrow(refusal);
    expect(plan([{ ...a, owner: 'o' }, b, { ...c, owner: 'p' }])).not.toThrow();
  });

  it('is refused with status 69, its place and what to do', () => {
    expect(plan([a, b])).toThrow(
      expect.objectContaining({
        exitCode: 69,
        code: 'nothing-to-hear',
        message: expect.stringMatching(/:\d+: step ".*" can only hold/) as string,
        hint: expect.stringContaining('start or list a guest') as string,
      }) as Error,
    );
  });

  it('is planned where it claims nothing', () => {
    const expectation = step().expect;
    expect(plan([a, b], { expect: { ...expectation, expected: null } })).not.toThrow();
  });
});
