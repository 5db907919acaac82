import { describe, expect, it } from 'vitest';
import { wholeInterval } from '../../../../../src/core/judge/proof/intervals.js';
import { unchangedReasons } from '../../../../../src/core/judge/proof/unchanged.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { ingressMac } from '../../../../../src/core/plan/ingress-controls.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { addLinks, changedState, learnedAt, type StateChange } from '../../../../support/link-state.js';
import { changesOf, plan, step, links, over } from '../../../../support/judge/unchanged-fixture.js';

const reported = (change: StateChange, before: StateChange = {}): readonly string[] => {
  const was = changedState(hostState(), before);
  return changesOf({ before: was, after: changedState(was, change) });
};
const flow = (mac: string): string => `priority=50,dl_dst=${mac},actions=output:1`;
/** What Open vSwitch tells of a bridge with these flows. */
const withFlows = (flows: readonly string[]): NonNullable<HostState['ovs']> => ({
  bridges: [{ name: 'br9', columns: {}, flows }],
  ports: [],
  mirrors: [],
});
/** A port of a bridge that is not the step's, a link of no bridge, and a switch beside them. */
const withMore = (state: HostState): HostState =>
  changedState(
    state,
    { ovs: withFlows([flow('02:00:00:00:00:09')]) },
    addLinks('p0', { name: 'q0', ifindex: 90, master: 'br9' }, { name: 'vx', ifindex: 91, master: null }),
  );

describe('what must not change while probes are under way', () => {
  it('did not', () => expect(reported({})).toEqual([]));

  it.each<[string, StateChange, readonly string[]]>([
    ['the number of an interface', over('p2', { ifindex: 77 }), ['settings-changed c: p2: ifindex was 4, is 77']],
    ['its master', over('p2', { master: null }), ['settings-changed c: p2: master was "br0", is null']],
    [
      'its MAC',
      over('p2', { mac: '02:00:00:00:00:aa' }),
      ['settings-changed c: p2: MAC was "02:00:00:00:00:04", is "02:00:00:00:00:aa"'],
    ],
    ['its MTU', over('p2', { mtu: 9000 }), ['settings-changed c: p2: MTU was 1500, is 9000']],
    ['whether it is up', over('p2', { flags: ['LOWER_UP'] }), ['settings-changed c: p2: UP was true, is false']],
    [
      'its carrier',
      over('p2', { flags: ['UP'] }),
      ['settings-changed c: p2: carrier was true, is false', 'not-forwarding c: p2 is forwarding, no carrier'],
    ],
    ['who holds the bridge', over('br0', { promiscuity: 1 }), ['settings-changed br0: br0: promiscuity was 0, is 1']],
    [
      'what a topology change of spanning tree sets',
      over('br0', { bridge: { ageing_time: 3000, topology_change: 1 } }),
      [
        expect.stringMatching(
          /^settings-changed br0: br0: ageing_time was 30000, is 3000: after a port starts to forward, learned entries age in forward_delay/,
        ),
      ],
    ],
    [
      'a setting of the bridge',
      over('br0', { bridge: { ageing_time: 0 } }),
      ['settings-changed br0: br0: ageing_time was 30000, is 0'],
    ],
    [
      'a setting of a port',
      over('p0', { port: { state: 'forwarding', flood: false } }),
      ['settings-changed a: p0: flood was true, is false'],
    ],
    [
      'a setting that came',
      over('p0', { port: { state: 'forwarding', flood: true, isolated: true } }),
      ['settings-changed a: p0: isolated was null, is true'],
    ],
    [
      'the state of a port',
      over('p1', { port: { state: 'blocking', flood: true } }),
      ['not-forwarding b: p1 is blocking'],
    ],
    [
      'what a port is',
      over('p1', { port: null }),
      ['settings-changed b: p1: flood was true, is null', 'not-forwarding b: p1 is not a bridge port'],
    ],
    [
      'an interface that went',
      links('p2', () => null),
      ['settings-changed c: p2 is gone', 'not-forwarding c: p2 does not exist'],
    ],
    ['a port that joined', addLinks('p0', { name: 'new' }), ['settings-changed -: new joined br0']],
    ['a port of another bridge that joined', over('q0', { master: 'br0' }), ['settings-changed -: q0 joined br0']],
    ['a link of no bridge that joined', over('vx', { master: 'br0' }), ['settings-changed -: vx joined br0']],
    [
      'the name of a port',
      over('p2', { name: 'vx2' }),
      ['settings-changed c: p2 is gone', 'settings-changed -: vx2 joined br0', 'not-forwarding c: p2 does not exist'],
    ],
    [
      'rules of iptables-legacy',
      { legacyTables: [{ program: 'iptables-legacy', table: 'filter', rules: 1, targets: [] }] },
      ['settings-changed -: the rules of xtables that nft does not list changed'],
    ],
    ['the rules of nft', { nft: { nftables: [{ table: 'x' }] } }, ['settings-changed -: the nft rules changed']],
    [
      'the VLANs of a port',
      { vlan: [{ ifname: 'p1', vlans: [{ vlan: 2 }] }] },
      ['settings-changed -: p1: its VLANs changed'],
    ],
    [
      'the XDP program of a port',
      over('p2', { xdp: 'drop' }),
      ['settings-changed c: p2: XDP program was null, is "drop"'],
    ],
    [
      'a sysctl',
      { sysctl: { 'net.ipv4.ip_forward': '1' } },
      ['settings-changed -: net.ipv4.ip_forward was not there, is 1'],
    ],
    ['the rules of tc', { tc: [{ filter: 'x' }] }, ['settings-changed -: the tc rules changed']],
    ['what could be read', { unread: [{ what: 'fdb', why: 'denied' }] }, ['state-unread -: fdb: denied']],
    [
      'a flow of Open vSwitch',
      { ovs: withFlows([flow('02:00:00:00:00:0a')]) },
      ['settings-changed -: the configuration or the flows of Open vSwitch changed'],
    ],
    [
      'where a guest is',
      { fdb: [learnedAt('52:54:00:00:00:01', 'p2')] },
      ['mac-moved a: 52:54:00:00:00:01 is on p2, not on p0'],
    ],
  ])('%s', (_, change, expected) => expect(reported(change, withMore)).toEqual(expected));

  it.each<[string, StateChange]>([
    ['a link beside the bridge', addLinks('p0', { name: 'eth7', master: null })],
    ['a port of another bridge', addLinks('p0', { name: 'eth7', master: 'br9' })],
    [
      'VLANs of a port of another bridge, or of one that is no port',
      { vlan: [{ ifname: 'eth7', vlans: [{ vlan: 2 }] }, { vlans: [] }, 'p0'] },
    ],
    [
      "what Open vSwitch learned of the run's own controls",
      { ovs: withFlows([flow('02:00:00:00:00:09'), flow(ingressMac)]) },
    ],
    ['timers of a bridge', over('br0', { bridge: { ageing_time: 30000, gc_timer: 7 } })],
    [
      'an entry where its guest is, on the bridge itself, of another bridge, of somebody else',
      {
        fdb: [
          learnedAt('52:54:00:00:00:01', 'p0'),
          learnedAt('52:54:00:00:00:01', 'br0'),
          learnedAt('52:54:00:00:00:01', 'p2', { master: 'br9' }),
          learnedAt('02:00:00:00:00:99', 'p2'),
        ],
      },
    ],
    [
      'a setting and the VLANs of a port that another bridge has',
      (state) => ({
        ...over('q0', { mtu: 9000, port: { state: 'blocking', flood: false } })(state),
        vlan: [{ ifname: 'q0', vlans: [{ vlan: 2 }] }],
      }),
    ],
    ['a port of another bridge that goes', links('q0', () => null)],
    [
      'a link that joins another bridge, or leaves it',
      (state) => over('q0', { master: null })(over('vx', { master: 'br9' })(state)),
    ],
    ['the name of a link of no bridge', over('vx', { name: 'vx2' })],
  ])('may change: %s', (_, change) => expect(reported(change, withMore)).toEqual([]));

  it('counters of rules are no rules', () => {
    const rule = (packets: number): { readonly rule: object } => ({
      rule: { counter: { packets, bytes: packets }, verdict: 'drop' },
    });
    expect(reported({ nft: rule(2) }, { nft: rule(1) })).toEqual([]);
    expect(reported({ tc: rule(2) }, { tc: { rule: { counter: {}, verdict: 'accept' } } })).toEqual([
      'settings-changed -: the tc rules changed',
    ]);
  });

  it('what htb counts among its options is no rule', () => {
    const htb = (counted: number, r2q = 10): Pick<HostState, 'tc'> => ({
      tc: { qdisc: [{ kind: 'htb', dev: 'p1', root: true, options: { r2q, direct_packets_stat: counted } }] },
    });
    expect(reported(htb(48), htb(4))).toEqual([]);
    expect(reported(htb(4, 20), htb(4))).toEqual(['settings-changed -: the tc rules changed']);
  });

  it('is no ageing time that a topology change of a contested root set and took back, and is one where another bridge has that change', () => {
    const contest = { ...step, provokes: ['settings-changed'] };
    const [bridge] = hostState().links;
    const changing = { ageing_time: 3000, forward_delay: 1500, topology_change: 1 };
    const putBack = (during: HostState): readonly string[] => {
      const intervals = [
        [hostState(), during],
        [during, hostState()],
      ].map(([before = null, after = null]) => ({
        ...wholeInterval({ before, after }),
        excused: new Set(['links'] as const),
      }));
      return unchangedReasons(
        contest,
        intervals,
        plan.endpoints,
        [],
        [{ ifindex: bridge?.ifindex ?? -1, what: 'ageing_time' }],
      ).map(({ text }) => text);
    };
    expect(putBack(over('br0', { bridge: changing })(hostState()))).toEqual([]);
    const another = addLinks('br0', { name: 'br9', ifindex: 91, bridge: changing });
    expect(putBack(another(hostState()))).toEqual(['br0: ageing_time changed and was put back']);
  });

  it('is told of each that stood so, and of guests that are there alone', () => {
    const closed = { state: 'disabled', flood: true };
    expect(reported({}, (state) => over('p2', { port: closed })(over('p1', { port: closed })(state)))).toEqual([
      'not-forwarding b: p1 is disabled',
      'not-forwarding c: p2 is disabled',
    ]);
    const moved: HostState = {
      ...hostState(),
      fdb: [learnedAt('52:54:00:00:00:01', 'p2'), learnedAt('52:54:00:00:00:02', 'p2')],
    };
    const [, second, third] = plan.endpoints;
    const endpoints = [second, third].flatMap((endpoint) => endpoint ?? []);
    const of = (...present: readonly string[]) => ({ before: moved, of: { ...step, present }, endpoints });
    const promiscuous = endpoints.map((endpoint) => ({ ...endpoint, attach: 'promiscuous' as const }));
    expect(changesOf(of('c'))).toEqual([]);
    expect(changesOf({ ...of('b', 'c'), endpoints: promiscuous })).toEqual([]);
    expect(changesOf(of('b', 'c'))).toHaveLength(1);
  });

  it('is told once, though it stood so before and after', () => {
    expect(reported({}, over('p1', { port: { state: 'disabled', flood: true } }))).toEqual([
      'not-forwarding b: p1 is disabled',
    ]);
    expect(reported({}, { fdb: [learnedAt('52:54:00:00:00:01', 'p2')] })).toEqual([
      'mac-moved a: 52:54:00:00:00:01 is on p2, not on p0',
    ]);
  });

  it('has to have been read', () => {
    expect(
      unchangedReasons(step, [wholeInterval({ before: null, after: hostState() })], plan.endpoints)[0]?.text,
    ).toContain('before');
    expect(
      unchangedReasons(step, [wholeInterval({ before: hostState(), after: null })], plan.endpoints)[0]?.text,
    ).toContain('after');
  });
});
