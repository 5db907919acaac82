import { describe, expect, it } from 'vitest';
import { rootReasons, rootRows } from '../../../../../src/core/judge/rows/root-rows.js';
import { stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { hostState, perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';

const [probe] = step().probes;
if (probe === undefined) throw new Error('the fixture has changed');

describe('the root of a bridge after a guest’s BPDU', () => {
  const { plan, timeline } = perfectRun(scenario([step({ probes: [{ ...probe, class: 'stp-root', to: null }] })]));
  const [contest] = plan.steps;
  const [facts] = stepFacts(plan, timeline);
  if (contest === undefined || facts === undefined) throw new Error('the fixture has changed');
  const after = (root: string | number | null): HostState => ({
    ...hostState(),
    links: hostState().links.map((link) =>
      link.name === 'br0' && root !== null ? { ...link, bridge: { ...link.bridge, root_id: root } } : link,
    ),
  });
  const rows = (root: string | number | null, of = contest) =>
    rootRows(of, facts, { before: null, after: after(root) });
  const unread = (root: string | number | null, of = contest) =>
    rootReasons(of, { before: null, after: after(root) }).map(({ text }) => text);

  it('is a row of the bridge: taken by the guest, or not', () => {
    expect(rows('0000.52:54:0:0:0:1')).toEqual([
      expect.objectContaining({
        class: 'stp-root',
        variant: 'root',
        from: 'a',
        to: null,
        observer: 'br0',
        seen: 1,
        allowed: 'no',
        leak: true,
        firstSighting: null,
        upperBound95: null,
      }),
    ]);
    expect(rows('8000.2:76:69:FE:0:1')).toEqual([expect.objectContaining({ seen: 0, leak: false })]);
    expect(unread('8000.2:0:0:0:0:1')).toEqual([]);
  });
  it('that was not read may be the guest, and is told once a bridge', () => {
    for (const root of [null, 7]) expect([rows(root), unread(root)]).toEqual([[], ['the root of br0 was not read']]);
    expect(unread(null, { ...contest, flows: [...contest.flows, ...contest.flows] })).toEqual([
      'the root of br0 was not read',
    ]);
    expect(rootReasons(contest, { before: null, after: null })).toHaveLength(1);
  });
  it('is not asked where no judged BPDU was sent, or nobody observes who sent it', () => {
    const { provokes: _, ...calm } = contest;
    for (const of of [
      calm,
      { ...contest, flows: contest.flows.map((flow) => ({ ...flow, judged: false })) },
      { ...contest, flows: contest.flows.map((flow) => ({ ...flow, class: 'broadcast' as const })) },
      { ...contest, observers: contest.observers.filter(({ name }) => name !== 'a') },
    ]) {
      expect([rows('0000.52:54:0:0:0:1', of), unread(null, of)]).toEqual([[], []]);
    }
  });
});
