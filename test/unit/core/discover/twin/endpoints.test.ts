import { describe, expect, it } from 'vitest';
import { isUsual, twinEndpoints } from '../../../../../src/core/discover/twin/endpoints.js';
import { type TwinInput } from '../../../../../src/core/discover/twin/scenario.js';
import type { LinkState } from '../../../../../src/core/model/state.js';
import { macOf, change, plain, entry, found, input, link } from '../../../../support/discover/twin-fixture.js';

describe('who is in a twin', () => {
  const reported = (over: Partial<TwinInput>, bridge: Partial<LinkState> = {}): ReturnType<typeof twinEndpoints> => {
    const of = input(over);
    const state = change(of.state, 'br0', bridge);
    return twinEndpoints({
      scenario: of.discovered.scenario,
      state,
      bridge: link(state, 'br0'),
      addresses: of.addresses,
      neighbours: of.neighbours,
    });
  };
  it('is the host where the bridge has addresses, under a name that is free', () => {
    expect(reported({}).host).toBeNull();
    expect(reported({ addresses: ['10.0.0.254/24'] })).toMatchObject({
      host: 'host',
      endpoints: {
        host: { bridge: 'br0', attach: 'host', role: 'host', mac: link(plain, 'br0').mac, ip: ['10.0.0.254/24'] },
      },
    });
    expect(
      reported({
        addresses: ['10.0.0.254/24'],
        discovered: found({ host: { bridge: 'br0', port: 'p9', mac: macOf(9) } }),
      }).host,
    ).toBe('host.2');
  });
  it('is whoever the host knows behind the device, where somebody holds it promiscuous', () => {
    const neighbours = [
      { mac: '00:0c:29:00:00:01', address: '10.0.0.50' },
      { mac: '00:0c:29:00:00:01', address: 'fe80::1' },
      { mac: link(plain, 'p1').mac, address: '10.0.0.2' },
      { mac: macOf(2), address: '10.0.0.3' },
    ];
    const state = { ...plain, fdb: [entry(macOf(2), 'p1')] };
    const behind = {
      'behind-10.0.0.50': {
        bridge: 'br0',
        attach: 'promiscuous',
        port: 'behind0',
        mac: '00:0c:29:00:00:01',
        ip: '10.0.0.50/24',
      },
    };
    expect(reported({ state, neighbours }).endpoints).not.toHaveProperty('behind-10.0.0.50');
    expect(reported({ state, neighbours }, { promiscuity: 1 }).endpoints).toMatchObject(behind);
    expect(reported({ state, neighbours }, { promiscuity: null, sysFlags: 0x1103 }).endpoints).toMatchObject(behind);
    expect(reported({ state, neighbours }, { promiscuity: null, sysFlags: null }).endpoints).not.toHaveProperty(
      'behind-10.0.0.50',
    );
    expect(Object.keys(reported({ state, neighbours }, { promiscuity: 1 }).endpoints)).toHaveLength(5);
    const aside = {
      ...state,
      links: [...state.links, { ...link(state, 'p0'), name: 'x0', master: 'br9', mac: '00:0c:29:00:00:01' }],
    };
    expect(reported({ state: aside, neighbours }, { promiscuity: 1 }).endpoints).toMatchObject(behind);
    expect(reported({ state, neighbours }, { promiscuity: 1 }).missing).toEqual([]);
    expect(reported({ state, neighbours: [] }, { promiscuity: 1 }).missing).toEqual([
      expect.stringContaining('the guest behind br0 itself'),
    ]);
    expect(reported({ state, neighbours: [] }, { promiscuity: 1 }).unheard).toContain('something holds it promiscuous');
    expect(reported({ state, neighbours }, { promiscuity: 1 })).not.toHaveProperty('unheard');
  });
  it('has the VLANs of its live port, not those that were written', () => {
    expect(reported({}).endpoints['g2']).not.toHaveProperty('vlans');
    const usual = [{ vid: 1, pvid: true, untagged: true }] as const;
    expect([
      isUsual(usual, link(plain, 'br0')),
      isUsual([{ vid: 1, pvid: true }], link(plain, 'br0')),
      isUsual([{ vid: 1, untagged: true }], link(plain, 'br0')),
      isUsual([{ vid: 2, pvid: true, untagged: true }], link(plain, 'br0')),
      isUsual([...usual, { vid: 2 }], link(plain, 'br0')),
    ]).toEqual([true, false, false, false, false]);
    expect([
      isUsual(usual, { ...link(plain, 'br0'), bridge: null }),
      isUsual(usual, { ...link(plain, 'br0'), bridge: {} }),
    ]).toEqual([true, true]);
  });
});
