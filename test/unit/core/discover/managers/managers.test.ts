import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scratchFolder } from '../../../../support/scratch.js';
import { libvirtIsolated, libvirtNetwork } from '../../../../../src/core/discover/managers/libvirt.js';
import { isolatingVnets, proxmoxIsolated, proxmoxManagers } from '../../../../../src/core/discover/managers/proxmox.js';
import { readManagers } from '../../../../../src/system/state/read-managers.js';

const recorded = (name: string): string =>
  readFileSync(new URL(`../../../../support/recorded/${name}`, import.meta.url), 'utf8');
const root = scratchFolder('keepers');

describe('ports that a manager isolates', () => {
  it('libvirt: of each interface, by MAC, with what its network says', () => {
    const network = libvirtNetwork(
      "<network><name>default</name><bridge name='virbr0'/><port isolated='yes'/></network>",
    );
    expect(libvirtIsolated(recorded('libvirt-test-domain.xml'), [network])).toEqual([
      { by: 'libvirt', device: null, mac: 'aa:bb:cc:dd:ee:ff' },
    ]);
    expect(libvirtIsolated(recorded('libvirt-test-domain.xml'), [])).toEqual([]);
    expect(() => libvirtIsolated('<domain/>', [])).toThrow('no <domain> with a <name>');
  });

  it('Proxmox VE: on VNets that isolate, the port that counts', () => {
    const vnets = isolatingVnets([
      { vnet: 'lab2002', 'isolate-ports': 1 },
      { vnet: 'open', 'isolate-ports': 0 },
      { vnet: 'plain' },
    ]);
    const managers = proxmoxManagers(100, 'qm', recorded('proxmox-qm-config.txt'), new Set());
    expect(proxmoxIsolated(managers, vnets)).toEqual([{ by: 'Proxmox VE', device: 'tap100i1', mac: null }]);
  });
});

describe('what makes bridges and ports', () => {
  it('netplan and ifupdown: each bridge and port, and the first file that names it', async () => {
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
    const { keepers, unread } = await readManagers({ links: [], fdb: [] }, root);
    expect(unread.filter(({ what }) => !what.includes('libvirt'))).toEqual([]); // which is asked on this machine
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
    expect((await readManagers({ links: [], fdb: [] }, root)).unread).toContainEqual({
      what: 'what netplan declares',
      why: expect.stringContaining('30-broken.yaml'),
    });
  });
});
