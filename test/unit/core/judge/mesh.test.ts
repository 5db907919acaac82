import { expect, it } from 'vitest';
import type { PlannedClaim } from '../../../../src/core/model/plan.js';
import type { Result } from '../../../../src/core/model/result.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../src/core/wire/token.js';
import {
  addFrames,
  type Evidence,
  hostState,
  judge,
  key,
  perfectRun,
  scenario,
  step,
} from '../../../support/judge/perfect-run.js';

const guests = 25;
const names = Array.from({ length: guests }, (_, at) => `g${at}`);
const pairs = guests * (guests - 1);

/** Every guest sends two frames to every other, and only that one gets them. */
function mesh(seen: readonly Omit<PlannedClaim, 'probe'>[] = []): Evidence {
  const base = scenario([step({ expect: { expected: 'holds', maySee: null, mustSee: null, seen, observers: null } })]);
  const [endpoint] = base.topology.endpoints;
  const [firstStep] = base.steps;
  const [entry] = firstStep?.probes ?? [];
  const state = hostState();
  const [bridge, port] = state.links;
  if (
    endpoint === undefined ||
    firstStep === undefined ||
    entry === undefined ||
    bridge === undefined ||
    port === undefined
  )
    throw new Error('the fixture has changed');
  const endpoints = names.map((name, at) => ({
    ...endpoint,
    name,
    port: `p${at}`,
    macs: [`02:00:00:00:01:${at.toString(16).padStart(2, '0')}`],
  }));
  const evidence = perfectRun({
    ...base,
    topology: { ...base.topology, endpoints },
    steps: [{ ...firstStep, probes: [{ ...entry, from: names, to: names, count: 2 }] }],
  });
  const links = [bridge, ...names.map((_, at) => ({ ...port, name: `p${at}`, ifindex: at + 2 }))];
  return { ...evidence, states: [{ before: { ...state, links }, after: { ...state, links } }] };
}

function findings(result: Result): Result['steps'][number]['findings'] {
  return result.steps[0]?.findings ?? [];
}

/** The first frame of g1 to g2, as g3 would overhear it. */
function overheard(evidence: Evidence): {
  readonly observer: string;
  readonly outgoing: boolean;
  readonly bytes: Uint8Array;
} {
  const flow = evidence.plan.steps[0]?.flows.filter(({ from, to }) => from === 'g1' && to === 'g2')[0];
  if (flow === undefined) throw new Error('the mesh lacks a pair');
  return {
    observer: 'g3',
    outgoing: true,
    bytes: buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first, 1)),
  };
}

it('a mesh that holds is told in one row for what each observer had to see and one for what it must not', () => {
  const result = judge(mesh());
  expect(result.steps[0]?.reasons).toEqual([]);
  expect(result.verdict).toBe('holds');
  expect(findings(result)).toHaveLength(2 * guests);
  expect(findings(result).filter(({ allowed }) => allowed === 'must')).toEqual(
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
  for (const row of findings(result).filter(({ allowed }) => allowed === 'no')) {
    expect(row).toMatchObject({ grouped: zeros, sent: 2 * zeros, seen: 0, leak: false, from: '*', to: '*' });
    expect(row.upperBound95).toBeGreaterThanOrEqual(bound);
    expect(row.upperBound95).toBeLessThan(bound * 1.01);
  }
});

it('one leak among all zeros of a mesh has a row of its own, and the rest stays grouped', () => {
  const evidence = mesh();
  addFrames(evidence, overheard(evidence));
  const result = judge(evidence);
  expect(result).toMatchObject({ verdict: 'broken', exitCode: 2 });
  const leaks = findings(result).filter(({ leak }) => leak);
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
  const rows = findings(result).reduce((sum, row) => sum + (row.grouped ?? 1), 0);
  expect(rows).toBe(pairs * (guests - 1));
});

it('a frame of a mesh that its addressee missed has a row of its own and is short of proof', () => {
  const evidence = mesh();
  const missed = evidence.frames.findIndex(
    ({ observer, outgoing, bytes }) =>
      observer === 'g2' && outgoing && Buffer.compare(bytes, overheard(evidence).bytes) === 0,
  );
  evidence.frames.splice(missed, 1);
  const result = judge(evidence);
  expect(result.verdict).toBe('inconclusive');
  expect(result.steps[0]?.reasons.map(({ code }) => code)).toContain('delivery-short');
  expect(findings(result).filter(({ grouped }) => grouped === undefined)).toEqual([
    expect.objectContaining({ from: 'g1', to: 'g2', observer: 'g2', sent: 2, seen: 1, allowed: 'must' }),
  ]);
});

it('a sender of a mesh that the kernel cut short is told', () => {
  const evidence = mesh();
  evidence.timeline = evidence.timeline.map((entry) =>
    entry.event === 'sent' && entry.flow === 5 ? { ...entry, accepted: 1 } : entry,
  );
  expect(judge(evidence).steps[0]?.reasons.map(({ code, observer }) => `${code} ${observer}`)).toContain(
    'probes-not-sent g0',
  );
});

it('claims hold for grouped rows as they would for each', () => {
  const claim = (over: Partial<PlannedClaim>): Omit<PlannedClaim, 'probe'> => ({
    observer: 'g3',
    from: null,
    to: null,
    carrier: null,
    seen: 'none',
    ...over,
  });
  const exit = (...claims: readonly Omit<PlannedClaim, 'probe'>[]): number => judge(mesh(claims)).exitCode;
  expect(exit(claim({ from: 'g1', to: 'g2' }))).toBe(0);
  expect(exit(claim({ from: 'g1', to: 'g3', seen: 'all' }))).toBe(0);
  expect(exit(claim({ from: 'g1', to: 'g3', seen: 2 }))).toBe(0);
  expect(exit(claim({ from: 'g1', to: 'g2', seen: 'some' }))).toBe(4);
  expect(exit(claim({ seen: 'some' }))).toBe(4);
});
