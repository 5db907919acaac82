import { expect, it } from 'vitest';
import type { GuestRecord } from '../../../../../src/core/model/host-config.js';
import { composed } from '../../../../support/discover/composed.js';
import { learnedAt, stateWith, upLink } from '../../../../support/link-state.js';

it('a guest that a rule is asked about speaks first if the bridge does not know it', () => {
  const macOf = (n: number): string => `52:54:00:00:00:0${n}`;
  const ports = [1, 2].map((n) =>
    upLink(`v${n}`, { mac: '02:00:00:00:00:ff', master: 'br0', promiscuity: 1, kind: 'veth', port: { flood: true } }),
  );
  const mirror = {
    kind: 'matchall',
    options: { actions: [{ kind: 'mirred', mirred_action: 'mirror', direction: 'egress', to_dev: 'v1' }] },
  };
  const learnIn = (silent: readonly number[]): readonly unknown[] => {
    const state = stateWith(
      [upLink('br0', { master: null, kind: 'bridge', bridge: { ageing_time: 30000 }, port: null }), ...ports],
      {
        fdb: [1, 2]
          .filter((n) => !silent.includes(n))
          .map((n) => learnedAt(macOf(n), `v${n}`, { master: 'br0', state: 'dynamic' })),
        tc: { filters: { 'v2 egress': [{ protocol: 'all', pref: 1, ...mirror }] } },
      },
    );
    const guests = [1, 2].map(
      (n): GuestRecord => ({
        ...{ manager: 'libvirt', name: `g${n}`, port: `v${n}`, mac: macOf(n), ips: [], zone: null },
      }),
    );
    const { steps } = composed({ state, inventory: { guests, unread: [] } }).scenario;
    return steps.flatMap(({ name, learn }) => (name.startsWith('rules') ? [learn] : []));
  };
  expect([learnIn([]), learnIn([1, 2])]).toEqual([[[]], [['g2']]]);
});

it('the scenario of a whole host says that it asks no rules where none are to be asked', () => {
  const ports = [1, 2].map((n) =>
    upLink(`v${n}`, { mac: '02:00:00:00:00:ff', master: 'br0', promiscuity: 1, kind: 'veth', port: { flood: true } }),
  );
  const state = stateWith([upLink('br0', { master: null, kind: 'bridge', bridge: {}, port: null }), ...ports], {
    fdb: [1, 2].map((n) => learnedAt(`52:54:00:00:00:0${n}`, `v${n}`, { master: 'br0', state: 'dynamic' })),
  });
  const asksRules = (rules: number): false | undefined => composed({ state }, { rules }).scenario.asksRules;
  expect([asksRules(0), asksRules(8)]).toEqual([false, undefined]);
});
