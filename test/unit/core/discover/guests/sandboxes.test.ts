import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { containerdGuests } from '../../../../../src/core/discover/guests/containerd.js';
import { criGuests } from '../../../../../src/core/discover/guests/cri.js';
import {
  isMonitor,
  monitorGuests,
  monitorProcesses,
} from '../../../../../src/core/discover/guests/machine-monitors.js';
import { nspawnGuests } from '../../../../../src/core/discover/guests/nspawn.js';
import {
  namespaceGuests,
  portsOfSandbox,
  sandboxPath,
  withoutSharedMacs,
} from '../../../../../src/core/discover/guests/sandbox.js';
import type { GuestRecord } from '../../../../../src/core/model/host-config.js';
import type { FdbState } from '../../../../../src/core/model/state.js';
import { learnedAt, upLink } from '../../../../support/link-state.js';
import { parseLinks } from '../../../../../src/system/state/parse-links.js';

const container = (labels: object, path: string | undefined): unknown => ({
  ID: 'k1',
  Labels: labels,
  Spec: { linux: { namespaces: [{ type: 'pid' }, { type: 'network', ...(path === undefined ? {} : { path }) }] } },
});
const pod = (state: string, more: object = {}): unknown => ({
  status: {
    id: 'ab12',
    metadata: { name: 'web-0', namespace: 'shop', uid: 'u' },
    state,
    network: { ip: '10.88.0.9' },
  },
  info: {
    pid: 7,
    runtimeSpec: { linux: { namespaces: [{ type: 'network', path: '/var/run/netns/cni-1' }] } },
    ...more,
  },
});

describe('guests that are known by their namespace', () => {
  it('containerd: by the path of the specification, else by the process', () => {
    expect(containerdGuests('default', 7, container({}, '/run/netns/k1'))).toEqual([
      {
        manager: 'containerd',
        name: 'k1',
        id: 'default/k1',
        port: null,
        mac: null,
        ips: [],
        zone: null,
        netns: '/run/netns/k1',
      },
    ]);
    expect(containerdGuests('default', 7, container({}, undefined))[0]?.netns).toBe('/proc/7/ns/net');
    expect(containerdGuests('default', 7, container({}, '/etc/../etc/shadow'))[0]?.netns).toBe('/proc/7/ns/net');
  });

  it('containerd: a container on the host’s own network is nobody', () => {
    expect(containerdGuests('default', 7, { ID: 'k1', Spec: { linux: { namespaces: [{ type: 'pid' }] } } })).toEqual(
      [],
    );
  });

  it('containerd: the names of nerdctl and of Kubernetes, whose namespace is the zone before containerd’s own', () => {
    const labels = { 'io.kubernetes.pod.name': 'web-0', 'io.kubernetes.pod.namespace': 'shop' };
    expect(containerdGuests('k8s.io', 7, container(labels, '/run/netns/a'))[0]).toMatchObject({
      name: 'web-0',
      zone: { name: 'shop', from: 'Kubernetes namespace' },
    });
    expect(containerdGuests('blue', 7, container({ 'nerdctl/name': 'db' }, '/run/netns/a'))[0]).toMatchObject({
      name: 'db',
      zone: { name: 'blue', from: 'containerd namespace' },
    });
  });

  it('CRI: a pod that is ready, with its address, and no other', () => {
    expect(criGuests(pod('SANDBOX_READY'))[0]).toMatchObject({
      manager: 'cri',
      name: 'web-0',
      id: 'ab12',
      ips: ['10.88.0.9'],
      zone: { name: 'shop', from: 'Kubernetes namespace' },
      netns: '/var/run/netns/cni-1',
    });
    expect(criGuests(pod('SANDBOX_NOTREADY'))).toEqual([]);
    expect(criGuests(pod('SANDBOX_READY', { runtimeSpec: { linux: { namespaces: [] } } }))).toEqual([]);
  });

  it('systemd-nspawn: by its first process; a machine of another service is not its own', () => {
    expect(nspawnGuests('Name=deb\nService=systemd-nspawn\nLeader=812\n')[0]).toMatchObject({
      manager: 'nspawn',
      name: 'deb',
      netns: '/proc/812/ns/net',
    });
    expect(nspawnGuests('Name=qemu-1-x\nService=libvirt-qemu\nLeader=812\n')).toEqual([]);
    expect(nspawnGuests('Name=deb\nService=systemd-nspawn\nLeader=0\n')).toEqual([]);
  });

  it('have a record for each of their interfaces that leads to a port here, and none for others', () => {
    const links = parseLinks(
      [
        { ifindex: 4, ifname: 'veth4', link_index: 2, link_netnsid: 0, linkinfo: { info_kind: 'veth' } },
        { ifindex: 6, ifname: 'veth6', link_index: 3, link_netnsid: 0, linkinfo: { info_kind: 'veth' } },
        { ifindex: 9, ifname: 'veth9', link_index: 2, link_netnsid: 1, linkinfo: { info_kind: 'veth' } },
      ],
      () => null,
    );
    const [guest] = containerdGuests('default', 7, container({}, '/run/netns/k1'));
    if (guest === undefined) throw new Error('no guest');
    const inside = [
      { ifindex: 1, ifname: 'lo', address: '00:00:00:00:00:00' },
      { ifindex: 2, link_index: 4, address: '02:00:00:00:00:02' },
      { ifindex: 3, link_index: 6, address: '02:00:00:00:00:03' },
    ];
    expect(portsOfSandbox(guest, inside, links).map(({ port, mac }) => [port, mac])).toEqual([
      ['veth4', '02:00:00:00:00:02'],
      ['veth6', '02:00:00:00:00:03'],
    ]);
    const bridged = inside.map((link) => ({ ...link, linkinfo: { info_slave_kind: 'bridge' } }));
    expect(portsOfSandbox(guest, bridged, links).map(({ port, mac }) => [port, mac])).toEqual([
      ['veth4', null],
      ['veth6', null],
    ]);
  });

  it('ip netns: have the MAC and the addresses of their own end, and keep their name if it cannot be read', () => {
    const links = parseLinks(
      [
        { ifindex: 4, ifname: 'v1', link_index: 2, link_netnsid: 0, linkinfo: { info_kind: 'veth' } },
        { ifindex: 6, ifname: 'v2', link_index: 3, link_netnsid: 0, linkinfo: { info_kind: 'veth' } },
      ],
      () => null,
    );
    const [guest, second] = namespaceGuests(
      [{ name: 'blue', id: 0 }],
      [
        { ifname: 'v1', link_netnsid: 0 },
        { ifname: 'v2', link_netnsid: 0 },
      ],
    );
    if (guest === undefined || second === undefined) throw new Error('no guests');
    expect(guest.netns).toBe('/run/netns/blue');
    const inside = [
      {
        ...{ ifindex: 2, link_index: 4, address: '02:00:00:00:00:02' },
        addr_info: [
          { family: 'inet', local: '10.9.0.2', prefixlen: 24 },
          { family: 'inet6', local: 'fd00::2', prefixlen: 64 },
        ],
      },
      { ifindex: 3, link_index: 6, address: '02:00:00:00:00:03' },
    ];
    expect([guest, second].flatMap((each) => portsOfSandbox(each, inside, links))).toEqual([
      { ...guest, mac: '02:00:00:00:00:02', ips: ['10.9.0.2', 'fd00::2'] },
      { ...second, mac: '02:00:00:00:00:03' },
    ]);
    expect(portsOfSandbox({ ...guest, ips: ['10.9.0.7'] }, inside, links)[0]?.ips).toEqual(['10.9.0.7']);
    expect(portsOfSandbox(guest, [], links)).toEqual([guest]);
    expect(namespaceGuests([{ name: '../x', id: 0 }], [{ ifname: 'v1', link_netnsid: 0 }])[0]?.netns).toBeUndefined();
  });

  it('have no MAC of another port of their bridge, which any guest could set', () => {
    const macs = [1, 2, 3].map((n) => `02:00:00:00:00:0${n}`);
    const [a = '', b = '', c = ''] = macs;
    const onPort = (name: string, master: string) => upLink(name, { master, kind: 'veth' });
    const links = [onPort('v1', 'br0'), onPort('v2', 'br0'), onPort('v3', 'br0'), onPort('w1', 'br1')];
    const guestAt = (port: string, mac: string | null): GuestRecord => ({
      ...{ manager: 'namespace', name: port, port, mac, ips: [], zone: null },
    });
    const left = (
      readInside: readonly GuestRecord[],
      known: readonly GuestRecord[] = [],
      fdb: readonly FdbState[] = [],
    ): readonly (string | null)[] => withoutSharedMacs(readInside, known, { links, fdb }).map(({ mac }) => mac);
    expect(left([guestAt('v1', a), guestAt('v2', b), guestAt('w1', a)])).toEqual([a, b, a]);
    expect(left([guestAt('v1', a), guestAt('v2', a), guestAt('v3', c)])).toEqual([null, null, c]);
    expect(left([guestAt('v1', a)], [guestAt('v2', a)])).toEqual([null]);
    expect(left([guestAt('v1', a)], [guestAt('v1', a)])).toEqual([a]);
    const learned = (port: string, state: string): FdbState => learnedAt(a, port, { master: 'br0', state });
    expect(left([guestAt('v1', a)], [], [learned('v2', 'dynamic')])).toEqual([null]);
    expect(left([guestAt('v1', a)], [], [learned('v1', 'dynamic')])).toEqual([a]);
    // sends what is for it elsewhere, which is to be found
    expect(left([guestAt('v1', a)], [], [learned('v2', 'static')])).toEqual([a]);
  });

  it('open nothing but what a manager keeps namespaces in', () => {
    const paths = [
      '/run/netns/a',
      '/var/run/docker/netns/b',
      '/proc/7/ns/net',
      '/proc/7/mem',
      '/run/../etc/shadow',
      'x',
    ];
    expect(paths.map(sandboxPath)).toEqual([
      '/run/netns/a',
      '/var/run/docker/netns/b',
      '/proc/7/ns/net',
      null,
      null,
      null,
    ]);
  });

  it('are nothing, never an error, where a program prints something else', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.string(), (value, text) => {
        const read = [
          ...containerdGuests('s', 1, value),
          ...containerdGuests('s', 1, { ID: 'x', Labels: value, Spec: { linux: value } }),
          ...criGuests(value),
          ...criGuests({ status: value, info: value }),
          ...nspawnGuests(text),
          ...monitorGuests(monitorProcesses(value)),
        ];
        for (const { name, ips } of read) expect([typeof name, Array.isArray(ips)]).toEqual(['string', true]);
      }),
    );
  });
});

describe('machines without a manager', () => {
  const process = (comm: string, argv: readonly string[], taps: readonly string[], here = true) => ({
    pid: 42,
    comm,
    argv: [comm, ...argv],
    taps,
    isTrusted: true,
    here,
  });

  it('are known by the processes that run them', () => {
    expect(['firecracker', 'cloud-hyperviso', 'qemu-system-x86', 'constructor', 'bash'].map(isMonitor)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it.each([
    ['firecracker', ['--id', 'web', '--api-sock', '/run/x.sock'], 'web', 'firecracker'],
    ['firecracker', ['--api-sock=/run/vm7.socket'], 'vm7', 'firecracker'],
    ['firecracker', ['--no-api'], 'firecracker-42', 'firecracker'],
    ['cloud-hyperviso', ['--api-socket', 'path=/run/db.sock', '--net', 'tap=tap1'], 'db', 'cloud-hypervisor'],
    ['cloud-hyperviso', ['--kernel', 'x'], 'cloud-hypervisor-42', 'cloud-hypervisor'],
  ])('%s %j is %s', (comm, argv, name, manager) => {
    expect(
      monitorGuests([process(comm, argv, ['tap0', 'tap1'])]).map((each) => [each.manager, each.name, each.port]),
    ).toEqual([
      [manager, name, 'tap0'],
      [manager, name, 'tap1'],
    ]);
  });

  it.each([
    [
      '-netdev and -device',
      ['-name', 'web', '-netdev', 'tap,id=n0,ifname=tap0', '-device', 'e1000,netdev=n0,mac=52:54:00:AA:00:01'],
    ],
    ['-nic', ['--name', 'guest=web,debug-threads=on', '-nic', 'tap,ifname=tap0,mac=52:54:00:aa:00:01']],
    [
      'a descriptor and JSON, as libvirt has it',
      [
        '-name',
        'guest=web,process=qemu:web',
        '-netdev',
        '{"type":"tap","fd":"30","id":"h0"}',
        '-device',
        '{"driver":"virtio-net-pci","netdev":"h0","mac":"52:54:00:aa:00:01"}',
      ],
    ],
  ])('QEMU: name and MAC by %s', (_, argv) => {
    expect(monitorGuests([process('qemu-system-x86', argv, ['tap0'])])).toEqual([
      expect.objectContaining({ manager: 'qemu', name: 'web', port: 'tap0', mac: '52:54:00:aa:00:01' }),
    ]);
  });

  it('Cloud Hypervisor: the MAC of a tap by --net', () => {
    const argv = ['--net', 'tap=tap0,mac=52:54:00:aa:00:01'];
    expect(monitorGuests([process('cloud-hyperviso', argv, ['tap0'])])).toMatchObject([{ mac: '52:54:00:aa:00:01' }]);
  });

  it('QEMU: a machine that may migrate here is arriving', () => {
    const arriving = (...argv: readonly string[]): unknown =>
      monitorGuests([process('kvm', argv, ['tap0'])]).map(({ isArriving }) => isArriving);
    expect([arriving('-name', 'web'), arriving('-name', 'web', '-incoming', 'defer')]).toEqual([[undefined], [true]]);
  });

  it('a process of an ordinary user claims a name for the taps that it holds, and has no owner and no MAC', () => {
    const argv = ['-name', 'web', '-nic', 'tap,ifname=tap0,mac=52:54:00:aa:00:01', '-incoming', 'defer'];
    const claims = (taps: readonly string[], here: boolean): unknown =>
      monitorGuests([{ ...process('kvm', argv, taps, here), isTrusted: false }]);
    const claim = { manager: 'qemu', name: 'web', mac: null, ips: [], zone: null, isClaimed: true };
    expect(claims(['tap0', 'tap1'], true)).toEqual([
      { ...claim, port: 'tap0', isArriving: true },
      { ...claim, port: 'tap1', isArriving: true },
    ]);
    expect(claims([], false)).toEqual([{ ...claim, port: null, netns: '/proc/42/ns/net' }]);
  });

  it('QEMU: a MAC that may be of another card is not known, and what is no option is nothing', () => {
    const cards = [
      '-netdev',
      'tap,id=a,fd=3',
      '-netdev',
      'tap,id=b,fd=4',
      '-device',
      'e1000,netdev=a,mac=52:54:00:aa:00:01',
    ];
    const macsOf = (argv: readonly string[], taps: readonly string[]): unknown =>
      monitorGuests([process('kvm', argv, taps)]).map(({ name, mac }) => [name, mac]);
    expect(macsOf(cards, ['tap0', 'tap1'])).toEqual([
      ['qemu-42', null],
      ['qemu-42', null],
    ]);
    expect(macsOf(['-name', '-device', '{"netdev', '-netdev', '{', '-nic', 'tap,ifname=tap0,mac=x'], ['tap0'])).toEqual(
      [['-device', null]],
    );
  });

  it('are known by their namespace where the bridges are in another one, as Kata has it', () => {
    const words = ['--id', 'web'];
    expect(monitorGuests([process('firecracker', words, ['tap0'], false)])).toMatchObject([{ port: 'tap0' }]);
    expect(monitorGuests([process('firecracker', words, [], false)])).toEqual([
      {
        manager: 'firecracker',
        name: 'web',
        id: '42',
        port: null,
        mac: null,
        ips: [],
        zone: null,
        netns: '/proc/42/ns/net',
      },
    ]);
  });
});
