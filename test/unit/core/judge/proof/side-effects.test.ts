import { describe, expect, it } from 'vitest';
import { finds, judgedOf, probing } from '../../../../support/judge/judged.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { changedState, learnedAt, setBridges, setPorts, type StateChange } from '../../../../support/link-state.js';

describe('what the probes of a step bring about on purpose', () => {
  const contest = probing({ class: 'stp-root', to: null });
  const root = (id: string): StateChange => setBridges({ root_id: id });
  const own = root('8000.2:0:0:0:0:1');
  /** After the probes the state is another; the root is the bridge itself. */
  const after = (...changes: readonly StateChange[]) =>
    judgedOf(contest, finds(hostState(), changedState(hostState(), own, ...changes)));

  it('is no change: timers of a new root, the port that a guard closes', () => {
    for (const change of [
      setBridges({ forward_delay: 200, max_age: 600, hello_time: 100 }),
      setBridges({ forward_delay: 200, ageing_time: 400, topology_change: 1 }),
      setPorts({ state: 'disabled' }, 'p0'),
    ])
      expect(after(change).verdict).toBe('holds');
  });

  it.each([
    [setBridges({ mcast_snooping: 9 }), 'settings-changed'],
    [setBridges({ forward_delay: 200, ageing_time: 400 }), 'settings-changed'],
    [setBridges({ forward_delay: 200, ageing_time: 401, topology_change: 1 }), 'settings-changed'],
    [setPorts({ flood: false }, 'p2'), 'settings-changed'],
    [setPorts({ state: 'blocking' }, 'p2'), 'not-forwarding'],
  ])('excuses nothing else: another setting, another port: case %#', (change, code) =>
    expect(after(change).codes).toEqual([code]),
  );

  it('a guest that is the root is one, whoever was it before; a root that was not read may be the guest', () => {
    const taken = changedState(hostState(), root('0000.52:54:0:0:0:1'));
    expect(judgedOf(contest, finds(hostState(), taken)).verdict).toBe('broken');
    expect(judgedOf(contest, finds(hostState())).codes).toEqual(['state-unread']);
  });

  it("a stolen MAC is no change at the thief's port, and is one anywhere else", () => {
    const theft = (port: string) =>
      judgedOf(
        probing({ class: 'mac-steal', to: ['b'], via: ['lan'] }),
        finds(hostState(), { ...hostState(), fdb: [learnedAt('52:54:00:00:00:02', port)] }),
      ).codes;
    expect(theft('p0')).toEqual([]);
    expect(theft('p2')).toEqual(['mac-moved']);
  });
});
