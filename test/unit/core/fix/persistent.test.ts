import { describe, expect, it } from 'vitest';
import {
  advice,
  ownEntry,
  execute,
  setBridge,
  setPort,
  setSysctl,
  setEntry,
} from '../../../../src/core/bridge/changes.js';
import { persistentFixes } from '../../../../src/core/fix/persistent.js';
import { targetsOf } from '../../../../src/core/fix/wanted.js';
import type { Change } from '../../../../src/core/model/fabric.js';
import type { ConfigurationManager } from '../../../../src/core/model/fix.js';
import type { FdbEntry } from '../../../../src/core/model/scenario.js';
import { netplan } from '../../../support/managers/netplan.js';

function entryOf(mac: string): FdbEntry {
  return { mac, port: 'vnet0', state: 'static', sticky: false, vlan: null, self: false };
}

const guest: ConfigurationManager = {
  by: 'libvirt',
  device: 'vnet0',
  keeps: 'guest',
  guest: "kali's 2",
  mac: '52:54:00:85:20:d1',
  network: null,
  bridge: 'br0',
};
const inNetwork: ConfigurationManager = { ...guest, network: 'default' };
const virbr: ConfigurationManager = { by: 'libvirt', device: 'virbr0', keeps: 'network', network: 'default' };
const nic: ConfigurationManager = {
  by: 'Proxmox VE',
  device: 'tap100i0',
  program: 'qm',
  id: 100,
  nic: 'net0',
  value: 'virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=0',
  bridge: 'vmbr0',
  isVnet: false,
};
const vmbr: ConfigurationManager = {
  by: 'ifupdown2',
  device: 'vmbr0',
  file: '/etc/network/interfaces',
  bridge: 'vmbr0',
};

const forms = (fix: readonly Change[], ...managers: readonly ConfigurationManager[]): readonly string[] =>
  persistentFixes(fix, managers).map(({ where, form, note }) => `${where}\n${form === '' ? note : form}`);

describe('what a fix wants', () => {
  const mac = '52:54:00:85:20:d1';
  it('is what its changes leave behind', () => {
    expect(
      targetsOf([setEntry(mac, 'vnet0'), setPort('vnet0', 'learning', false), setPort('vnet0', 'locked', true)]),
    ).toEqual([
      { kind: 'entry', device: 'vnet0', mac, self: false, sticky: false },
      { kind: 'port', device: 'vnet0', key: 'learning', value: 'off' },
      { kind: 'port', device: 'vnet0', key: 'locked', value: 'on' },
    ]);
    expect(targetsOf([setBridge('br0', 'mcast_querier', true), setBridge('br0', 'ageing_time', 30_000)])).toEqual([
      { kind: 'bridge', device: 'br0', key: 'mcast_querier', value: '1' },
      { kind: 'bridge', device: 'br0', key: 'ageing_time', value: '30000' },
    ]);
    expect(targetsOf([setPort('a b', 'multicast_router', 0)])).toEqual([
      { kind: 'port', device: 'a b', key: 'mcast_router', value: '0' },
    ]);
    expect(targetsOf([ownEntry(mac, 'br0'), setSysctl('net.ipv4.ip_forward', '0')])).toEqual([
      { kind: 'entry', device: 'br0', mac, self: true, sticky: false },
      { kind: 'sysctl', name: 'net.ipv4.ip_forward', value: '0' },
    ]);
    const entry = { port: 'vnet0', first: 10, last: 10, pvid: false, untagged: false };
    expect(targetsOf([{ kind: 'vlan', act: 'del', self: false, entry }])).toEqual([
      { kind: 'no-vlan', device: 'vnet0', vid: 10 },
    ]);
    expect(targetsOf([execute('nft', 'add', 'table', 'bridge', 'x'), execute('ovs-vsctl', 'list', 'Port')])).toEqual([
      { kind: 'nft', rule: 'add table bridge x' },
      { kind: 'ovs', program: 'ovs-vsctl' },
    ]);
  });

  it.each<readonly [string, Change]>([
    ['a rule of tc that goes', execute('tc', 'filter', 'del', 'dev', 'vnet0', 'ingress')],
    ['a rule of nft that goes', execute('nft', 'delete', 'rule', 'bridge', 't', 'c', 'handle', '4')],
    ['an entry that goes', { kind: 'fdb', act: 'del', entry: entryOf(mac) }],
    ['an attribute of the link', { kind: 'set', place: 'link', device: 'vnet0', key: 'mtu', value: 1500 }],
    ['a table that is emptied', { kind: 'fdb-flush', bridge: 'br0' }],
  ])('is nothing where there is nothing to keep: %s', (_what, change) => expect(targetsOf([change])).toEqual([]));

  it('is nothing of words to people', () => expect(targetsOf(advice('ifreload -a').changes)).toEqual([]));
});

describe('lasting forms', () => {
  it('libvirt: its XML where it has an option, for the guest or for its network, else a hook that finds the port by its MAC', () => {
    expect(forms([setPort('vnet0', 'isolated', true)], guest)).toEqual([
      `virsh edit 'kali'\\''s 2', in the <interface> with <mac address='52:54:00:85:20:d1'/>\n<port isolated='yes'/>`,
    ]);
    expect(forms([setPort('vnet0', 'flood', false)], inNetwork)).toEqual([
      "virsh net-edit default: the attribute macTableManager of its <bridge>\n<bridge name='br0' macTableManager='libvirt'/>",
    ]);
    expect(forms([setEntry('52:54:00:85:20:d1', 'vnet0', true)], guest)[0]).toContain("<forward mode='bridge'/>");
    expect(
      forms(
        [setEntry('52:54:00:85:20:d1', 'vnet0'), setPort('vnet0', 'learning', false), setPort('vnet0', 'locked', true)],
        guest,
      ),
    ).toEqual([expect.stringMatching(/<filterref filter='no-mac-spoofing'\/>$/)]);
    const [hook] = forms([setPort('vnet0', 'mcast_flood', false)], guest);
    expect(hook).toContain('/etc/libvirt/hooks/qemu.d/kali_s_2-isolation');
    expect(hook).toContain('$3 == "fe:54:00:85:20:d1"');
    expect(hook).toContain('bridge link set dev "$port" mcast_flood off');
    expect(forms([setBridge('virbr0', 'ageing_time', 30_000)], virbr)).toEqual([
      `/etc/libvirt/hooks/network.d/default-isolation\n#!/bin/sh\n[ "$1 $2" = 'default started' ] || exit 0\nip link set dev virbr0 type bridge ageing_time 30000`,
    ]);
  });

  it('Proxmox VE: options of VNet, bridge and firewall, else a hookscript', () => {
    expect(forms([setPort('tap100i0', 'isolated', true)], { ...nic, isVnet: true, bridge: 'lab2002' })).toEqual([
      'the VNet lab2002: Datacenter, SDN, VNets, Isolate Ports\npvesh set /cluster/sdn/vnets/lab2002 --isolate-ports 1 && pvesh set /cluster/sdn',
    ]);
    expect(forms([setPort('tap100i0', 'isolated', true)], nic)).toEqual([
      `/var/lib/vz/snippets/isolation-100.sh\n#!/bin/sh\n[ "$1 $2" = '100 post-start' ] || exit 0\nbridge link set dev tap100i0 isolated on`,
    ]);
    expect(forms([setPort('tap100i0', 'flood', false)], nic)).toEqual([
      '/etc/network/interfaces, below iface vmbr0\n        bridge-disable-mac-learning 1',
    ]);
    const [mac] = persistentFixes(
      [
        setEntry('bc:24:11:00:00:01', 'tap100i0'),
        setPort('tap100i0', 'learning', false),
        setPort('tap100i0', 'locked', true),
      ],
      [nic],
    );
    expect(mac).toMatchObject({
      where: '/etc/pve/firewall/100.fw',
      apply: expect.stringContaining('qm set 100 --net0 virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,'),
    });
  });

  it('netplan: its own options, else an addition for networkd, else says that there is none', () => {
    expect(forms([setBridge('br0', 'ageing_time', 30_000)], netplan('br0', 'bridges'))).toEqual([
      '/etc/netplan/90-isolation.yaml\nnetwork:\n  version: 2\n  bridges:\n    "br0":\n      parameters:\n        ageing-time: 300',
    ]);
    expect(forms([setBridge('br0', 'vlan_filtering', 1)], netplan('br0', 'bridges'))).toEqual([
      '/etc/systemd/network/10-netplan-br0.netdev.d/isolation.conf\n[Bridge]\nVLANFiltering=yes',
    ]);
    expect(
      forms(
        [
          setPort('enp8s0', 'flood', false),
          setPort('enp8s0', 'root_block', true),
          setPort('enp8s0', 'learning', false),
        ],
        netplan('enp8s0', 'ethernets'),
      ),
    ).toEqual([
      '/etc/netplan/90-isolation.yaml\nnetwork:\n  version: 2\n  ethernets:\n    "enp8s0":\n      port-mac-learning: false',
      '/etc/systemd/network/10-netplan-enp8s0.network.d/isolation.conf\n[Bridge]\nUnicastFlood=no\nAllowPortToBeRoot=no',
    ]);
    expect(forms([setPort('enp8s0', 'bcast_flood', false)], netplan('enp8s0', 'ethernets'))).toEqual([
      expect.stringContaining('neither netplan nor networkd has a form for it'),
    ]);
    expect(forms([setEntry('00:11:22:33:44:55', 'enp8s0')], netplan('enp8s0', 'ethernets'))).toEqual([
      expect.stringContaining('cut off'),
    ]);
    expect(
      forms(
        [setPort('enp8s0', 'flood', false), setPort('enp8s0', 'learning', false)],
        netplan('enp8s0', 'ethernets', 'NetworkManager'),
      ),
    ).toEqual([
      '/etc/NetworkManager/dispatcher.d/50-isolation-enp8s0\n#!/bin/sh\n[ "$1 $2" = \'enp8s0 up\' ] || exit 0\nbridge link set dev enp8s0 flood off\nbridge link set dev enp8s0 learning off',
    ]);
    expect(
      forms(
        [setBridge('br0', 'vlan_filtering', 1), setBridge('br0', 'ageing_time', 30_000)],
        netplan('br0', 'bridges', 'NetworkManager'),
      ),
    ).toEqual([
      '/etc/netplan/90-isolation.yaml\nnetwork:\n  version: 2\n  bridges:\n    "br0":\n      parameters:\n        ageing-time: 300\n      networkmanager:\n        passthrough:\n          bridge.vlan-filtering: "true"',
    ]);
  });

  it('ifupdown2 and ifupdown: options of the stanza, else commands in it', () => {
    expect(forms([setBridge('vmbr0', 'ageing_time', 30_000)], vmbr)).toEqual([
      '/etc/network/interfaces, below iface vmbr0\n    bridge-ageing 300',
    ]);
    expect(
      forms([setPort('eno1', 'flood', false), setPort('eno1', 'isolated', true)], { ...vmbr, device: 'eno1' }),
    ).toEqual([
      '/etc/network/interfaces, below iface vmbr0\n    bridge-unicast-flood eno1=off\n    post-up bridge link set dev eno1 isolated on',
    ]);
    expect(
      forms([setBridge('br1', 'ageing_time', 30_000)], {
        by: 'ifupdown',
        device: 'br1',
        file: '/etc/network/interfaces.d/br1',
        bridge: 'br1',
      }),
    ).toEqual(['/etc/network/interfaces.d/br1, below iface br1\n    bridge_ageing 300']);
    expect(
      forms([setBridge('br1', 'fdb_max_learned', 0)], {
        by: 'ifupdown',
        device: 'br1',
        file: 'i',
        bridge: 'br1',
      }),
    ).toEqual(['i, below iface br1\n    post-up ip link set dev br1 type bridge fdb_max_learned 0']);
  });

  it.each([
    [[setSysctl('net.ipv4.ip_forward', '0')], ['/etc/sysctl.d/90-isolation.conf\nnet.ipv4.ip_forward = 0']],
    [
      [
        execute('nft', 'add', 'table', 'bridge', 'guard'),
        execute('nft', 'add chain bridge guard ingress { type filter hook prerouting priority -300; }'),
      ],
      [
        '/etc/nftables.conf, at its end\nadd table bridge guard\nadd chain bridge guard ingress { type filter hook prerouting priority -300; }',
      ],
    ],
    [[execute('ovs-ofctl', 'mod-port', 'br0', 'vnet0', 'no-flood')], [expect.stringContaining('not in its database')]],
  ])(
    'what no manager of guests keeps: sysctls, rules, the database of Open vSwitch and what is not in it: case %#',
    (fix, expected) => expect(forms(fix)).toEqual(expected),
  );

  it('nothing where nobody is known who keeps the device', () => {
    expect(forms([setPort('vnet9', 'flood', false)], guest, vmbr)).toEqual([]);
  });
});
