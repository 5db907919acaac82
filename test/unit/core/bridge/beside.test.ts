import { describe, expect, it } from 'vitest';
import type { HostRule } from '../../../../src/core/bridge/weakness.js';
import { macvlanBridge } from '../../../../src/core/bridge/weaknesses/lower-devices.js';
import { forwardChains, routedGuests, segmentsBeside } from '../../../../src/core/bridge/beside.js';
import type { Beside, HostState, LinkedDevice, LinkState } from '../../../../src/core/model/state.js';
import { stateWith, upLink } from '../../../support/link-state.js';

const link = (name: string, ifindex: number, more: Partial<LinkState> = {}): LinkState =>
  upLink(name, { ifindex, ...more });
const nothing: Beside = { devices: [], bridges: [], routes: [], sysctl: {} };
const on = (lower: number, name: string, mode: string, space: string): LinkedDevice => ({
  space,
  name,
  ifindex: 50,
  kind: mode.startsWith('l') ? 'ipvlan' : 'macvlan',
  mac: '02:00:00:00:00:09',
  lower,
  master: null,
  up: true,
  mode,
});
const veth = (name: string, ifindex: number): LinkState => link(name, ifindex, { kind: 'veth', peer: 2 });

describe('what no bridge carries', () => {
  it('is guests by their lower device, wherever they are, with what their mode lets pass', () => {
    const devices = [
      on(2, 'mv1', 'bridge', '/run/netns/web'),
      on(2, 'mv2', 'bridge', '/run/netns/db'),
      on(3, 'mv3', 'private', '/run/netns/web'),
      on(3, 'iv0', 'l2', '/run/netns/db'),
      { ...on(2, 'iv1', 'l2', '/run/netns/db'), flag: 'private' as const },
    ];
    const tap = link('macvtap0', 9, { kind: 'macvtap', mode: 'vepa', lower: 'eth1' });
    expect(
      segmentsBeside(stateWith([link('eth0', 2), link('eth1', 3), tap]), { ...nothing, devices }).map(
        ({ place, value, text }) => `${place}, ${value}: ${text.slice(0, 30)}`,
      ),
    ).toEqual([
      'eth1, macvtap vepa: macvtap0: every frame leaves by the lowe',
      'eth0, macvlan bridge: mv1 in /run/netns/web, mv2 in /run/netns/db: past every bridge, the kernel ',
      'eth1, macvlan private: mv3 in /run/netns/web: the kernel hands nothing from ',
      'eth1, ipvlan l2: iv0 in /run/netns/db: they share one MAC: the kernel',
      'eth0, ipvlan l2 private: iv1 in /run/netns/db: they share one MAC: the kernel',
    ]);
  });

  it('is found by the audit where ipvlans reach each other, whose flag is set once, and not with flag private', () => {
    const guests = ['web', 'db'].map((name) => on(2, 'eth0', 'l2', `/run/netns/${name}`));
    const { finding } = macvlanBridge;
    const findingsWith = (flag: { readonly flag?: 'private' }): ReturnType<HostRule> =>
      'onHost' in finding
        ? finding.onHost({
            ...{ state: stateWith([link('eth0', 2)]), packetSockets: [], promiscuousLog: null, vmnet: [], ovs: null },
            beside: { ...nothing, devices: guests.map((guest) => ({ ...guest, ...flag })) },
          })
        : [];
    expect(findingsWith({}).map(({ place, value, fix }) => [place, value, fix?.changes])).toEqual([
      [
        'eth0',
        'eth0 in /run/netns/web, eth0 in /run/netns/db',
        [
          {
            kind: 'run',
            argv: 'nsenter --net=/run/netns/web ip link set dev eth0 type ipvlan mode l2 private'.split(' '),
          },
        ],
      ],
    ]);
    expect(findingsWith({ flag: 'private' })).toEqual([]);
  });

  it('is not what stands on a bridge or on a port of it, which is listened at', () => {
    const devices = [on(2, 'mv1', 'bridge', '/run/netns/web'), on(3, 'mv2', 'bridge', '/run/netns/web')];
    const links = [link('br0', 2, { kind: 'bridge' }), link('eth0', 3, { master: 'br0' })];
    expect(segmentsBeside(stateWith(links), { ...nothing, devices })).toEqual([]);
  });

  it('is guests that the host routes to, and neither its way out nor a veth of its own nor a tunnel', () => {
    const links = [
      veth('cali1', 2),
      veth('uplink', 3),
      link('own', 4, { kind: 'veth', lower: 'other' }),
      link('tap0', 5, { kind: 'tun' }),
      link('tun0', 6, { kind: 'tun', mac: '' }),
      veth('idle', 7),
      link('down', 8, { kind: 'tun', flags: ['UP'] }),
    ];
    const routes = [
      { device: 'cali1', destination: '10.1.0.1' },
      { device: 'uplink', destination: 'default' },
      { device: 'uplink', destination: '10.0.0.0/8' },
      ...['own', 'tap0', 'tun0', 'down'].map((device) => ({ device, destination: '10.2.0.0/24' })),
      { device: 'idle', destination: 'fe80::/64' },
    ];
    expect(routedGuests(stateWith(links), { ...nothing, routes })).toEqual([
      { device: 'cali1', destinations: ['10.1.0.1'] },
      { device: 'tap0', destinations: ['10.2.0.0/24'] },
    ]);
  });

  it('says of these what the host forwards, filters and takes from them', () => {
    const links = [veth('cali1', 2), veth('cali2', 3)];
    const routes = [1, 2].map((n) => ({ device: `cali${n}`, destination: `10.1.0.${n}` }));
    const said = (sysctl: Readonly<Record<string, string>>, more: Partial<HostState> = {}): string =>
      segmentsBeside(stateWith(links, more), { ...nothing, routes, sysctl })[0]?.text ?? '';
    const forwards = { sysctl: { 'net.ipv4.ip_forward': '1' } };
    const strict = { 'net.ipv4.conf.all.rp_filter': '1' };
    expect(said(strict)).toMatch(/^the host forwards no IPv4 between them\. No bridge/);
    expect(said(strict, forwards)).toContain('no chain of nft decides who reaches whom');
    const unread = { nft: null, unread: [{ what: 'nft', why: 'it was refused' }] };
    expect(said(strict, { ...forwards, ...unread })).toMatch(
      /the chains of nft could not be read. Which of them reach each other/,
    );
    const chains = [
      { chain: { family: 'inet', table: 'filter', name: 'fwd', type: 'filter', hook: 'forward' } },
      { chain: { family: 'ip', table: 'nat', name: 'post', type: 'nat', hook: 'postrouting' } },
      { chain: { family: 'bridge', table: 'b', name: 'fwd', type: 'filter', hook: 'forward' } },
    ];
    expect(forwardChains(stateWith([], { nft: { nftables: chains } }))).toEqual({
      forward: ['inet filter fwd'],
      nat: ['ip nat post'],
    });
    expect(said(strict, { ...forwards, nft: { nftables: chains } })).toContain(
      'as far as nft inet filter fwd allows; nft ip nat post changes addresses',
    );
    // The larger of the device's and of all counts: 2 is loose
    expect(said({ ...strict, 'net.ipv4.conf.cali2.rp_filter': '2' })).toContain('rp_filter is not strict at cali2,');
    expect(said({ ...strict, 'net.ipv4.conf.all.accept_local': '1' })).toContain('accept_local is on at cali1, cali2,');
    expect(said({ ...strict, 'net.ipv4.conf.cali1.proxy_arp': '1' })).toContain('proxy_arp is on at cali1,');
  });

  it('is bridges of namespaces that are joined to this one, with the command that examines them', () => {
    const bridges = [
      { space: '/run/netns/web', name: 'br9', ports: 1, linked: true },
      { space: '/proc/7/ns/net', name: 'br9', ports: 3, linked: true },
      { space: '/run/netns/apart', name: 'br9', ports: 3, linked: false },
    ];
    expect(
      segmentsBeside(stateWith([]), { ...nothing, bridges }).map(({ value, command }) => `${value}: ${command}`),
    ).toEqual([
      'bridge with 1 port: verify-isolation run --netns web --bridge br9',
      'bridge with 3 ports: verify-isolation run --netns /proc/7/ns/net --bridge br9',
    ]);
  });
});
