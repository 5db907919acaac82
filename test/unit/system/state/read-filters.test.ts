import { describe, expect, it } from 'vitest';
import { objectsOf } from '../../../../src/core/text/json-text.js';
import type { FilterFinder } from '../../../../src/system/kernel/ask/traffic-control.js';
import {
  encryptingPolicies,
  filterPlaces,
  routingAmong,
  withNexthops,
} from '../../../../src/system/state/read-filters.js';

const queue = { kind: 'fq_codel', handle: '0:', dev: 'v0', root: true };
const tree = { kind: 'htb', handle: '1:', dev: 'v0', root: true };
const leaf = { kind: 'fq_codel', handle: '8001:', dev: 'v0', parent: '1:1' };
/** What the kernel says of filters and of classes. */
const finder = (has: boolean | null, classes: readonly number[] | null, index: number | null = 7): FilterFinder => ({
  indexOf: () => index,
  hasFilters: () => has,
  classesOf: () => classes,
  close: () => undefined,
});
const places = (qdisc: readonly unknown[], asked: FilterFinder | null): readonly string[] =>
  filterPlaces(qdisc, asked).map(({ place }) => place);

describe('places of filters', () => {
  it('are asked for where the kernel says that there are some, or does not say', () => {
    expect(places([queue], finder(false, []))).toEqual([]);
    expect(places([queue], finder(true, []))).toEqual(['root']);
    expect(places([queue], finder(null, []))).toEqual(['root']);
    expect(places([queue], null)).toEqual(['root']);
    expect(places([tree, leaf], finder(false, [0x10001]))).toEqual(['root']);
    expect(places([tree, leaf], finder(null, [0x10001]))).toEqual(['root', '8001:', '1:1']);
  });

  it('are not known where classes cannot be listed', () => {
    expect(() => places([tree], finder(false, null))).toThrow('the classes of v0');
    expect(() => places([tree], null)).toThrow('the classes of v0');
  });

  it('are none at a device that is gone', () =>
    expect(places([queue, tree], finder(null, null, null))).toEqual(['root']));
});

const links = [
  { ifname: 'tap.1', linkinfo: { info_kind: 'tun' } },
  { ifname: 'wg0', linkinfo: { info_kind: 'wireguard' } },
];
const none = { rules: [], routes: [] };
/** Routes of IPv4 that are kept beside that of a guest, 10.0.0.0/30 by tap.1. */
const keptBeside = (routes: readonly object[]): readonly object[] => {
  const ipv4 = { rules: [], routes: [{ dst: '10.0.0.0/30', dev: 'tap.1' }, ...routes] };
  return objectsOf(routingAmong({ ipv4, ipv6: none }, links).ipv4.routes).slice(1);
};

describe('routes that are kept', () => {
  it('are of the main table those to guests, and those that take something out of these', () => {
    const kept = [
      { dst: '10.0.0.2', dev: 'wg0' },
      { dst: '10.0.0.0/30', dev: 'wg0', metric: 50 },
      { dst: '10.0.0.2/31', nexthops: [{ dev: 'wg0' }, { dev: 'eth0' }] },
    ];
    expect(keptBeside(kept)).toEqual(kept);
    const others = [
      { dst: 'default', dev: 'eth0' },
      { dst: '10.0.0.0/24', dev: 'wg0' },
      { dst: '10.0.0.4', dev: 'wg0' },
      { type: 'multicast', dst: '10.0.0.2', dev: 'wg0' },
    ];
    expect(keptBeside(others)).toEqual([]);
    expect(keptBeside([{ dst: 'default', dev: 'tap.1' }, ...others])).toHaveLength(1);
  });
});

describe('routes of the local table', () => {
  it("are kept that are none of the host's own addresses", () => {
    const local = { type: 'local', table: 'local', dev: 'lo' };
    const kept = [
      { ...local, dst: '10.0.0.0/24', protocol: 'boot' },
      { ...local, dst: '10.0.0.2', protocol: 'kernel' },
    ];
    expect(keptBeside([...kept, { ...local, dst: '192.0.2.1', protocol: 'kernel' }])).toEqual(kept);
  });
});

describe('routes by nexthop objects', () => {
  // as `ip -j nexthop` of iproute2 6.15 prints them, with net.ipv4.nexthop_compat_mode 0
  const nexthops = [
    { id: 10, dev: 'g2', scope: 'host', flags: [] },
    { id: 12, gateway: '10.0.0.9', dev: 'wg0', scope: 'link', flags: [] },
    { id: 13, blackhole: null, flags: [] },
    { id: 20, group: [{ id: 10 }, { id: 12, weight: 3 }], flags: [] },
    { id: 21, group: [{ id: 10 }, { id: 99 }], flags: [] },
    { id: 31, encap: { encap_type: 'ip', id: 5 }, dev: 'g2', scope: 'host', flags: [] },
    { id: 40, gateway: '10.0.0.9', scope: 'link', flags: [], fdb: null },
  ];
  const resolved = (nhid: number, more: object = {}): unknown =>
    objectsOf(withNexthops([{ dst: '10.0.0.2', nhid, table: '100', flags: [], ...more }], nexthops))[0];
  const route = { dst: '10.0.0.2', table: '100', flags: [] };

  it('have the devices, gateways and encapsulations of these', () => {
    expect(resolved(10)).toEqual({ ...route, nhid: 10, dev: 'g2' });
    expect(resolved(12)).toEqual({ ...route, nhid: 12, gateway: '10.0.0.9', dev: 'wg0' });
    expect(resolved(31)).toEqual({ ...route, nhid: 31, dev: 'g2', encap: { encap_type: 'ip', id: 5 } });
    const hops = [{ dev: 'g2' }, { gateway: '10.0.0.9', dev: 'wg0' }];
    expect(resolved(20)).toEqual({ ...route, nhid: 20, nexthops: hops });
  });

  it('drop what a blackhole takes', () => expect(resolved(13)).toEqual({ ...route, nhid: 13, type: 'blackhole' }));

  it('stay as they are where a device is known, and where some object is not', () => {
    for (const more of [{ dev: 'lo' }, { nexthops: [{ dev: 'g2' }] }])
      expect(resolved(12, more)).toEqual({ ...route, nhid: 12, ...more });
    for (const nhid of [21, 40, 99]) expect(resolved(nhid)).toEqual({ ...route, nhid });
  });

  it('are kept of the main table where their device is not known', () => {
    const unknown = { dst: '10.7.0.1', nhid: 99 };
    expect(keptBeside([unknown, { dst: '10.7.0.2', type: 'unreachable' }])).toEqual([unknown]);
  });
});

describe('policies of IPsec that encrypt what the host sends', () => {
  // as `ip xfrm policy` of iproute2 6.15 prints them
  const template = '\ttmpl src 192.168.9.1 dst 10.0.0.3\n\t\tproto esp reqid 0 mode tunnel\n';
  it.each<[string, string, readonly object[]]>([
    [
      'are those with a template',
      `src 10.0.0.1/32 dst 10.0.0.2/32 \n\tdir out priority 0 ptype main \n${template}`,
      [{ src: '10.0.0.1/32', dst: '10.0.0.2/32', more: '' }],
    ],
    [
      'have further selectors',
      `src ::/0 dst fd01::/64 proto tcp dport 22 dev g2 \n\tdir out priority 9 \n\tmark 0x3/0x7 \n${template}\tif_id 0x0\n`,
      [{ src: '::/0', dst: 'fd01::/64', more: 'proto tcp dport 22 dev g2' }],
    ],
    ['are none of those that come in', `src 10.0.0.1/32 dst 10.0.0.2/32 \n\tdir fwd priority 0 \n${template}`, []],
    ['are none of a socket', `src 0.0.0.0/0 dst 0.0.0.0/0 \n\tsocket out priority 0 \n${template}`, []],
    ['let others go as they are', 'src 0.0.0.0/0 dst 10.0.0.2/32 \n\tdir out priority 0 ptype main \n', []],
    ['are none that drop', `src 0.0.0.0/0 dst 10.0.0.2/32 \n\tdir out action block priority 0 \n${template}`, []],
    [
      'are none of an XFRM interface',
      `src 0.0.0.0/0 dst 0.0.0.0/0 \n\tdir out priority 0 \n${template}\tif_id 0x7\n`,
      [],
    ],
  ])('%s', (_, text, policies) => {
    const other = 'src 10.9.0.0/24 dst 10.8.0.0/24 \n\tdir in priority 0 ptype main \n';
    expect(encryptingPolicies(`${other}${text}${other}`)).toEqual(policies);
  });
});
