import { expect, it } from 'vitest';
import type { PlannedClaim } from '../../../../src/core/model/plan.js';
import type { Scenario } from '../../../../src/core/model/scenario.js';
import {
  judgedRun,
  type Change,
  changedRun,
  finds,
  receives,
  judgedOf,
  probe,
  probeFrame,
  records,
} from '../../../support/judge/judged.js';
import { type Evidence, hostState, scenario, step } from '../../../support/judge/perfect-run.js';
import { there } from '../../../support/there.js';

const guests = 25;
const names = Array.from({ length: guests }, (_, at) => `g${at}`);
const pairs = guests * (guests - 1);

type Claim = Omit<PlannedClaim, 'probe'>;
const { links } = hostState();
const state = {
  ...hostState(),
  links: [there(links[0]), ...names.map((_, at) => ({ ...there(links[1]), name: `p${at}`, ifindex: at + 2 }))],
};

/** Every guest sends two frames to every other, and only that one gets them. */
function mesh(seen: readonly Claim[] = []): Scenario {
  const { topology, ...base } = scenario([
    step({
      probes: [{ ...probe, from: names, to: names, count: 2 }],
      expect: { ...step().expect, seen },
    }),
  ]);
  const endpoints = names.map((name, at) => ({
    ...there(topology.endpoints[0]),
    name,
    port: `p${at}`,
    macs: [`02:00:00:00:01:${at.toString(16).padStart(2, '0')}`],
  }));
  return { ...base, topology: { ...topology, endpoints } };
}
const judgedMesh = (...changes: readonly Change[]) => judgedOf(mesh(), finds(state), ...changes);

/** The first frame of g1 to g2. */
function firstFrame(evidence: Evidence) {
  const flows = evidence.plan.steps[0]?.flows.filter(({ from, to }) => from === 'g1' && to === 'g2');
  return probeFrame(evidence, 0, there(flows?.[0]));
}

it('a mesh that holds is told in one row for what each observer had to see and one for what it must not', () => {
  const { codes, verdict, findings } = judgedMesh();
  expect([codes, verdict]).toEqual([[], 'holds']);
  expect(findings).toHaveLength(2 * guests);
  expect(findings.filter(({ allowed }) => allowed === 'must')).toEqual(
    names.map((name) =>
      expect.objectContaining({
        observer: name,
        grouped: guests - 1,
        sent: 2 * (guests - 1),
        seen: 2 * (guests - 1),
        leak: false,
      }),
    ),
  );
  const zeros = (guests - 1) * (guests - 2);
  const bound = 1 - 0.05 ** (1 / (2 * zeros));
  for (const row of findings.filter(({ allowed }) => allowed === 'no')) {
    expect(row).toMatchObject({ grouped: zeros, sent: 2 * zeros, seen: 0, leak: false, from: '*', to: '*' });
    expect(row.upperBound95).toBeGreaterThanOrEqual(bound);
    expect(row.upperBound95).toBeLessThan(bound * 1.01);
  }
});

it('one leak among all zeros of a mesh has a row of its own, and the rest stays grouped', () => {
  const evidence = changedRun(mesh(), finds(state), receives('g3', firstFrame));
  const { verdict, exitCode, leaks, findings } = judgedRun(evidence);
  expect([verdict, exitCode]).toEqual(['broken', 2]);
  expect(leaks).toEqual([
    expect.objectContaining({
      from: 'g1',
      to: 'g2',
      observer: 'g3',
      seen: 1,
      sent: 2,
      firstSighting: expect.objectContaining({ frame: evidence.frames.length }),
    }),
  ]);
  expect(leaks[0]).not.toHaveProperty('grouped');
  const rows = findings.reduce((sum, row) => sum + (row.grouped ?? 1), 0);
  expect(rows).toBe(pairs * (guests - 1));
});

it('a frame of a mesh that its addressee missed has a row of its own and is short of proof', () => {
  const { verdict, codes, findings } = judgedMesh((evidence) => {
    const first = firstFrame(evidence);
    const missed = evidence.frames.findIndex(
      ({ observer, outgoing, bytes }) => observer === 'g2' && outgoing && Buffer.compare(bytes, first) === 0,
    );
    evidence.frames.splice(missed, 1);
  });
  expect(verdict).toBe('inconclusive');
  expect(codes).toContain('delivery-short');
  expect(findings.filter(({ grouped }) => grouped === undefined)).toEqual([
    expect.objectContaining({ from: 'g1', to: 'g2', observer: 'g2', sent: 2, seen: 1, allowed: 'must' }),
  ]);
});

it('a sender of a mesh that the kernel cut short is told', () => {
  const cut = records('sent', ({ flow, accepted }) => ({ accepted: flow === 5 ? 1 : accepted }));
  expect(judgedMesh(cut).reasons).toContain('probes-not-sent g0');
});

it('claims hold for grouped rows as they would for each', () => {
  const exit = (over: Partial<Claim>) => {
    const claim: Claim = { observer: 'g3', from: null, to: null, carrier: null, seen: 'none', ...over };
    return judgedOf(mesh([claim]), finds(state)).exitCode;
  };
  expect(exit({ from: 'g1', to: 'g2' })).toBe(0);
  expect(exit({ from: 'g1', to: 'g3', seen: 'all' })).toBe(0);
  expect(exit({ from: 'g1', to: 'g3', seen: 2 })).toBe(0);
  expect(exit({ from: 'g1', to: 'g2', seen: 'some' })).toBe(4);
  expect(exit({ seen: 'some' })).toBe(4);
});
