import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../../support/scratch.js';
import { libvirtDeclared, libvirtNetwork, networkDeclared } from '../../../../../src/core/discover/declared/libvirt.js';
import { isolatingVnets, proxmoxDeclared } from '../../../../../src/core/discover/declared/proxmox.js';
import type { Declared } from '../../../../../src/core/model/host-config.js';
import { readDeclared } from '../../../../../src/system/state/read-declared.js';

const recorded = (name: string): string =>
  readFileSync(new URL(`../../../../support/recorded/${name}`, import.meta.url), 'utf8');
const root = scratchFolder('declared');

const short = (list: readonly Declared[]): readonly string[] =>
  list.map(({ device, mac, key, value }) => `${device ?? mac ?? ''} ${key} ${String(value)}`);

describe('what a configuration declares', () => {
  const network = libvirtNetwork(
    "<network><name>default</name><bridge name='virbr0' stp='on' delay='0'/><port isolated='yes'/></network>",
  );

  it('libvirt: the bridge and the isolation of each interface, by MAC, with what its network says', () => {
    expect(short(libvirtDeclared(recorded('libvirt-test-domain.xml'), [network]))).toEqual([
      'aa:bb:cc:dd:ee:ff master virbr0',
      'aa:bb:cc:dd:ee:ff isolated true',
    ]);
    expect(short(libvirtDeclared(recorded('libvirt-test-domain.xml'), []))).toEqual([]);
    expect(short(networkDeclared([network]))).toEqual(['virbr0 stp_state true']);
    expect(() => libvirtDeclared('<domain/>', [])).toThrow('no <domain> with a <name>');
  });

  it('Proxmox VE: the port that counts with and without its firewall, its VLAN, and VNets that isolate', () => {
    const vnets = isolatingVnets([
      { vnet: 'lab2002', 'isolate-ports': 1 },
      { vnet: 'open', 'isolate-ports': 0 },
      { vnet: 'plain' },
    ]);
    expect(short(proxmoxDeclared(100, 'qm', recorded('proxmox-qm-config.txt'), vnets))).toEqual([
      'fwpr100p0 native_vlan 20',
      'tap100i1 master lab2002',
      'tap100i1 isolated true',
    ]);
  });

  it("netplan and ifupdown: bridges with their settings and ports, in the kernel's units; later files overrule", async () => {
    mkdirSync(join(root, 'etc/netplan'), { recursive: true });
    mkdirSync(join(root, 'etc/network/interfaces.d'), { recursive: true });
    writeFileSync(
      join(root, 'etc/netplan/10-base.yaml'),
      'network:\n  version: 2\n  ethernets: { enp8s0: { port-mac-learning: false } }\n  bridges: { br0: { interfaces: [enp8s0], parameters: { ageing-time: 300, stp: false } } }\n',
    );
    writeFileSync(
      join(root, 'etc/netplan/20-more.yaml'),
      'network: { bridges: { br0: { parameters: { ageing-time: 30s } } } }\n',
    );
    writeFileSync(
      join(root, 'etc/network/interfaces'),
      'auto vmbr0\niface vmbr0 inet static\n\taddress 10.0.0.1/24\n\tbridge-ports eno1\n\tbridge-stp off\n\tbridge-ageing 300\n\tbridge-vlan-aware yes\niface eno1 inet manual\n',
    );
    writeFileSync(
      join(root, 'etc/network/interfaces.d/br1'),
      'iface br1 inet manual\n  bridge_ports none\n  bridge_ageing 0\niface br2 inet manual\n  bridge-ports glob swp*\n  bridge-stp on\n',
    );
    const { declared, keepers, unread } = await readDeclared({ links: [], fdb: [] }, root);
    expect(unread.filter(({ what }) => !what.includes('libvirt'))).toEqual([]); // which is asked on this machine
    expect(short(declared.filter(({ by }) => by === 'netplan'))).toEqual([
      'enp8s0 learning false',
      'br0 ageing_time 3000',
      'br0 stp_state false',
      'enp8s0 master br0',
    ]);
    expect(short(declared.filter(({ by }) => by === 'ifupdown'))).toEqual([
      'eno1 master vmbr0',
      'vmbr0 stp_state false',
      'vmbr0 ageing_time 30000',
      'vmbr0 vlan_filtering true',
      'br1 ageing_time 0',
      'br2 stp_state true',
    ]);
    const base = join(root, 'etc/netplan/10-base.yaml');
    expect(keepers.filter(({ by }) => by === 'netplan')).toEqual([
      { by: 'netplan', device: 'enp8s0', file: base, kind: 'ethernets', renderer: 'networkd' },
      { by: 'netplan', device: 'br0', file: base, kind: 'bridges', renderer: 'networkd' },
    ]);
    expect(keepers.filter(({ by }) => by === 'ifupdown').map(({ device }) => device)).toEqual([
      'vmbr0',
      'eno1',
      'br1',
      'br2',
    ]);
    writeFileSync(join(root, 'etc/netplan/30-broken.yaml'), 'network: [');
    expect((await readDeclared({ links: [], fdb: [] }, root)).unread).toContainEqual({
      what: 'what netplan declares',
      why: expect.stringContaining('30-broken.yaml'),
    });
  });
});
