import { describe, expect, it } from 'vitest';
import { audit } from '../../../../src/core/audit/audit.js';
import { libvirtDeclared } from '../../../../src/core/discover/declared/libvirt.js';
import type { AuditFinding } from '../../../../src/core/model/audit.js';
import type { ConfigurationManager } from '../../../../src/core/model/fix.js';
import type { Declared } from '../../../../src/core/model/host-config.js';
import type { Settings } from '../../../../src/core/model/scenario.js';
import type { FdbState } from '../../../../src/core/model/state.js';
import { setLink } from '../../../support/link-state.js';
import { defaultBridge, withState } from '../../../support/snapshots/recorded.js';

const guestMac = '02:76:69:00:00:00';
const ageing: Declared = {
  by: 'ifupdown',
  readFrom: '/etc/network/interfaces',
  device: 'br0',
  mac: null,
  key: 'ageing_time',
  value: 0,
  apply: 'ifreload -a, or ifdown br0 and ifup br0',
};
const domain = (port: string): string =>
  `<domain><name>kali1</name><devices><interface type='bridge'><mac address='${guestMac}'/><source bridge='br0'/>${port}</interface></devices></domain>`;

/** What is found of a configuration on that bridge, whose device or port has these settings. */
function found(
  declared: readonly Declared[],
  live: { readonly device: string; readonly settings: Settings },
  more: { readonly keepers?: readonly ConfigurationManager[]; readonly fdb?: readonly FdbState[] } = {},
): AuditFinding | undefined {
  const { fdb = defaultBridge.state.fdb, ...keepers } = more;
  const set = setLink(live.device, ({ kind, bridge, port }) =>
    kind === 'bridge' ? { bridge: { ...bridge, ...live.settings } } : { port: { ...port, ...live.settings } },
  );
  return audit({ ...withState(defaultBridge, { fdb }, set), declared, ...keepers }).findings.find(
    ({ id }) => id === 'declared-not-live',
  );
}

describe('a running value that protects where the configuration does not', () => {
  const lost = 'the running setting protects, the configuration does not: the protection is lost at the next start';

  it('is low, and its fix corrects the file: the ageing time of a hub', () => {
    const finding = found([ageing], { device: 'br0', settings: { ageing_time: 30_000 } });
    expect(finding).toMatchObject({ severity: 'low', place: 'br0.ageing_time', value: '30000, ifupdown says 0' });
    expect(finding).toMatchObject({
      text: lost,
      fix: 'correct ageing_time in the configuration of ifupdown (/etc/network/interfaces): 30000, not 0',
    });
    expect(finding?.lasting).toBeUndefined();
  });

  it('has the form that stays where it is known what makes the device', () => {
    const keeper: ConfigurationManager = {
      by: 'ifupdown2',
      device: 'br0',
      file: '/etc/network/interfaces',
      bridge: 'br0',
    };
    const finding = found([ageing], { device: 'br0', settings: { ageing_time: 30_000 } }, { keepers: [keeper] });
    expect(finding?.lasting).toMatchObject([
      { where: '/etc/network/interfaces, below iface br0', form: '    bridge-ageing 300' },
    ]);
  });

  it('is low for a port that was isolated by hand: libvirt makes it anew at each start, not isolated', () => {
    const finding = found(libvirtDeclared(domain(''), []), { device: 'vnet0', settings: { isolated: true } });
    expect(finding).toMatchObject({ severity: 'low', place: 'vnet0.isolated', value: 'on, libvirt says off' });
    expect(finding).toMatchObject({
      text: lost,
      fix: 'correct isolated in the configuration of libvirt (virsh dumpxml --inactive kali1): on, not off',
    });
    expect(found(libvirtDeclared(domain(''), []), { device: 'vnet0', settings: { isolated: false } })).toBeUndefined();
  });

  it.each<readonly [Declared['key'], string, Settings]>([
    ['vlan_filtering', 'br0', { vlan_filtering: 1 }],
    ['mcast_snooping', 'br0', { mcast_snooping: 1 }],
    ['hairpin', 'vnet0', { hairpin: false }],
    ['neigh_suppress', 'vnet0', { neigh_suppress: false }],
  ])('is low: %s', (key, device, settings) => {
    const value = device === 'vnet0';
    expect(found([{ ...ageing, device, key, value }], { device, settings })).toMatchObject({ severity: 'low' });
  });

  it('is low where a port learns nothing and has a static entry, and high where it has none', () => {
    const learning: Declared = { ...ageing, device: 'vnet0', key: 'learning', value: true };
    const off = { device: 'vnet0', settings: { learning: false } };
    const fdb = defaultBridge.state.fdb.map((entry) =>
      entry.mac === guestMac ? { ...entry, state: 'static' } : entry,
    );
    expect(found([learning], off, { fdb })).toMatchObject({ severity: 'low' });
    expect(found([learning], off)).toMatchObject({ severity: 'high', fix: ageing.apply });
  });
});

describe('a running value that lets more through than the configuration', () => {
  it('is high, and the configuration has to be applied', () => {
    expect(found([{ ...ageing, value: 30_000 }], { device: 'br0', settings: { ageing_time: 0 } })).toMatchObject({
      severity: 'high',
      fix: ageing.apply,
    });
    expect(
      found(libvirtDeclared(domain("<port isolated='yes'/>"), []), { device: 'vnet0', settings: { isolated: false } }),
    ).toMatchObject({ severity: 'high', fix: 'restart the guest' });
  });
});
