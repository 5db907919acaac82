import { describe, expect, it } from 'vitest';
import { hostState } from '../../../../support/judge/perfect-run.js';
import {
  step,
  p0,
  p2,
  unicast,
  group,
  bridge,
  port,
  host,
  leak,
  of,
  withLink,
  stimulus,
  tunnel,
  onOther,
} from '../../../../support/judge/leak-fixture.js';
import { findAsText } from '../../../../support/judge/find-as-text.js';

describe('a cause', () => {
  it('by the promiscuous flag alone is behind the bridge as well', () => {
    const held = { entries: [], to: null, flow: null, bridge: bridge({}, { promiscuity: null, sysFlags: 0x1103 }) };
    expect(findAsText('behind-bridge')(leak(held))).toMatchObject({
      value: '1',
      text: expect.stringContaining(unicast),
    });
  });
  it('of a theft is the move, wherever the entry stands', () => {
    expect(findAsText('mac-moved')(leak({ finding: of('mac-steal'), entries: [] }))).toMatchObject({ value: 'p2' });
    expect(findAsText('mac-moved')(leak({ finding: of('gateway-steal'), port: null }))).toMatchObject({ value: '' });
  });
  it('of a full table without an addressee is mended by the limit', () => {
    expect(
      findAsText('fdb-full')(
        leak({ to: null, entries: [], after: withLink(bridge({ fdb_max_learned: 8, fdb_n_learned: 9 })) }),
      )?.fix,
    ).toBe('ip link set dev br0 type bridge fdb_max_learned 0');
  });
  it('of a root without STP is that BPDUs are handed on', () => {
    expect(
      findAsText('stp-open')(
        leak({ finding: of('stp-root'), fromPort: port(p0, { guard: false }), bridge: bridge({ stp_state: 0 }) }),
      ),
    ).toMatchObject({
      place: 'br0.stp_state',
      fix: expect.stringContaining('iifname p0 ether daddr 01:80:c2:00:00:00 drop'),
    });
  });
  it('of multicast after a query by the observer is its port', () => {
    const asked = {
      finding: of('igmp-query'),
      step: { ...step, flows: [stimulus] },
      dstMac: group,
      port: port(p2, { multicast_router: 1 }),
    };
    expect(findAsText('mcast-router-port')(leak(asked))).toMatchObject({
      value: '1',
      text: expect.stringContaining('a query makes p2'),
    });
    expect(findAsText('group-flood')(leak({ dstMac: group, port: port(p2, { mcast_flood: true }) }))).toMatchObject({
      place: 'p2.mcast_flood',
    });
  });
  it('of guests that are both open names both ports', () => {
    expect(
      findAsText('not-isolated')(
        leak({ entries: [], fromPort: port(p0, { isolated: false }), port: port(p2, { isolated: false }) }),
      ),
    ).toMatchObject({
      place: 'p0.isolated, p2.isolated',
      text: expect.stringContaining('p0 and p2 are'),
      fix: 'bridge link set dev p0 isolated on && bridge link set dev p2 isolated on',
    });
  });
  it('of two networks on one overlay names the tunnel of either, whatever others there are', () => {
    const links = [
      ...hostState().links,
      tunnel('vx0', 'br0', 50),
      tunnel('vx1', 'br0', 100),
      tunnel('vx2', 'br0', 70),
      tunnel('hv2/vx3', 'hv2/br1', 60),
      tunnel('hv2/vx4', 'hv2/br1', 100),
    ];
    expect(findAsText('vni-shared')(leak({ bridge: onOther, before: host({ links }) }))).toMatchObject({
      place: 'hv2/vx4.vni',
      value: '100',
      text: expect.stringContaining('hv2/vx4 of hv2/br1 has the VXLAN network identifier of vx1, which belongs to br0'),
    });
  });
  it('of guests one of whom is open, or who are on different hosts', () => {
    expect(
      findAsText('not-isolated')(
        leak({ entries: [], fromPort: port(p0, { isolated: true }), port: port(p2, { isolated: false }) }),
      )?.text,
    ).toBe('p2 is not isolated, so guests reach one another');
    expect(
      findAsText('not-isolated')(
        leak({
          entries: [],
          fromPort: port(p0, { isolated: true }),
          port: { ...port(p2, { isolated: false }), name: 'hv2/p2' },
        }),
      ),
    ).toBeNull();
  });
  it('of tags that hop is the filter, tags told or not', () => {
    expect(
      findAsText('vlan-unfiltered')(leak({ finding: of('vlan-hop'), bridge: bridge({ vlan_filtering: 0 }) })),
    ).not.toBeNull();
  });
  it('by IPv6 is IPv6 forwarding', () => {
    expect(
      findAsText('host-forwards')(
        leak({
          finding: of('routed-bounce', { carrier: 'ipv6-udp', forms: { routed: 1 } }),
          before: host({ sysctl: { 'net.ipv6.conf.all.forwarding': '1' } }),
        }),
      ),
    ).toMatchObject({ place: 'net.ipv6.conf.all.forwarding' });
  });
});
