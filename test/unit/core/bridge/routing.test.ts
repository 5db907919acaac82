import { describe, expect, it } from 'vitest';
import { diversions, routingDifferences, waysTo } from '../../../../src/core/bridge/routing.js';
import type { Routing } from '../../../../src/core/model/state.js';
import { host } from '../../../support/judge/row-fixture.js';
import { routing } from '../../../support/judge/routed.js';

const places = [
  { device: 'tap.1', addresses: ['10.0.0.1'] },
  { device: 'tap.2', addresses: ['10.0.0.2'] },
];
const to3 = (dst: string, more: object = {}): object => ({ dst, dev: 'tap.3', table: '100', ...more });
const rule = (more: object): object => ({ priority: 100, src: 'all', table: '100', ...more });
const diverted = (rules: readonly object[], routes: readonly object[], vrfs?: Routing['vrfs']): readonly string[] =>
  diversions(host({ routing: { ...routing(rules, routes), ...(vrfs === undefined ? {} : { vrfs }) } }), places).map(
    ({ by, address, elsewhere }) => `${by.what} ${by.text}: ${address} by ${elsewhere.join()}`,
  );
const marked = rule({ fwmark: '0x10', fwmask: '0xff' });
const found = 'ip rule 100 from all fwmark 0x10/0xff lookup 100: 10.0.0.2 by tap.3';

describe('a rule of policy routing', () => {
  it.each<[string, readonly object[], readonly object[]]>([
    ['a route of its table', [marked], [to3('10.0.0.2')]],
    ['the longest route of its table', [marked], [to3('10.0.0.2/31', { dev: 'tap.2' }), to3('10.0.0.2')]],
    [
      'one of several next hops',
      [marked],
      [{ dst: '10.0.0.2', table: '100', nexthops: [{ dev: 'tap.2' }, { dev: 'tap.3' }] }],
    ],
    ['a route behind a rule that may skip it', [rule({ priority: 50, goto: 200 }), marked], [to3('10.0.0.2')]],
    [
      'a table behind one that throws it back',
      [rule({ priority: 90, table: '99' }), marked],
      [to3('10.0.0.2'), { type: 'throw', dst: 'default', table: '99' }],
    ],
  ])('leads some packets for a guest elsewhere by %s', (_, rules, routes) =>
    expect(diverted(rules, routes)).toEqual([found]),
  );

  it.each(['local', 'anycast', 'broadcast'])('leads some packets for a guest to the host itself by type %s', (type) =>
    expect(diverted([marked], [to3('default', { dev: 'lo', type })])).toEqual([
      'ip rule 100 from all fwmark 0x10/0xff lookup 100: 10.0.0.1 by the host itself',
      'ip rule 100 from all fwmark 0x10/0xff lookup 100: 10.0.0.2 by the host itself',
    ]),
  );

  it.each<[string, readonly object[], readonly object[]]>([
    ['leads where the guest is', [marked], [to3('10.0.0.2', { dev: 'tap.2' })]],
    ['looks up a table without a route to it', [marked], [to3('10.0.1.0/24')]],
    ['drops them', [{ ...marked, action: 'blackhole' }], [to3('10.0.0.2')]],
    ['has a table that drops them', [marked], [to3('10.0.0.2', { type: 'unreachable' })]],
    ['is for what the host itself sends', [rule({ iif: 'lo' })], [to3('10.0.0.2')]],
    ['is for a device that is not there', [rule({ iif: 'tap.9', iif_detached: null })], [to3('10.0.0.2')]],
    ['takes no route that is as short', [{ ...marked, suppress_prefixlen: 0 }], [to3('default')]],
    ['comes after the one of the main table', [{ ...marked, priority: 32766 }].slice(1), [to3('10.0.0.2')]],
    [
      'comes after one that sends every packet to it by the main table',
      [rule({ priority: 50, dst: '10.0.0.2', table: 'main' }), marked],
      [to3('10.0.0.2')],
    ],
    ['has a route whose next hop is dead', [marked], [to3('10.0.0.2', { flags: ['dead'] })]],
  ])('leads none elsewhere that %s', (_, rules, routes) => expect(diverted(rules, routes)).toEqual([]));

  it.each<[string, object, object, string]>([
    ['by its address', { dst: '10.0.0.2' }, { dev: 'wg0' }, 'ip rule 100 from all to 10.0.0.2 lookup 100'],
    ['by any, as of Tailscale', {}, { dev: 'tailscale0' }, 'ip rule 100 from all lookup 100'],
  ])('leads all packets for a guest elsewhere that selects them %s', (_, selectors, to, named) => {
    const all = diversions(host({ routing: routing([rule(selectors)], [to3('10.0.0.2', to)]) }), places);
    expect(all.map(({ by, isConditional }) => [`${by.what} ${by.text}`, isConditional])).toEqual([[named, false]]);
  });

  it('is named with its selectors as far as they are known, and deleted by its priority where they are not', () => {
    const routes = [to3('default')];
    const removals = (more: object): readonly string[] => [
      ...new Set(
        diversions(host({ routing: routing([rule(more)], routes) }), places).map(
          ({ by }) => `${by.text} | ${by.removal.join(' ')}`,
        ),
      ),
    ];
    expect(
      removals({
        src: '10.0.0.0',
        srclen: 8,
        iif: 'tap.1',
        tos: '0x10',
        ipproto: 'udp',
        dport: 53,
        dport_mask: '0xffff',
      }),
    ).toEqual([
      'from 10.0.0.0/8 iif tap.1 tos 0x10 ipproto udp dport 53 lookup 100 | ip rule del pref 100 from 10.0.0.0/8 iif tap.1 tos 0x10 ipproto udp dport 53 lookup 100',
    ]);
    expect(removals({ uid_start: 0 })).toEqual(['from all uid_start 0 lookup 100 | ip rule del pref 100']);
    expect(removals({ not: null, src: '10.9.0.1' })).toEqual(['not from 10.9.0.1 lookup 100 | ip rule del pref 100']);
  });

  it('of VRFs looks up each of their tables', () => {
    const rules = [{ priority: 1000, src: 'all', l3mdev: null }];
    expect(diverted(rules, [to3('10.0.0.2')], { red: '100' })).toEqual([
      'ip rule 1000 from all l3mdev: 10.0.0.2 by tap.3',
    ]);
    expect(diverted(rules, [to3('10.0.0.2')], { red: '101' })).toEqual([]);
  });

  it('of IPv6 leads packets of IPv6', () => {
    const ipv6 = {
      rules: [rule({ fwmark: '0x1' })],
      routes: [{ dst: 'fd00::/64', dev: 'tap.3', table: '100' }],
    };
    const state = host({ routing: { ...routing(), ipv6 } });
    expect(
      diversions(state, [{ device: 'tap.2', addresses: ['fd00::2', '10.0.0.2'] }]).map(({ by }) =>
        by.removal.join(' '),
      ),
    ).toEqual(['ip -6 rule del pref 100 from all fwmark 0x1 lookup 100']);
  });

  it('is asked only for what it selects', () => {
    const all = routing([rule({ src: '10.0.0.1', iif: 'tap.1' })], [to3('10.0.0.2')]);
    const devices = (packet: Parameters<typeof waysTo>[0]): readonly string[] =>
      waysTo(packet, all).flatMap((way) => way.devices);
    expect(devices({ to: '10.0.0.2', from: '10.0.0.1', by: 'tap.1' })).toEqual(['tap.3']);
    expect(devices({ to: '10.0.0.2', from: '10.0.0.1', by: 'tap.2' })).toEqual(['tap.2']);
    expect(devices({ to: '10.0.0.2', from: '10.0.0.7', by: 'tap.1' })).toEqual(['tap.2']);
    expect(devices({ to: '10.0.0.2' })).toEqual(['tap.3', 'tap.2']);
  });
});

describe('a route', () => {
  it('that takes some packets only is named itself', () => {
    expect(diverted([], [{ dst: '10.0.0.2', dev: 'tap.3', tos: '0x10' }])).toEqual([
      'ip route 10.0.0.2 dev tap.3 tos 0x10: 10.0.0.2 by tap.3',
    ]);
  });

  it('by a nexthop object is deleted by its number, and leads to a device that is not known where it names none', () => {
    const led = (route: object): readonly string[] =>
      diversions(
        host({ routing: routing([marked], [{ dst: '10.0.0.2', table: '100', nhid: 10, ...route }]) }),
        places,
      ).map(({ route: text, elsewhere }) => `${text}: ${elsewhere.join()}`);
    expect(led({ dev: 'tap.3' })).toEqual(['10.0.0.2 nhid 10 dev tap.3 table 100: tap.3']);
    expect(led({})).toEqual(['10.0.0.2 nhid 10 table 100: an unknown device']);
    expect(led({ type: 'blackhole' })).toEqual([]);
    const own = { dst: '10.0.0.2', dev: 'tap.3', tos: '0x10', nhid: 10 };
    const [first] = diversions(host({ routing: routing([], [own]) }), places);
    expect(first?.by.removal.join(' ')).toBe('ip route del 10.0.0.2 nhid 10 tos 0x10');
  });

  it('that hands packets to an encapsulation is named wherever it leads', () => {
    const encapsulated = (...routes: readonly object[]): readonly (string | null)[] =>
      diversions(host({ routing: routing([], routes) }), places).map(
        ({ address, encapsulation, elsewhere }) => `${address} ${encapsulation ?? ''} ${elsewhere.join()}`,
      );
    const bpf = { dst: '10.0.0.0/31', dev: 'tap.1', encap: { encap_type: 'bpf' } };
    expect(encapsulated(bpf)).toEqual([]);
    expect(encapsulated({ ...bpf, dst: '10.0.0.2' })).toEqual(['10.0.0.2 bpf tap.1']);
    expect(encapsulated({ ...bpf, dst: '10.0.0.2', dev: 'tap.2' })).toEqual(['10.0.0.2 bpf ']);
    expect(encapsulated({ dst: '10.0.0.2', nexthops: [{ dev: 'tap.2' }, { dev: 'tap.2', encap: 'seg6' }] })).toEqual([
      '10.0.0.2 seg6 ',
    ]);
    expect(encapsulated({ dst: '10.0.0.2', dev: 'tap.2', encap: {} })).toEqual(['10.0.0.2 of an unknown type ']);
  });
});

describe('two readings of rules and routes', () => {
  const reading = (rules: readonly object[], routes: readonly object[]) => host({ routing: routing(rules, routes) });
  const differences = (before: ReturnType<typeof reading>, after: ReturnType<typeof reading>): readonly string[] =>
    routingDifferences(before, after, new Set(['tap.1', 'tap.2']));
  it('differ by what came and went, but not by times or by routes to others', () => {
    expect(differences(reading([], []), reading([marked], [to3('10.0.0.2')]))).toEqual([
      'ip rule 100: from all fwmark 0x10/0xff lookup 100 is new',
      'ip route 10.0.0.2 dev tap.3 table 100 is new',
    ]);
    expect(differences(reading([marked], []), reading([], []))).toEqual([
      'ip rule 100: from all fwmark 0x10/0xff lookup 100 is gone',
    ]);
    const timed = (expires: number) => reading([], [to3('10.0.0.9', { expires })]);
    expect(differences(timed(7), timed(6))).toEqual([]);
    const beside = { dst: '10.0.0.9', dev: 'tap.9' };
    expect(differences(reading([], []), reading([], [beside]))).toEqual([]);
    expect(differences(host(), reading([marked], []))).toEqual([]);
  });
});
