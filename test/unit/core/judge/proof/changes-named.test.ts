import { describe, expect, it } from 'vitest';
import { wholeInterval } from '../../../../../src/core/judge/proof/intervals.js';
import { unchangedReasons } from '../../../../../src/core/judge/proof/unchanged.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import {
  ipsecPolicies,
  nexthopObjects,
  routesTo,
  type RuleChange,
  routingRules,
  vlanList,
} from '../../../../../src/core/model/timeline.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { routing } from '../../../../support/judge/routed.js';
import { changesOf, plan, step, links, over } from '../../../../support/judge/unchanged-fixture.js';

describe('what must not change while probes are under way', () => {
  it('names who changed rules, as far as the kernel did', () => {
    const nft = { kind: 'nft', pid: 77, program: 'nft' } as const;
    const rules = (changes: readonly RuleChange[], after = hostState()) => changesOf({ after, rules: changes });
    expect(rules([nft], { ...hostState(), nft: { nftables: [{ table: 'x' }] } })).toEqual([
      'settings-changed -: the nft rules changed, by process 77 (nft)',
    ]);
    expect(rules([nft, { ...nft, pid: 78 }])).toEqual([
      'settings-changed -: the nft rules changed and were put back, by process 77 (nft), process 78 (nft)',
    ]);
    expect(rules([{ kind: 'tc', pid: 79, program: null }])).toEqual([
      'settings-changed -: the tc rules changed and were put back, by netlink port 79 (usually the process id)',
    ]);
    expect(rules([{ kind: 'tc', pid: null, program: null }])).toEqual([
      'settings-changed -: the tc rules changed and were put back, by an unknown process',
    ]);
    expect(rules(Array.from({ length: 3 }, (_, at) => ({ ...nft, pid: at })))[0]).toMatch(/process 2 \(nft\)$/);
    expect(rules(Array.from({ length: 5 }, (_, at) => ({ ...nft, pid: at })))[0]).toMatch(
      /process 2 \(nft\) and 2 more$/,
    );
  });

  it('names a setting that was changed and put back, of the step’s bridges and ports only, and once', () => {
    const [bridge, port] = hostState().links;
    const settings = (what: string, ifindex = port?.ifindex ?? -1, after = hostState()) =>
      changesOf({ after, settings: [{ ifindex, what }] });
    expect(settings('flood')).toEqual(['settings-changed a: p0: flood changed and was put back']);
    expect(settings('ageing_time', bridge?.ifindex)).toEqual([
      'settings-changed br0: br0: ageing_time changed and was put back',
    ]);
    expect(settings('flood', 4711)).toEqual([]);
    expect(settings('flood', port?.ifindex, links('p0', () => null)(hostState()))).toEqual([
      'settings-changed a: p0 is gone',
      'not-forwarding a: p0 does not exist',
    ]);
    expect(settings('master')).toEqual(['settings-changed a: p0: master changed and was put back']);
    expect(settings('MTU', port?.ifindex, over('p0', { mtu: 9000 })(hostState()))).toEqual([
      'settings-changed a: p0: MTU was 1500, is 9000',
    ]);
    expect(settings(vlanList)).toEqual(['settings-changed a: p0: the list of its VLANs changed and was put back']);
    expect(
      settings(vlanList, port?.ifindex, { ...hostState(), vlan: [{ ifname: 'p0', vlans: [{ vlan: 2 }] }] }),
    ).toEqual(['settings-changed -: p0: its VLANs changed']);
    const off = over('p0', { port: { state: 'forwarding', flood: false } })(hostState());
    expect(settings('flood', port?.ifindex, off).filter((text) => text.includes('flood'))).toEqual([
      expect.stringContaining('p0: flood was '),
    ]);
  });

  it('names the setting of the host whose it is, where interfaces of several have one number', () => {
    const onHosts: HostState = {
      ...hostState(),
      sysctl: { 'hv1/net.ipv4.ip_forward': '0', 'hv2/net.ipv4.ip_forward': '0' },
      links: ['hv1', 'hv2'].flatMap((host) =>
        hostState().links.map((link) => ({
          ...link,
          name: `${host}/${link.name}`,
          master: link.master === null ? null : `${host}/${link.master}`,
        })),
      ),
    };
    const onHv2 = {
      ...step,
      observers: step.observers.map((observer) => ({
        ...observer,
        bridge: `hv2/${observer.bridge}`,
        interface: `hv2/${observer.interface}`,
      })),
    };
    const ifindex = hostState().links[1]?.ifindex ?? -1;
    const heard = ['hv1', 'hv2'].flatMap((host) => [
      { ifindex, what: 'flood', host },
      { ifindex: null, what: 'net.ipv4.ip_forward', host },
    ]);
    expect(
      unchangedReasons(onHv2, [wholeInterval({ before: onHosts, after: onHosts })], plan.endpoints, [], heard).map(
        ({ observer, text }) => `${observer ?? '-'} ${text}`,
      ),
    ).toEqual([
      '- hv1/net.ipv4.ip_forward changed and was put back',
      'a hv2/p0: flood changed and was put back',
      '- hv2/net.ipv4.ip_forward changed and was put back',
    ]);
  });

  it('names rules and routes of the host that came and went, where it routes to guests of the step', () => {
    const rule = { priority: 100, src: 'all', fwmark: '0x1', table: '7' };
    const route = { dst: '10.0.0.2', dev: 'tap.3', table: '7' };
    const routes = (rules: readonly object[] = [], more: readonly object[] = []): HostState => ({
      ...hostState(),
      routing: routing(rules, more),
    });
    const routed = { ...step, observers: step.observers.map((observer) => ({ ...observer, routed: true as const })) };
    const named = (after: HostState, heard: boolean, before = routes(), of: typeof step = routed) =>
      changesOf({ before, after, of, settings: heard ? [{ ifindex: null, what: routingRules }] : [] });
    expect(named(routes([rule], [route]), true)).toEqual([
      'settings-changed -: ip rule 100: from all fwmark 0x1 lookup 7 is new',
      'settings-changed -: ip route 10.0.0.2 dev tap.3 table 7 is new',
    ]);
    expect(named(routes(), false, routes([rule]))).toEqual([
      'settings-changed -: ip rule 100: from all fwmark 0x1 lookup 7 is gone',
    ]);
    const many = [1, 2, 3, 4, 5].map((priority) => ({ ...rule, priority }));
    expect(named(routes(many), false).slice(-1)).toEqual(['settings-changed -: 2 more rules and routes changed']);
    expect(named(routes(), true)).toEqual(['settings-changed -: the rules of ip rule changed and were put back']);
    expect(named(routes([rule]), true, routes(), step)).toEqual([]);
    expect(named(hostState(), true, hostState())).toEqual([]);
  });

  it('names what the host routed by and was put back, where it may have led packets of the step elsewhere', () => {
    const routed = { ...step, observers: step.observers.map((observer) => ({ ...observer, routed: true as const })) };
    const ip = (address: string) => ({ family: 4 as const, address, prefix: 24 });
    const guests = plan.endpoints.map((guest, at) => ({ ...guest, ips: [ip(`192.0.2.${at + 1}`)] }));
    const toGuest = { dst: '192.0.2.1', dev: 'tap.3' };
    const heard = (what: string, routes: readonly object[], of: typeof step = routed) => {
      const before: HostState = { ...hostState(), routing: routing([], routes) };
      return changesOf({ before, of, endpoints: guests, settings: [{ ifindex: null, what }] });
    };
    const putBack = (what: string) => [`settings-changed -: ${what} changed and were put back`];
    expect(heard(`${routesTo}192.0.2.1/32`, [toGuest])).toEqual(putBack('the routes to 192.0.2.1/32'));
    expect(heard(`${routesTo}192.0.2.0/24`, [])).toEqual(putBack('the routes to 192.0.2.0/24'));
    expect(heard(`${routesTo}192.0.2.2/32`, [toGuest])).toEqual(putBack('the routes to 192.0.2.2/32'));
    expect(heard(`${routesTo}198.51.100.0/24`, [toGuest])).toEqual([]);
    expect(heard(`${routesTo}2001:db8::/64`, [toGuest])).toEqual([]);
    // a longer one stands before it
    expect(heard(`${routesTo}0.0.0.0/0`, [{ dst: '192.0.2.0/24', dev: 'tap.3' }])).toEqual([]);
    expect(heard(`${routesTo}192.0.2.1/32`, [toGuest], step)).toEqual([]);
    expect(heard(nexthopObjects, [toGuest])).toEqual([]);
    expect(heard(nexthopObjects, [{ ...toGuest, nhid: 7 }])).toEqual(putBack(nexthopObjects));
    expect(heard(ipsecPolicies, [])).toEqual(putBack(ipsecPolicies));
  });

  it('names a sysctl that was changed and put back, if it is one of those that are read', () => {
    const forwarding = (value: string): HostState => ({ ...hostState(), sysctl: { 'net.ipv4.ip_forward': value } });
    const sysctl = (what: string, after = forwarding('0')) =>
      changesOf({ before: forwarding('0'), after, settings: [{ ifindex: null, what }] });
    expect(sysctl('net.ipv4.ip_forward')).toEqual(['settings-changed -: net.ipv4.ip_forward changed and was put back']);
    expect(sysctl('net.ipv4.ip_forward', forwarding('1'))).toEqual([
      'settings-changed -: net.ipv4.ip_forward was 0, is 1',
    ]);
    expect(sysctl('net.ipv4.conf.all.rp_filter')).toEqual([]);
  });

  it('names what was heard to change no more where one of several stretches shows it', () => {
    const forwarding = { ...over('p0', { mtu: 9000 })(hostState()), sysctl: { 'net.ipv4.ip_forward': '1' } };
    const still: HostState = { ...hostState(), sysctl: { 'net.ipv4.ip_forward': '0' } };
    const heard = [
      { ifindex: null, what: 'net.ipv4.ip_forward' },
      { ifindex: hostState().links[1]?.ifindex ?? -1, what: 'MTU' },
    ];
    const intervals = [
      [still, still],
      [still, forwarding],
    ].map(([before = null, after = null]) => wholeInterval({ before, after }));
    expect(unchangedReasons(step, intervals, plan.endpoints, [], heard).map(({ text }) => text)).toEqual([
      'p0: MTU was 1500, is 9000',
      'net.ipv4.ip_forward was 0, is 1',
    ]);
  });
});
