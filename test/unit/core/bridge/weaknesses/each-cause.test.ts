import { describe, expect, it } from 'vitest';
import type { LeakContext } from '../../../../../src/core/bridge/weakness.js';
import { isCauseCode } from '../../../../../src/core/bridge/weaknesses.js';
import type { FoundCauseCode } from '../../../../../src/core/model/codes.js';
import type { Endpoint } from '../../../../../src/core/model/scenario.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import {
  step,
  a,
  b,
  c,
  br0,
  p0,
  p1,
  p2,
  finding,
  unicast,
  group,
  bridge,
  port,
  entry,
  host,
  leak,
  never,
  of,
  withLink,
  stimulus,
  tunnel,
  onOther,
} from '../../../../support/judge/leak-fixture.js';
import { heldBridgeCauses } from '../../../../support/judge/held-bridge.js';
import { above, below } from '../../../../support/judge/lower-device.js';
import { findAsText } from '../../../../support/judge/find-as-text.js';
import { routedCauses } from '../../../../support/judge/routed.js';

type Code = FoundCauseCode;

function isCode(name: string): name is Code {
  return name !== 'unexplained' && isCauseCode(name);
}
const broadcast = 'ff:ff:ff:ff:ff:ff';

interface Case {
  readonly found: Partial<LeakContext>;
  /** Where it is told to be, what stands there, and the command that fixes it. */
  readonly reported: { readonly place: string; readonly value: string; readonly fix: string };
  /** By what differs: then it is another cause. */
  readonly not: Readonly<Record<string, Partial<LeakContext>>>;
}
const overlay = (vni: number): HostState =>
  host({ links: [...hostState().links, tunnel('vx1', 'br0', 100), tunnel('hv2/vx2', 'hv2/br1', vni)] });

const cases: { readonly [C in Code]?: Case } = {
  'vni-shared': {
    found: { bridge: onOther, before: overlay(100) },
    reported: { place: 'hv2/vx2.vni', value: '100', fix: 'ip link set dev hv2/vx2 nomaster' },
    not: {
      'another identifier': { bridge: onOther, before: overlay(200) },
      'parts of one network': {
        bridge: bridge({}, { name: 'hv2/br0' }),
        before: host({ links: [tunnel('vx1', 'br0', 100), tunnel('hv2/vx2', 'hv2/br0', 100)] }),
      },
      'no sender': { bridge: onOther, before: overlay(100), from: null },
      'ports that are no tunnels': {
        bridge: onOther,
        before: host({ links: [...hostState().links, { ...p1, name: 'hv2/p1', master: 'hv2/br1' }] }),
      },
    },
  },
  'ageing-zero': {
    found: { bridge: bridge({ ageing_time: 0 }), entries: [entry()] },
    reported: { place: 'br0.ageing_time', value: '0', fix: 'ip link set dev br0 type bridge ageing_time 30000' },
    not: {
      'an ageing time': { bridge: bridge({ ageing_time: 1 }) },
      'a MAC of no guest': { finding: of('unknown-unicast') },
      'a static entry': { entries: [entry(), entry({ state: 'static' })] },
      'a group': { dstMac: group },
      'no destination': { dstMac: null },
    },
  },
  'aged-out': {
    found: { finding: of('aged-unicast'), entries: [] },
    reported: { place: 'br0.ageing_time', value: '300 s', fix: `bridge fdb replace ${unicast} dev p1 master static` },
    not: {
      'another class': { finding },
      'an entry': { entries: [entry()] },
      'ageing 0': { bridge: bridge({ ageing_time: 0 }) },
      'an unknown ageing time': { bridge: { ...br0, bridge: null } },
      'nobody addressed': { to: null },
      'an addressee without a port': { to: { ...b, port: null } },
      'a group': { dstMac: group },
    },
  },
  'behind-bridge': {
    found: { entries: [], to: { ...b, attach: 'promiscuous', port: null }, bridge: bridge({}, { promiscuity: 1 }) },
    reported: { place: 'br0.promiscuity', value: '1', fix: `bridge fdb add ${unicast} dev br0 self permanent` },
    not: {
      'a bridge that nobody holds': { bridge: bridge({}) },
      'an addressee at a port': { to: b },
      'an entry': { entries: [entry()] },
      'the bridge itself': { dstMac: br0.mac },
      'a probe to nobody': { to: null },
      'a group': { dstMac: group },
    },
  },
  ...heldBridgeCauses,
  'macvlan-bridge': {
    found: { observer: above('bridge'), from: below('bridge') },
    reported: {
      place: 'macvlan1.mode',
      value: 'bridge',
      fix: 'ip link set dev macvlan1 type macvlan mode private',
    },
    not: {
      'another mode, and a port that sends nothing back': { observer: above('private') },
      'another lower device': { from: { ...below('bridge'), below: { lower: 'other', mode: 'bridge' } } },
      'a sender at a port': { from: a },
      'an observer at a port': { observer: c },
    },
  },
  'mac-moved': {
    found: { entries: [entry({ port: 'p2' })] },
    reported: {
      place: `fdb ${unicast}`,
      value: 'p2',
      fix: `bridge fdb replace ${unicast} dev p1 master static sticky`,
    },
    not: {
      'its own port': { entries: [entry()] },
      'nobody addressed': { to: null },
      'no port': { to: { ...b, port: null } },
      'another MAC': { dstMac: '02:00:00:00:00:99' },
      'no destination': { dstMac: null },
    },
  },
  'fdb-full': {
    found: { entries: [], after: withLink(bridge({ fdb_max_learned: 8, fdb_n_learned: 8 })) },
    reported: {
      place: 'br0.fdb_n_learned',
      value: '8 of 8',
      // an entry for one guest leaves the next one flooded
      fix: 'ip link set dev br0 type bridge fdb_max_learned 0',
    },
    not: {
      'a MAC that the table has': { entries: [entry()] },
      'a MAC of no guest': { finding: of('unknown-unicast') },
      room: { after: withLink(bridge({ fdb_max_learned: 8, fdb_n_learned: 7 })) },
      'no limit': { after: withLink(bridge({ fdb_max_learned: 0, fdb_n_learned: 8 })) },
      'a kernel without it': { after: host() },
      'a group': { dstMac: group, after: withLink(bridge({ fdb_max_learned: 8, fdb_n_learned: 8 })) },
    },
  },
  'learning-off': {
    found: { entries: [], before: withLink(port(p1, { learning: false })) },
    reported: { place: 'p1.learning', value: 'off', fix: `bridge fdb replace ${unicast} dev p1 master static` },
    not: {
      'learning on': { before: withLink(port(p1, { learning: true })) },
      'a kernel that does not tell': { before: withLink(port(p1, {})) },
      'an entry': { entries: [entry()] },
      'nobody addressed': { to: null },
      'no port of a bridge': { before: withLink({ ...p1, port: null }) },
      'a group': { dstMac: group },
    },
  },
  ...routedCauses,
  'host-forwards': {
    found: {
      finding: of('routed-bounce', { carrier: 'ipv4-udp', forms: { routed: 3 } }),
      before: host({ sysctl: { 'net.ipv4.ip_forward': '1' } }),
    },
    reported: {
      place: 'net.ipv4.ip_forward',
      value: '1',
      fix: expect.stringMatching(/ && nft add rule inet isolation forward iifname br0 oifname br0 drop$/) as string,
    },
    not: {
      'headers as they were sent': { finding: of('routed-bounce', { carrier: 'ipv4-udp' }) },
      'another class': { finding },
      'it does not': { before: host({ sysctl: { 'net.ipv4.ip_forward': '0' } }) },
      'the other family': { finding: of('routed-bounce', { carrier: 'ipv6-udp', forms: { routed: 3 } }) },
    },
  },
  'stp-open': {
    found: { finding: of('stp-root'), fromPort: port(p0, { guard: false }), bridge: bridge({ stp_state: 1 }) },
    reported: { place: 'p0.guard', value: 'off', fix: 'bridge link set dev p0 root_block on' },
    not: {
      'another class': { finding },
      'a guard': { fromPort: port(p0, { guard: true }) },
      'no port': { fromPort: null },
    },
  },
  'vlan-unfiltered': {
    found: { finding: { ...finding, vlan: [10] }, bridge: bridge({ vlan_filtering: 0 }) },
    reported: { place: 'br0.vlan_filtering', value: '0', fix: 'ip link set dev br0 type bridge vlan_filtering 1' },
    not: {
      'no tags': { finding },
      'a filter': { bridge: bridge({ vlan_filtering: 1 }) },
      'a kernel without it': { bridge: bridge({}) },
    },
  },
  'mcast-router-port': {
    found: { finding: of('multicast'), dstMac: group, port: port(p2, { multicast_router: 2 }) },
    reported: { place: 'p2.multicast_router', value: '2', fix: 'bridge link set dev p2 mcast_router 0' },
    not: {
      'the default': { port: port(p2, { multicast_router: 1 }) },
      'no port': { port: null },
      unicast: { dstMac: unicast },
      'a query of another': {
        finding: of('igmp-query', { observer: 'b' }),
        step: { ...step, flows: [stimulus] },
        port: port(p2, { multicast_router: 1 }),
      },
      'a query, and it may not': {
        finding: of('igmp-query'),
        step: { ...step, flows: [stimulus] },
        port: port(p2, { multicast_router: 0 }),
      },
    },
  },
  'no-querier': {
    found: {
      finding: { ...of('multicast'), carrier: 'ipv4-udp' },
      dstMac: group,
      bridge: bridge({ mcast_snooping: 1, mcast_querier: 0 }),
    },
    reported: { place: 'br0.mcast_querier', value: '0', fix: 'ip link set dev br0 type bridge mcast_querier 1' },
    not: {
      'a querier': { bridge: bridge({ mcast_snooping: 1, mcast_querier: 1 }) },
      'no snooping': { bridge: bridge({ mcast_snooping: 0, mcast_querier: 0 }) },
      'a broadcast': { finding: of('broadcast'), dstMac: broadcast },
      unicast: { dstMac: unicast },
      'no IP': { finding: of('multicast') },
    },
  },
  'source-unchecked': {
    found: { finding: of('mac-spoof'), fromPort: port(p0, { locked: false }) },
    reported: {
      place: 'p0.locked',
      value: 'off',
      fix: `bridge fdb replace ${a.macs[0] ?? ''} dev p0 master static && bridge link set dev p0 learning off locked on`,
    },
    not: {
      'another class': { finding },
      'a locked port': { fromPort: port(p0, { locked: true }) },
      'an older kernel': { fromPort: port(p0, {}) },
      'no port': { fromPort: null },
      'no MAC': { from: { ...a, macs: [] } },
    },
  },
  'unknown-flood': {
    found: { entries: [], port: port(p2, { flood: true }) },
    reported: { place: 'p2.flood', value: 'on', fix: 'bridge link set dev p2 flood off' },
    not: {
      'flood off': { port: port(p2, { flood: false }) },
      'an entry': { entries: [entry()] },
      'an entry of the bridge itself': { entries: [entry({ master: null, port: 'br0' })] },
      'no port': { port: null },
      'a group': { dstMac: group },
      'the bridge itself': { dstMac: br0.mac },
      'what the host routes': { finding: of('routed-bounce') },
      'Open vSwitch, which has a cause of its own': { bridge: bridge({}, { kind: 'openvswitch' }) },
    },
  },
  'group-flood': {
    found: { dstMac: broadcast, port: port(p2, { bcast_flood: true, mcast_flood: false }) },
    reported: { place: 'p2.bcast_flood', value: 'on', fix: 'bridge link set dev p2 bcast_flood off' },
    not: {
      off: { port: port(p2, { bcast_flood: false, mcast_flood: true }) },
      unicast: { dstMac: unicast },
      'no port': { port: null },
      'a BPDU': { finding: of('stp-root') },
      'no destination': { dstMac: null },
      multicast: { dstMac: group },
    },
  },
  'not-isolated': {
    found: { entries: [], fromPort: port(p0, { isolated: true }), port: port(p2, { isolated: false }) },
    reported: { place: 'p2.isolated', value: 'off', fix: 'bridge link set dev p2 isolated on' },
    not: {
      'both are': { port: port(p2, { isolated: true }) },
      'known unicast that the bridge sends to another port': { entries: [entry()] },
      'the uplink sends': { from: { ...a, role: 'uplink' } },
      'the uplink overhears': { observer: { ...c, role: 'uplink' } },
      'the host routed it': { finding: of('routed-bounce') },
      'no port': { fromPort: null },
      'an older kernel': { fromPort: port(p0, {}), port: port(p2, {}) },
    },
  },
};

describe.each(Object.entries(cases))('%s', (code, { found, reported: told, not }) => {
  const find = findAsText(isCode(code) ? code : never());

  it('is found where it is, with the place, the value and the command that fixes it', () => {
    expect(find(leak(found))).toMatchObject(told);
    const places: Readonly<Record<string, string>> = {
      'aged-out': 'b',
      'behind-bridge': 'b',
      'bridge-promiscuous': 'vmnet-bridge',
      'host-forwards': 'the host',
      'rp-filter-off': 'tap.1',
      'mac-moved': 'b',
    };
    expect(find(leak(found))?.text).toContain(places[code] ?? told.place.split('.')[0]);
  });

  it('is not found where nothing accounts for the leak', () => expect(find(leak())).toBeNull());

  it.each<[string, Partial<LeakContext>]>([
    ['observer’s port', { port: { ...p2, port: null } }],
    ['sender’s port', { fromPort: { ...p0, port: null } }],
    ['bridge', { bridge: { ...br0, bridge: null } }],
    ['bridge afterwards', { after: withLink({ ...br0, bridge: null }) }],
    ['links', { after: host({ links: [] }) }],
  ])('is looked for though the kernel told no setting of the %s', (_, unread) =>
    expect(() => find(leak({ ...found, ...unread }))).not.toThrow(),
  );

  it.each(Object.entries(not))('is not found with: %s', (_, change) =>
    expect(find(leak({ ...found, ...change }))).toBeNull(),
  );
});

describe('guests of one lower device whose mode keeps them apart', () => {
  const found = { observer: above('private'), from: below('private') };
  it('are joined by hairpin at the port, which is named with what ends it', () => {
    const before = withLink(port(p1, { hairpin: true }));
    expect(findAsText('macvlan-bridge')(leak({ ...found, before }))).toMatchObject({
      place: 'p1.hairpin',
      fix: 'bridge link set dev p1 hairpin off',
    });
  });

  it('are kept apart by mode and flag of an ipvlan, which are set together', () => {
    const by = { lower: 'hv', mode: 'l2', port: 'p1' } as const;
    const from: Endpoint = { ...below('bridge'), attach: 'ipvlan', below: { lower: 'hv', mode: 'l2' } };
    expect(findAsText('macvlan-bridge')(leak({ observer: { ...above('bridge'), by }, from }))).toMatchObject({
      fix: 'ip link set dev macvlan1 type ipvlan mode l2 private',
    });
    const apart = { ...above('bridge'), by: { ...by, flag: 'vepa' } as const };
    expect(findAsText('macvlan-bridge')(leak({ observer: apart, from }))).toBeNull();
  });

  it('get what is for everybody from an ipvlan in mode l2, whatever its flag', () => {
    const by = { lower: 'hv', mode: 'l2', flag: 'private', port: 'p1' } as const;
    const from: Endpoint = { ...below('bridge'), attach: 'ipvlan', below: by };
    const row = { observer: { ...above('bridge'), by }, from };
    expect(findAsText('macvlan-bridge')(leak({ ...row, dstMac: 'ff:ff:ff:ff:ff:ff' }))).toMatchObject({
      value: 'l2 private',
      text: expect.stringContaining('lower devices of their own'),
      fix: '',
    });
    expect(findAsText('macvlan-bridge')(leak(row))).toBeNull();
  });

  it('are not kept apart by the flag of an ipvlan, which is of all on it, where some of them share a zone', () => {
    const by = { lower: 'hv', mode: 'l2', port: 'p1' } as const;
    const guest = (name: string, zone: string): Endpoint => ({
      ...below('bridge'),
      ...{ name, zone, port: name, attach: 'ipvlan', below: { lower: 'hv', mode: 'l2' } },
    });
    const [web, db] = [guest('web', 'red'), guest('db', 'blue')];
    const fixOf = (endpoints: readonly Endpoint[]): unknown =>
      findAsText('macvlan-bridge')(leak({ observer: { ...above('bridge'), by }, from: db, endpoints }))?.fix;
    expect(fixOf([web, db, guest('dns', 'red')])).toContain('lower devices of their own');
    expect(fixOf([web, db])).toBe('ip link set dev web type ipvlan mode l2 private');
  });

  it('on a device of a host are reached by what comes back from beyond it, past any mode', () => {
    const by = { lower: 'up0', mode: 'private', device: 'eth0', port: 'up0' } as const;
    const from: Endpoint = { ...below('private'), below: { lower: 'up0', mode: 'private', device: 'eth0' } };
    expect(findAsText('macvlan-bridge')(leak({ observer: { ...above('private'), by }, from }))).toMatchObject({
      place: 'up0',
      value: 'mode private',
    });
  });

  it('are reached by the port of their lower device: their MAC there has not moved', () => {
    const home = { ...step, observers: [{ ...above('private'), name: b.name }] };
    expect(findAsText('mac-moved')(leak({ step: home, to: { ...b, port: 'macvlan2' } }))).toBeNull();
    const stray = { step: home, to: { ...b, port: 'macvlan2' }, entries: [entry({ port: 'p2' })] };
    expect(findAsText('mac-moved')(leak(stray))).toMatchObject({ value: 'p2' });
  });
});
