import { describe, expect, it } from 'vitest';
import { rootReasons, rootRows } from '../../../../../src/core/judge/rows/root-rows.js';
import { stepFacts } from '../../../../../src/core/judge/proof/step-facts.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { probing } from '../../../../support/judge/judged.js';
import { hostState, perfectRun } from '../../../../support/judge/perfect-run.js';
import { changedState, setBridges } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

describe('the root of a bridge after a guest’s BPDU', () => {
  const { plan, timeline } = perfectRun(probing({ class: 'stp-root', to: null }));
  const contest = there(plan.steps[0]);
  const facts = there(stepFacts(plan, timeline)[0]);
  const after = (root: string | number | null): HostState =>
    changedState(hostState(), setBridges(root === null ? {} : { root_id: root }));
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
