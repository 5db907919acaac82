import { describe, expect, it } from 'vitest';
import type { Result } from '../../../../../src/core/model/result.js';
import type { LinkState } from '../../../../../src/core/model/state.js';
import { type Evidence, judge, perfectRun, scenario, step } from '../../../../support/judge/perfect-run.js';
import { learnedAt } from '../../../../support/link-state.js';

const codes = (result: Result): readonly string[] =>
  result.steps.flatMap(({ reasons }) => reasons.map(({ code }) => code));

describe('what the probes of a step bring about on purpose', () => {
  const [probe] = step().probes;
  if (probe === undefined) throw new Error('the step has no probe');
  const contest = (): Evidence => perfectRun(scenario([step({ probes: [{ ...probe, class: 'stp-root', to: null }] })]));
  /** The states after the probes, changed; the root is the bridge itself unless another is named. */
  const after = (
    evidence: Evidence,
    change: (link: LinkState) => LinkState,
    root: string | null = '8000.2:0:0:0:0:1',
  ): Result => {
    const withRoot = (link: LinkState): LinkState =>
      link.bridge === null || root === null ? link : { ...link, bridge: { ...link.bridge, root_id: root } };
    evidence.states = evidence.states.map((states) => ({
      ...states,
      after: states.after === null ? null : { ...states.after, links: states.after.links.map(withRoot).map(change) },
    }));
    return judge(evidence);
  };
  const bridge =
    (settings: Readonly<Record<string, number>>) =>
    (link: LinkState): LinkState =>
      link.bridge === null ? link : { ...link, bridge: { ...link.bridge, ...settings } };

  it('is no change: timers of a new root, the port that a guard closes', () => {
    expect(after(contest(), bridge({ forward_delay: 200, max_age: 600, hello_time: 100 })).verdict).toBe('holds');
    expect(after(contest(), bridge({ forward_delay: 200, ageing_time: 400, topology_change: 1 })).verdict).toBe(
      'holds',
    );
    expect(
      after(contest(), (link) => (link.name === 'p0' ? { ...link, port: { ...link.port, state: 'disabled' } } : link))
        .verdict,
    ).toBe('holds');
  });

  it('excuses nothing else: another setting, another port', () => {
    expect(codes(after(contest(), bridge({ mcast_snooping: 9 })))).toEqual(['settings-changed']);
    expect(codes(after(contest(), bridge({ forward_delay: 200, ageing_time: 400 })))).toEqual(['settings-changed']);
    expect(codes(after(contest(), bridge({ forward_delay: 200, ageing_time: 401, topology_change: 1 })))).toEqual([
      'settings-changed',
    ]);
    expect(
      codes(
        after(contest(), (link) => (link.name === 'p2' ? { ...link, port: { ...link.port, flood: false } } : link)),
      ),
    ).toEqual(['settings-changed']);
    expect(
      codes(
        after(contest(), (link) =>
          link.name === 'p2' ? { ...link, port: { ...link.port, state: 'blocking' } } : link,
        ),
      ),
    ).toEqual(['not-forwarding']);
  });

  it('a guest that is the root is one, whoever was it before; a root that was not read may be the guest', () => {
    const same = (link: LinkState): LinkState => link;
    const taken = contest();
    taken.states = taken.states.map(({ before }) => ({ before, after: before }));
    expect(after(taken, same, '0000.52:54:0:0:0:1').verdict).toBe('broken');
    expect(codes(after(contest(), same, null))).toEqual(['state-unread']);
  });

  it("a stolen MAC is no change at the thief's port, and is one anywhere else", () => {
    const theft = (port: string): Result => {
      const evidence = perfectRun(
        scenario([step({ probes: [{ ...probe, class: 'mac-steal', to: ['b'], via: ['lan'] }] })]),
      );
      const moved = learnedAt('52:54:00:00:00:02', port);
      evidence.states = evidence.states.map(({ before, after: now }) => ({
        before,
        after: now === null ? null : { ...now, fdb: [moved] },
      }));
      return judge(evidence);
    };
    expect(codes(theft('p0'))).toEqual([]);
    expect(codes(theft('p2'))).toEqual(['mac-moved']);
  });
});
