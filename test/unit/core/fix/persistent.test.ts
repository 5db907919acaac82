import { describe, expect, it } from 'vitest';
import { persistentFixes } from '../../../../src/core/fix/persistent.js';
import { wantedOfFix } from '../../../../src/core/fix/wanted.js';
import type { ConfigurationManager } from '../../../../src/core/model/persistent-fix.js';

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
const netplan = (
  device: string,
  kind: string,
  renderer: 'networkd' | 'NetworkManager' = 'networkd',
): ConfigurationManager => ({
  by: 'netplan',
  device,
  kind,
  file: '/etc/netplan/01.yaml',
  renderer,
});
const vmbr: ConfigurationManager = {
  by: 'ifupdown2',
  device: 'vmbr0',
  file: '/etc/network/interfaces',
  bridge: 'vmbr0',
};

const forms = (fix: string, ...managers: readonly ConfigurationManager[]): readonly string[] =>
  persistentFixes(fix, managers).map(({ where, form, note }) => `${where}\n${form === '' ? note : form}`);

describe('what a fix wants', () => {
  it('is read from the commands of causes and of the audit, whatever words come after', () => {
    expect(
      wantedOfFix(
        'bridge fdb replace 52:54:00:85:20:d1 dev vnet0 master static && bridge link set dev vnet0 learning off locked on',
      ),
    ).toEqual([
      { kind: 'entry', device: 'vnet0', mac: '52:54:00:85:20:d1', own: false, sticky: false },
      { kind: 'port', device: 'vnet0', key: 'learning', value: 'off' },
      { kind: 'port', device: 'vnet0', key: 'locked', value: 'on' },
    ]);
    expect(
      wantedOfFix("ip link set dev br0 type bridge mcast_querier 1, or mcast_flood off on the guests' ports"),
    ).toEqual([{ kind: 'bridge', device: 'br0', key: 'mcast_querier', value: '1' }]);
    expect(
      wantedOfFix(
        'where VLANs are to separate guests: ip link set dev br0 type bridge vlan_filtering 1, and VLANs for each port',
      ),
    ).toEqual([{ kind: 'bridge', device: 'br0', key: 'vlan_filtering', value: '1' }]);
    expect(
      wantedOfFix('bridge link set dev vnet0 locked on learning off, and a static entry for the guest'),
    ).toHaveLength(2);
    expect(wantedOfFix("bridge link set dev 'a b' flood off")).toEqual([
      { kind: 'port', device: 'a b', key: 'flood', value: 'off' },
    ]);
    expect(
      wantedOfFix('bridge fdb add 00:0c:29:aa:bb:cc dev br0 self permanent, or attach it by a port of its own'),
    ).toEqual([{ kind: 'entry', device: 'br0', mac: '00:0c:29:aa:bb:cc', own: true, sticky: false }]);
  });

  it('is nothing where there is nothing to keep', () => {
    for (const fix of [
      '',
      'tc filter del dev vnet0 ingress',
      'end the process where it should not listen',
      'ifreload -a, or ifdown br0 and ifup br0',
      'nft delete rule bridge t c handle 4',
      'bridge link set dev vnet0 flood',
      'bridge fdb replace nonsense dev vnet0 master static',
    ]) {
      expect(wantedOfFix(fix), fix).toEqual([]);
    }
  });
});

describe('lasting forms', () => {
  it('libvirt: its XML where it has an option, for the guest or for its network, else a hook that finds the port by its MAC', () => {
    expect(forms('bridge link set dev vnet0 isolated on', guest)).toEqual([
      `virsh edit 'kali'\\''s 2', in the <interface> with <mac address='52:54:00:85:20:d1'/>\n<port isolated='yes'/>`,
    ]);
    expect(forms('bridge link set dev vnet0 flood off', inNetwork)).toEqual([
      "virsh net-edit default: the attribute macTableManager of its <bridge>\n<bridge name='br0' macTableManager='libvirt'/>",
    ]);
    expect(forms('bridge fdb replace 52:54:00:85:20:d1 dev vnet0 master static sticky', guest)[0]).toContain(
      "<forward mode='bridge'/>",
    );
    expect(
      forms(
        'bridge fdb replace 52:54:00:85:20:d1 dev vnet0 master static && bridge link set dev vnet0 learning off locked on',
        guest,
      ),
    ).toEqual([expect.stringMatching(/<filterref filter='no-mac-spoofing'\/>$/)]);
    const [hook] = forms('bridge link set dev vnet0 mcast_flood off', guest);
    expect(hook).toContain('/etc/libvirt/hooks/qemu.d/kali_s_2-isolation');
    expect(hook).toContain('$3 == "fe:54:00:85:20:d1"');
    expect(hook).toContain('bridge link set dev "$port" mcast_flood off');
    expect(forms('ip link set dev virbr0 type bridge ageing_time 30000', virbr)).toEqual([
      `/etc/libvirt/hooks/network.d/default-isolation\n#!/bin/sh\n[ "$1 $2" = 'default started' ] || exit 0\nip link set dev virbr0 type bridge ageing_time 30000`,
    ]);
  });

  it('Proxmox VE: options of VNet, bridge and firewall, else a hookscript', () => {
    expect(forms('bridge link set dev tap100i0 isolated on', { ...nic, isVnet: true, bridge: 'lab2002' })).toEqual([
      'the VNet lab2002: Datacenter, SDN, VNets, Isolate Ports\npvesh set /cluster/sdn/vnets/lab2002 --isolate-ports 1 && pvesh set /cluster/sdn',
    ]);
    expect(forms('bridge link set dev tap100i0 isolated on', nic)).toEqual([
      `/var/lib/vz/snippets/isolation-100.sh\n#!/bin/sh\n[ "$1 $2" = '100 post-start' ] || exit 0\nbridge link set dev tap100i0 isolated on`,
    ]);
    expect(forms('bridge link set dev tap100i0 flood off', nic)).toEqual([
      '/etc/network/interfaces, below iface vmbr0\n        bridge-disable-mac-learning 1',
    ]);
    const [mac] = persistentFixes(
      'bridge fdb replace bc:24:11:00:00:01 dev tap100i0 master static && bridge link set dev tap100i0 learning off locked on',
      [nic],
    );
    expect(mac).toMatchObject({
      where: '/etc/pve/firewall/100.fw',
      apply: expect.stringContaining('qm set 100 --net0 virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,'),
    });
  });

  it('netplan: its own options, else an addition for networkd, else says that there is none', () => {
    expect(forms('ip link set dev br0 type bridge ageing_time 30000', netplan('br0', 'bridges'))).toEqual([
      '/etc/netplan/90-isolation.yaml\nnetwork:\n  version: 2\n  bridges:\n    "br0":\n      parameters:\n        ageing-time: 300',
    ]);
    expect(forms('ip link set dev br0 type bridge vlan_filtering 1', netplan('br0', 'bridges'))).toEqual([
      '/etc/systemd/network/10-netplan-br0.netdev.d/isolation.conf\n[Bridge]\nVLANFiltering=yes',
    ]);
    expect(
      forms('bridge link set dev enp8s0 flood off root_block on learning off', netplan('enp8s0', 'ethernets')),
    ).toEqual([
      '/etc/netplan/90-isolation.yaml\nnetwork:\n  version: 2\n  ethernets:\n    "enp8s0":\n      port-mac-learning: false',
      '/etc/systemd/network/10-netplan-enp8s0.network.d/isolation.conf\n[Bridge]\nUnicastFlood=no\nAllowPortToBeRoot=no',
    ]);
    expect(forms('bridge link set dev enp8s0 bcast_flood off', netplan('enp8s0', 'ethernets'))).toEqual([
      expect.stringContaining('neither netplan nor networkd has a form for it'),
    ]);
    expect(
      forms('bridge fdb replace 00:11:22:33:44:55 dev enp8s0 master static', netplan('enp8s0', 'ethernets')),
    ).toEqual([expect.stringContaining('cut off')]);
    expect(
      forms('bridge link set dev enp8s0 flood off learning off', netplan('enp8s0', 'ethernets', 'NetworkManager')),
    ).toEqual([
      '/etc/NetworkManager/dispatcher.d/50-isolation-enp8s0\n#!/bin/sh\n[ "$1 $2" = \'enp8s0 up\' ] || exit 0\nbridge link set dev enp8s0 flood off\nbridge link set dev enp8s0 learning off',
    ]);
    expect(
      forms(
        'ip link set dev br0 type bridge vlan_filtering 1 ageing_time 30000',
        netplan('br0', 'bridges', 'NetworkManager'),
      ),
    ).toEqual([
      '/etc/netplan/90-isolation.yaml\nnetwork:\n  version: 2\n  bridges:\n    "br0":\n      parameters:\n        ageing-time: 300\n      networkmanager:\n        passthrough:\n          bridge.vlan-filtering: "true"',
    ]);
  });

  it('ifupdown2 and ifupdown: options of the stanza, else commands in it', () => {
    expect(forms('ip link set dev vmbr0 type bridge ageing_time 30000', vmbr)).toEqual([
      '/etc/network/interfaces, below iface vmbr0\n    bridge-ageing 300',
    ]);
    expect(forms('bridge link set dev eno1 flood off isolated on', { ...vmbr, device: 'eno1' })).toEqual([
      '/etc/network/interfaces, below iface vmbr0\n    bridge-unicast-flood eno1=off\n    post-up bridge link set dev eno1 isolated on',
    ]);
    expect(
      forms('ip link set dev br1 type bridge ageing_time 30000', {
        by: 'ifupdown',
        device: 'br1',
        file: '/etc/network/interfaces.d/br1',
        bridge: 'br1',
      }),
    ).toEqual(['/etc/network/interfaces.d/br1, below iface br1\n    bridge_ageing 300']);
    expect(
      forms('ip link set dev br1 type bridge fdb_max_learned 0', {
        by: 'ifupdown',
        device: 'br1',
        file: 'i',
        bridge: 'br1',
      }),
    ).toEqual(['i, below iface br1\n    post-up ip link set dev br1 type bridge fdb_max_learned 0']);
  });

  it('what no manager of guests keeps: sysctls, rules, the database of Open vSwitch and what is not in it', () => {
    expect(forms('sysctl -w net.ipv4.ip_forward=0')).toEqual([
      '/etc/sysctl.d/90-isolation.conf\nnet.ipv4.ip_forward = 0',
    ]);
    expect(
      forms(
        "nft add table bridge guard && nft 'add chain bridge guard ingress { type filter hook prerouting priority -300; }'",
      ),
    ).toEqual([
      '/etc/nftables.conf, at its end\nadd table bridge guard\nadd chain bridge guard ingress { type filter hook prerouting priority -300; }',
    ]);
    expect(forms('ovs-ofctl mod-port br0 vnet0 no-flood')).toEqual([expect.stringContaining('not in its database')]);
  });

  it('nothing where nobody is known who keeps the device', () => {
    expect(forms('bridge link set dev vnet9 flood off', guest, vmbr)).toEqual([]);
  });
});
