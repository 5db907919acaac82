import { describe, expect, it } from 'vitest';
import { copiedEntries } from '../../../../../src/core/discover/twin/copied-entries.js';
import { copiedFilters } from '../../../../../src/core/discover/twin/copied-filters.js';
import { copiedBridgeSettings, copiedPortSettings } from '../../../../../src/core/discover/twin/copied-settings.js';
import { isReadable, copiedTables } from '../../../../../src/core/discover/twin/copied-tables.js';
import { isUsual } from '../../../../../src/core/discover/twin/endpoints.js';
import { readWhatIfs } from '../../../../../src/core/discover/twin/what-if.js';
import type { FdbState, HostState, LinkState } from '../../../../../src/core/model/state.js';
import { learnedAt } from '../../../../support/link-state.js';
import { defaultBridge } from '../../../../support/snapshots/recorded.js';
import { there } from '../../../../support/there.js';

const { state } = defaultBridge;
const ports = new Set(['vnet0', 'vnet1']);
const link = (name: string): LinkState => there(state.links.find((link) => link.name === name));
const entry = (over: Partial<FdbState>): FdbState =>
  learnedAt('52:54:00:00:00:01', 'vnet0', { state: 'static', ...over });
const withFdb = (...fdb: readonly FdbState[]): HostState => ({ ...state, fdb });
const filter = (kind: string, options: object): HostState => ({
  ...state,
  tc: { qdisc: [], filters: { 'vnet0 ingress': [{ protocol: 'all', pref: 3, kind, chain: 0, options }] } },
});
const mirror = (to: string): object => ({
  kind: 'mirred',
  mirred_action: 'mirror',
  direction: 'egress',
  to_dev: to,
  control_action: { type: 'pipe' },
});

describe('settings of a twin', () => {
  it('are none where the bridge is as a new one, whatever its timers', () => {
    expect([copiedBridgeSettings(link('br0')), copiedPortSettings(link('vnet0'), ports)]).toEqual([
      { settings: {}, missing: [] },
      { settings: {}, missing: [] },
    ]);
  });
  it('are written as a scenario has them', () => {
    const bridge = {
      ...link('br0'),
      bridge: {
        ...link('br0').bridge,
        ageing_time: 0,
        vlan_filtering: 1,
        group_fwd_mask: '0x4008',
        mcast_querier_intvl: 100,
      },
    };
    expect(copiedBridgeSettings(bridge).settings).toEqual({
      ageing_time: 0,
      vlan_filtering: 'on',
      group_fwd_mask: '0x4008',
      mcast_querier_intvl: '1000ms',
    });
  });
  it('name a backup port only where it is in the twin', () => {
    const port = (backup: string): LinkState => ({
      ...link('vnet0'),
      mtu: 9000,
      port: { ...link('vnet0').port, backup_port: backup, mab: true, locked: true },
    });
    expect(copiedPortSettings(port('vnet1'), ports)).toEqual({
      settings: { backup_port: 'vnet1', locked: 'on', mab: 'on', mtu: 9000 },
      missing: [],
    });
    expect(copiedPortSettings(port('vnet9'), ports)).toEqual({
      settings: { locked: 'on', mab: 'on', mtu: 9000 },
      missing: ['vnet0.backup_port vnet9: it is not in the twin'],
    });
  });
});

describe('VLANs of a twin', () => {
  const vlan = [{ vid: 1, pvid: true, untagged: true }] as const;
  it('are written where a new port would be in others', () => {
    const withPvid = (pvid: number): LinkState => ({
      ...link('br0'),
      bridge: { ...link('br0').bridge, vlan_default_pvid: pvid },
    });
    expect([
      isUsual(vlan, link('br0')),
      isUsual(vlan, withPvid(1)),
      isUsual(vlan, withPvid(0)),
      isUsual([{ vid: 1, untagged: true }], withPvid(1)),
      isUsual([], withPvid(1)),
    ]).toEqual([true, true, false, false, true]);
  });
});

describe('entries of a twin', () => {
  it('are those that were written by hand, not what the bridge learns or has of its own', () => {
    const ownEntry = entry({ mac: link('vnet0').mac, state: 'permanent' });
    const { fdb, missing } = copiedEntries(
      withFdb(
        entry({}),
        entry({ mac: '52:54:00:00:00:02', flags: ['sticky'], vlan: 20 }),
        entry({ mac: '52:54:00:00:00:03', port: 'br0', master: null, state: 'permanent' }),
        entry({ mac: '52:54:00:00:00:04', state: 'dynamic' }),
        entry({ mac: '33:33:00:00:00:01', master: null, state: 'permanent' }),
        ownEntry,
      ),
      link('br0'),
      ports,
    );
    expect(fdb).toEqual([
      { mac: '52:54:00:00:00:01', port: 'vnet0', state: 'static' },
      { mac: '52:54:00:00:00:02', port: 'vnet0', state: 'static', sticky: true, vlan: 20 },
      { mac: '52:54:00:00:00:03', port: 'br0', self: true },
    ]);
    expect(missing).toEqual([]);
  });
  it('that other programs keep, or of ports that are not there, are named', () => {
    const { fdb, missing } = copiedEntries(
      withFdb(entry({ flags: ['extern_learn'] }), entry({ port: 'vnet9' })),
      link('br0'),
      ports,
    );
    expect(fdb).toEqual([]);
    expect(missing).toEqual([
      'entry 52:54:00:00:00:01 on vnet0: another program keeps it (extern_learn)',
      'entry 52:54:00:00:00:01 on vnet9: the port is not in the twin',
    ]);
  });
});

describe('filters of a twin', () => {
  it('mirror again where both devices are there', () => {
    expect(copiedFilters(filter('matchall', { actions: [mirror('vnet1')] }), ports)).toEqual({
      commands: [
        ['tc', 'qdisc', 'add', 'dev', 'vnet0', 'clsact'],
        [
          'tc',
          'filter',
          'add',
          'dev',
          'vnet0',
          'ingress',
          'protocol',
          'all',
          'prio',
          '3',
          'matchall',
          'action',
          'mirred',
          'egress',
          'mirror',
          'dev',
          'vnet1',
        ],
      ],
      names: ['tc vnet0 ingress pref 3'],
      missing: [],
    });
  });
  it.each([
    ['a mirror to a device that is not there', 'matchall', { actions: [mirror('mon0')] }],
    [
      'a match on part of the traffic behind a link',
      'u32',
      { match: { value: 'c0a80000', mask: 'ffff0000', off: 12 }, link: '1:', actions: [mirror('vnet1')] },
    ],
    ['an action of another kind', 'matchall', { actions: [mirror('vnet1'), { kind: 'pedit' }] }],
    ['a program', 'bpf', { handle: '0x1', bpf_name: 'x', 'direct-action': true }],
  ])('that are %s are named, not made', (_, kind, options) => {
    const { commands, missing } = copiedFilters(filter(kind, options), ports);
    expect({ commands, missing: missing.length }).toEqual({ commands: [], missing: 1 });
    expect(missing[0]).toContain(`the tc filter ${kind} at vnet0 ingress`);
  });
});

describe('tables of a twin', () => {
  it('are those of the bridge and of its devices; others are named', () => {
    const table = (family: string, name: string): object => ({ table: { family, name } });
    const nft = {
      nftables: [
        table('bridge', 'a'),
        table('netdev', 'b'),
        { chain: { family: 'netdev', table: 'b', name: 'c', dev: 'vnet0' } },
        table('netdev', 'd'),
        { chain: { family: 'netdev', table: 'd', name: 'c', dev: ['vnet0', 'eth9'] } },
        table('inet', 'e'),
        { rule: { family: 'inet', table: 'e' } },
      ],
    };
    const { tables, missing } = copiedTables({ ...state, nft }, ports);
    expect(tables).toEqual([
      { family: 'bridge', name: 'a' },
      { family: 'netdev', name: 'b' },
    ]);
    expect(missing).toEqual(['the nft table netdev d: it is on eth9', expect.stringContaining('the nft table inet e')]);
  });
  it('are not copied where extensions of ebtables carry them out', () => {
    expect(isReadable('table bridge filter {\n chain FORWARD { xt match "among" drop }\n}')).toBe(false);
    expect(isReadable('table bridge guard {\n chain f { iifname "vnet0" drop }\n}')).toBe(true);
  });
});

describe('what might be', () => {
  it('is read by either name of a setting, of devices whose names hold dots and worse', () => {
    expect(
      readWhatIfs(
        ['br0.ageing_time=0', 'eth0.20.flood=off', '$(id).mcast_router=2'],
        'br0',
        new Set(['eth0.20', '$(id)']),
      ),
    ).toEqual([
      { device: 'br0', key: 'ageing_time', value: 0 },
      { device: 'eth0.20', key: 'flood', value: 'off' },
      { device: '$(id)', key: 'multicast_router', value: 2 },
    ]);
  });
});
