import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerGuests, withSandboxPort } from '../../../../src/core/discover/guests/containers.js';
import { guestOfPort } from '../../../../src/core/discover/guests.js';
import { incusGuests } from '../../../../src/core/discover/guests/incus.js';
import { libvirtGuests } from '../../../../src/core/discover/guests/libvirt.js';
import { proxmoxGuests, proxmoxOwner, proxmoxContext } from '../../../../src/core/discover/guests/proxmox.js';
import { namespaceGuests } from '../../../../src/core/discover/guests/sandbox.js';
import type { GuestRecord } from '../../../../src/core/model/host-config.js';
import { parseLinks } from '../../../../src/system/state/parse-links.js';
import { anyCharacter } from '../../../support/property-runs.js';

const recorded = (name: string): string =>
  readFileSync(new URL(`../../../support/recorded/${name}`, import.meta.url), 'utf8');
const json = (name: string): unknown => JSON.parse(recorded(name));
const brief = ({ name, port, mac, zone }: GuestRecord): string =>
  `${name} ${port ?? '-'} ${mac ?? '-'} ${zone === null ? '-' : `${zone.name} (${zone.from})`}`;
const around = proxmoxContext(json('proxmox-resources.json'), json('proxmox-vnets.json'));

describe('names and zones of guests', () => {
  it('come from libvirt’s domains, by their ports', () => {
    expect(libvirtGuests(recorded('libvirt-test-domain.xml')).map(brief)).toEqual([
      'test testnet0 aa:bb:cc:dd:ee:ff -',
    ]);
  });

  it('come from OpenStack’s metadata in them, and then the project is the zone', () => {
    expect(libvirtGuests(recorded('libvirt-nova-domain.xml')).map(brief)).toEqual([
      'web & mail tapf2073410-64 fa:16:3e:4f:e5:b5 acmecorp (OpenStack project)',
    ]);
  });

  it('come from a domain’s VLAN or port group where there is no project, and from no trunk', () => {
    const zoneOf = (inner: string, source = '<source network="n"/>'): string =>
      libvirtGuests(
        `<domain><name>d</name><devices><interface type="network">${source}${inner}</interface></devices></domain>`,
      ).map(brief)[0] ?? '';
    expect(zoneOf('<vlan><tag id="7"/></vlan>')).toContain('vlan7 (VLAN)');
    expect(zoneOf('<vlan trunk="yes"><tag id="7"/><tag id="8"/></vlan>')).toMatch(/ -$/);
    expect(zoneOf('', '<source network="n" portgroup="sales"/>')).toContain('sales (port group)');
  });

  it('come from Proxmox VE’s configuration, with the port of their own, and not from snapshots', () => {
    expect(proxmoxGuests(100, 'qm', recorded('proxmox-qm-config.txt'), around).map(brief)).toEqual([
      'web01 tap100i0 bc:24:11:2a:6f:12 prod (tag)',
      'web01 tap100i1 bc:24:11:2a:6f:13 prod (tag)',
    ]);
    expect(
      proxmoxGuests(101, 'pct', recorded('proxmox-pct-config.txt'), around).map(
        (guest) => `${brief(guest)} ${guest.ips.join()}`,
      ),
    ).toEqual(['nas veth101i0 bc:24:11:90:e2:a7 storage (pool) 192.168.2.121']);
  });

  it('come from the VNet, then from the VLAN, where there is neither pool nor tag', () => {
    const config = recorded('proxmox-qm-config.txt').replace('tags: prod;web\n', '');
    expect(proxmoxGuests(100, 'qm', config, around).map(({ zone }) => `${zone?.name} ${zone?.from}`)).toEqual([
      'vlan20 VLAN',
      'lab2002 VNet',
    ]);
  });

  it('know Proxmox VE’s interfaces by their names', () => {
    expect(
      ['tap100i0', 'veth101i2', 'fwpr100p0', 'fwln100i0', 'fwbr100i0', 'vnet0', 'tap100', 'tap;i0'].map(proxmoxOwner),
    ).toEqual([{ id: 100, program: 'qm' }, { id: 101, program: 'pct' }, null, null, null, null, null, null]);
  });

  it('come from Incus, running instances only, by the name of their interface on the host', () => {
    const v4 = ({ ips }: GuestRecord): string => ips.filter((ip) => !ip.includes(':')).join();
    expect(incusGuests('incus', json('incus-list.json')).map((guest) => `${brief(guest)} ${v4(guest)}`)).toEqual([
      'bridged vethcd12213b 10:66:6a:2e:fe:c8 - 10.215.217.227',
      'bridged vethown 10:66:6a:00:00:07 - ',
      'web vethda4af923 10:66:6a:50:bd:c3 - 10.215.217.40',
      'db veth3b449102 10:66:6a:b5:ad:28 shop (project) 10.215.217.212',
    ]);
    const links = json('incus-ip-link.json');
    const ports = Array.isArray(links) ? links.filter((link) => 'master' in link).map(({ ifname }) => ifname) : [];
    expect(
      incusGuests('incus', json('incus-list.json'))
        .map(({ port }) => port)
        .sort(),
    ).toEqual(ports.sort()); // as the kernel has them
  });

  it('come from the VLAN of an Incus device, and for a machine from what is written down of its interface', () => {
    const machine = {
      name: 'v1',
      project: 'default',
      status: 'Running',
      expanded_config: { 'volatile.eth0.hwaddr': '00:16:3e:01:02:03', 'volatile.eth0.host_name': 'tap5b6c7d8e' },
      expanded_devices: { eth0: { type: 'nic', vlan: '42' } },
      state: null,
    };
    expect(incusGuests('incus', [machine]).map(brief)).toEqual(['v1 tap5b6c7d8e 00:16:3e:01:02:03 vlan42 (VLAN)']);
  });

  it('come from running domains of QEMU, as the kernel has their ports', () => {
    expect(libvirtGuests(recorded('libvirt-qemu-domain.xml')).map(brief)).toEqual([
      'shop-1 vnet0 52:54:00:85:20:d1 acme 1 (OpenStack project)',
      'shop-1 vnet1 52:54:00:27:4e:01 acme 1 (OpenStack project)',
    ]);
    expect(JSON.stringify(json('libvirt-ip-link.json'))).toMatch(
      /"ifname":"vnet0".*"master":"br0".*"ifname":"vnet1".*"master":"br0"/,
    );
  });

  it('come from containers, by MAC', () => {
    const reported = (guests: readonly GuestRecord[]): readonly string[] =>
      guests.map((guest) => `${brief(guest)} ${guest.ips.join()} ${guest.netns?.replace(/.*\//, '') ?? ''}`);
    expect(reported(containerGuests('docker', json('docker-inspect.json')))).toEqual([
      'two - 02:42:ac:13:00:02 bank (Compose project) 172.19.0.2,fd00:78::2 70882e155a0d',
      'two - 02:42:ac:12:00:02 bank (Compose project) 172.18.0.2 70882e155a0d',
      'web - 02:42:ac:11:00:02 shop (Compose project) 172.17.0.2 239a08ed7035',
    ]);
  });

  it('are the members of a pod, not its infra container', () => {
    expect(containerGuests('podman', json('podman-inspect.json')).map(brief)).toEqual([
      'web - 12:1f:40:d3:e4:5f shop (Compose project)',
      'db - c6:27:a4:3d:88:34 -',
      'two - ea:aa:d7:5e:72:45 bank (Compose project)',
      'two - aa:b8:3a:61:38:6b bank (Compose project)',
    ]);
  });

  it('reach the port of a container through its namespace, before it has ever spoken', () => {
    const [web] = containerGuests('podman', json('podman-inspect.json'));
    const links = parseLinks(json('podman-ip-link.json'), () => null);
    const inside = [
      { ifindex: 1, ifname: 'lo', address: '00:00:00:00:00:00' },
      { ifindex: 2, link_index: 3, ifname: 'eth0', address: '12:1f:40:d3:e4:5f' },
    ];
    const named = web === undefined ? null : withSandboxPort(web, inside, links);
    expect(named?.port).toBe('veth0');
    // `ip netns` lists Podman's namespaces as well, under names that say nothing
    expect(
      guestOfPort(
        [
          {
            manager: 'namespace',
            name: 'netns-8bd9c920',
            port: 'veth0',
            mac: null,
            ips: [],
            zone: null,
          },
          ...(named === null ? [] : [named]),
        ],
        'veth0',
        [],
      )?.name,
    ).toBe('web');
    expect(
      web === undefined
        ? null
        : withSandboxPort(web, [{ ifindex: 9, link_index: 3, address: '12:1f:40:d3:e4:5f' }], links).port,
    ).toBeNull();
  });

  it('open no file for a container that is no namespace of a container', () => {
    const at = (SandboxKey: string): unknown =>
      containerGuests('docker', [
        { Name: '/x', State: { Running: true }, NetworkSettings: { SandboxKey, MacAddress: '02:00:00:00:00:01' } },
      ])[0]?.netns;
    expect(
      ['/var/run/docker/netns/0123456789ab', '/run/../etc/shadow', '/dev/watchdog', 'x', '/run/a b'].map(at),
    ).toEqual(['/var/run/docker/netns/0123456789ab', undefined, undefined, undefined, undefined]);
  });

  it('come from namespaces that have a name', () => {
    expect(namespaceGuests(json('ip-netns-list.json'), json('ip-link.json')).map(brief)).toEqual(['blue vnet0 - -']);
  });

  it('are nothing, never an error, where a program prints something else', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 2 }), (value) => {
        const read = [
          ...incusGuests('incus', [value, { name: 'x', status: 'Running', expanded_devices: value, state: value }]),
          ...containerGuests('docker', [
            value,
            { Name: 'x', State: { Running: true }, NetworkSettings: value, Config: value },
          ]),
          ...namespaceGuests(value, value),
        ];
        proxmoxContext(value, value);
        for (const { name, ips } of read) expect([typeof name, Array.isArray(ips)]).toEqual(['string', true]);
      }),
    );
    fc.assert(
      fc.property(
        fc.string({ unit: anyCharacter, maxLength: 200 }),
        (text) => void proxmoxGuests(1, 'qm', `net0: ${text}\n${text}`, around),
      ),
    );
  });
});

describe('guestOfPort', () => {
  const guest = (manager: GuestRecord['manager'], port: string | null, mac: string | null): GuestRecord => ({
    manager,
    name: `${manager}'s`,
    port,
    mac,
    ips: [],
    zone: null,
  });
  it('believes who names the port before who names the MAC, and managers in their order', () => {
    const guestRecords = [guest('docker', null, 'a'), guest('namespace', 'p', null), guest('libvirt', 'p', 'a')];
    expect(guestOfPort(guestRecords, 'p', ['a'])?.name).toBe("libvirt's");
    expect(guestOfPort(guestRecords.slice(0, 2), 'p', ['a'])?.name).toBe("namespace's");
    expect(guestOfPort(guestRecords, 'q', ['a'])?.name).toBe("libvirt's");
    expect(guestOfPort(guestRecords, 'q', ['b'])).toBeNull();
  });
});
