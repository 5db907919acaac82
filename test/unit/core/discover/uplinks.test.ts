import { describe, expect, it } from 'vitest';
import { foundEndpoints } from '../../../../src/core/discover/found-endpoints.js';
import type { GuestRecord } from '../../../../src/core/model/host-config.js';
import type { FdbState } from '../../../../src/core/model/state.js';
import { learnedAt, stateWith, upLink } from '../../../support/link-state.js';

const [web, second, router] = ['52:54:00:00:00:01', '52:54:00:00:00:99', '00:11:22:33:44:55'] as const;
const links = [
  upLink('br0', { kind: 'bridge', bridge: {} }),
  upLink('vnet0', { kind: 'tun', master: 'br0' }),
  upLink('enp1s0', { master: 'br0' }),
];
const guest = (over: Partial<GuestRecord>): GuestRecord => ({
  manager: 'incus',
  id: '7',
  name: 'web',
  port: null,
  mac: null,
  ips: [],
  zone: null,
  ...over,
});

function uplink(fdb: readonly FdbState[]): unknown {
  const guests = [guest({ port: 'vnet0', mac: web }), guest({ mac: second })];
  const state = stateWith(links, { fdb: [...fdb, learnedAt(web, 'vnet0')] });
  const { entries } = foundEndpoints(
    { state, neighbours: [], inventory: { guests, unread: [] }, bridge: 'br0' },
    new Set(),
  );
  return entries.map(({ name, guest: record, endpoint: { role, mac } }) => ({ name, id: record?.id, role, mac }));
}

describe('an uplink', () => {
  it('is no guest where a further interface of one, or one of another host, speaks behind it', () => {
    expect(uplink([learnedAt(second, 'enp1s0'), learnedAt(router, 'enp1s0')])).toEqual([
      { name: 'web', id: '7', role: undefined, mac: web },
      { name: 'enp1s0', id: undefined, role: 'uplink', mac: router },
    ]);
  });

  it('has the MAC of such a guest where nothing else speaks behind it', () => {
    expect(uplink([learnedAt(second, 'enp1s0')])).toEqual([
      { name: 'web', id: '7', role: undefined, mac: web },
      { name: 'enp1s0', id: undefined, role: 'uplink', mac: second },
    ]);
  });
});
