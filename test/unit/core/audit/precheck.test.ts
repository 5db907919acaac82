import { describe, expect, it } from 'vitest';
import { precheck } from '../../../../src/core/audit/precheck.js';
import type { Snapshot } from '../../../../src/core/model/state.js';
import { setBridges, setLink, setPorts, type StateChange } from '../../../support/link-state.js';
import { defaultBridge as rest, recorded, withState } from '../../../support/snapshots/recorded.js';

const looked = (
  snapshot: Snapshot,
  offloads: Readonly<Record<string, readonly string[]>> = {},
): ReturnType<typeof precheck> => precheck({ snapshot, bridges: ['br0'], ports: ['vnet0', 'vnet1'], offloads });
const codes = (snapshot: Snapshot): readonly string[] => looked(snapshot).notes.map(({ code }) => code);

/** `rest` itself was recorded where br_netfilter is built in. */
const quiet = withState(rest, setBridges({ nf_call_iptables: 0, nf_call_ip6tables: 0, nf_call_arptables: 0 }), {
  sysctl: Object.fromEntries(Object.keys(rest.state.sysctl).map((name) => [name, '0'])),
  nft: null,
  tc: null,
});
const quietWith = (...changes: readonly StateChange[]): Snapshot => withState(quiet, ...changes);

describe('what is looked at before a run on a host', () => {
  it('is nothing to note on a bridge that stands alone', () => {
    expect(looked(quiet)).toEqual({ notes: [], refusals: [] });
  });

  it('notes who copies, diverts and watches frames', () => {
    expect(codes(recorded('diverted'))).toEqual(
      expect.arrayContaining(['sniffer-on-host', 'tc-mirror', 'nft-mirror', 'nft-rules']),
    );
  });

  it('notes a program that no command shows, where frames of the bridge come to', () => {
    const programs = ['vnet0', 'eth9'].map((device) => ({ device, place: 'tcx ingress', id: 7 }));
    expect(looked(quietWith({ programs })).notes).toEqual([
      expect.objectContaining({ code: 'bypass-possible', place: 'vnet0 tcx ingress', value: 'BPF program 7' }),
    ]);
  });

  it('notes rights that this process lacks, and nothing of those that it has', () => {
    const noted = (capabilities: string): readonly object[] =>
      precheck({ snapshot: quiet, bridges: ['br0'], ports: [], offloads: {}, capabilities }).notes;
    expect(noted('1ffffffffff')).toEqual([]);
    const without = (0x1ffffffffffn & ~(1n << 7n)).toString(16);
    expect(noted(without)).toEqual([
      {
        code: 'rights',
        place: 'this process',
        value: 'CAP_SETUID',
        text: 'it is missing: helpers keep uid 0, and --strict refuses the run',
      },
    ]);
  });

  it('notes that processes of the machine are not seen', () => {
    const noted = (seesAll: boolean): readonly object[] =>
      precheck({ snapshot: quiet, bridges: ['br0'], ports: [], offloads: {}, seesAll }).notes;
    expect(noted(true)).toEqual([]);
    expect(noted(false)).toMatchObject([{ code: 'processes-unseen', place: 'this process' }]);
  });

  it('notes tables of the kernel that are nearly full, and none that has room', () => {
    const noted = (used: number): readonly string[] =>
      precheck({
        snapshot: quiet,
        bridges: ['br0'],
        ports: [],
        offloads: {},
        tables: (['connections', 'neighbours'] as const).map((table) => ({ table, used, max: 1000 })),
      }).notes.map(({ code, value }) => `${code}: ${value}`);
    expect(noted(800)).toEqual(['connections-nearly-full: 800 of 1000', 'neighbours-nearly-full: 800 of 1000']);
    expect(noted(799)).toEqual([]);
  });

  it('notes a process that takes every frame once, however many sockets it has, and none whose filter refuses all', () => {
    const socket = (
      inode: number,
      ifindex: number,
      pid: number,
      filter: string | null,
    ): NonNullable<Snapshot['packetSockets']>[number] => ({
      inode: String(inode),
      ifindex,
      protocol: '0003',
      holders: [{ pid, name: pid === 7 ? 'suricata' : 'lldpd' }],
      own: false,
      filter,
    });
    const { links } = quiet.state;
    const [bridge = 0, ...ports] = [
      'br0',
      ...links.flatMap(({ name, master }) => (master === 'br0' ? [name] : [])),
    ].map((name) => links.find((link) => link.name === name)?.ifindex ?? 0);
    // lldpd's own: LLDP to its groups, and what others send to 00:e0:2b:00:00:00 and to groups of theirs
    const lldp =
      '300000000000000054000000010000001500001001000000280000000c00000015000006cc8800002000000002000000' +
      '150002000e0000c215000100030000c215000002000000c2280000000000000015000c0d800100002000000002000000' +
      '15000002cccccc52280000000000000015000809e001000015000100cccccc0c15000002000100812800000000000000' +
      '15000405000100002000000002000000150000030000002b280000000000000015000001e00000000600000000000400' +
      '0600000000000000';
    const packetSockets = [
      ...[1, 2, 3].map((inode) => socket(inode, bridge, 7, null)),
      ...ports.map((ifindex, at) => socket(10 + at, ifindex, 7, null)),
      ...ports.map((ifindex, at) => socket(30 + at, ifindex, 8, lldp)),
    ];
    const notes = looked({ ...quiet, packetSockets }).notes.filter(({ code }) => code === 'sniffer-on-host');
    expect(notes.map(({ place, value }) => `${place}: ${value}`)).toEqual([
      expect.stringMatching(/^packet socket on br0, \S+( and \d+ more)?: held by suricata \(7\)$/),
    ]);
  });

  it('notes programs that look for attacks, once each, and no other listener', () => {
    const socket = (pid: number, name: string): NonNullable<Snapshot['packetSockets']>[number] => ({
      inode: String(pid),
      ifindex: 99,
      protocol: '0003',
      holders: [{ pid, name }],
      own: false,
    });
    const packetSockets = [
      socket(7, 'Suricata-Main'),
      socket(7, 'Suricata-Main'),
      socket(8, 'dhclient'),
      socket(9, 'snort'),
    ];
    expect(looked({ ...quiet, packetSockets }).notes).toEqual([
      expect.objectContaining({ code: 'intrusion-detection', place: 'Suricata-Main', value: 'process 7' }),
      expect.objectContaining({ code: 'intrusion-detection', place: 'snort', value: 'process 9' }),
    ]);
  });

  it('notes what no bridge carries, with the command that examines it', () => {
    const bridges = [{ space: '/run/netns/web', name: 'br9', ports: 2, linked: true }];
    const beside = { devices: [], bridges, routes: [], sysctl: {} };
    expect(looked({ ...quiet, beside }).notes).toEqual([
      expect.objectContaining({
        code: 'not-examined',
        place: 'br9 in /run/netns/web',
        text: expect.stringContaining(': verify-isolation run --netns web --bridge br9'),
      }),
    ]);
  });

  it('notes a firewall that bridged frames pass', () => {
    expect(codes(quietWith({ sysctl: { 'net.bridge.bridge-nf-call-iptables': '1' } }))).toEqual(['br-netfilter']);
  });

  it('notes it once for all carriers of a bridge', () => {
    const sysctl = { 'net.bridge.bridge-nf-call-iptables': '1', 'net.bridge.bridge-nf-call-arptables': '1' };
    const { notes } = looked(quietWith({ sysctl }));
    expect(notes.map(({ value, text }) => [value, text])).toEqual([
      [expect.stringMatching(/iptables 1.*; .*arptables 1/), expect.stringContaining('of IPv4, ARP between')],
    ]);
  });

  it('notes filters of tc on a port of the bridge, and none of another device', () => {
    const filter = { protocol: 'all', kind: 'u32' };
    const drop = { ...filter, options: { actions: [{ kind: 'gact', control_action: { type: 'drop' } }] } };
    const tc = (device: string): Snapshot =>
      quietWith({ tc: { qdisc: [], filters: { [`${device} ingress`]: [filter, drop] } } });
    expect([codes(tc('vnet0')), codes(tc('other0'))]).toEqual([['tc-rules'], []]);
  });

  it('notes offloads, of several devices by their number, and what could not be read', () => {
    const noted = (vnet1: readonly string[]): readonly string[] =>
      looked(quiet, { vnet0: ['TCP segmentation'], vnet1 }).notes.map(({ code, place }) => `${code} ${place}`);
    expect([noted([]), noted(['TCP segmentation'])]).toEqual([['offloads vnet0'], ['offloads 2 devices']]);
    expect(codes(quietWith({ unread: [{ what: 'nft', why: 'denied' }] }))).toEqual(['unread']);
  });

  it('notes what a network card may do with rules, and with VLANs while its port is not promiscuous', () => {
    const hardware = { vnet0: ['hw-tc-offload', 'l2-fwd-offload', 'rx-vlan-filter'], other0: ['hw-tc-offload'] };
    const with_ = (promiscuity: number): readonly string[] =>
      looked(quietWith({ hardware }, setLink('vnet0', { promiscuity }))).notes.flatMap(({ code, place, value }) =>
        code === 'offloads' ? [`${place} ${value}`] : [],
      );
    expect(with_(1)).toEqual(['vnet0 hw-tc-offload']);
    expect(with_(0)).toEqual(['vnet0 hw-tc-offload', 'vnet0 rx-vlan-filter']);
  });

  it('refuses a bridge that is down, and a port that takes part and does not forward', () => {
    const down = setLink('br0', ({ flags }) => ({ flags: flags.filter((flag) => flag !== 'UP') }));
    expect(looked(withState(rest, down)).refusals).toEqual(['br0 is down: nothing crosses it']);
    const blocked = (name: string): Snapshot => withState(rest, setPorts({ state: 'blocking' }, name));
    expect(looked(blocked('vnet1')).refusals).toEqual(['vnet1 is blocking: br0 forwards nothing from or to it']);
    expect(looked(blocked('vnet2')).refusals).toEqual([]); // it takes no part, and coverage tells of it
  });

  it('names what to do about a port that spanning tree blocks', () => {
    const blocked = (stp_state: number): readonly string[] =>
      looked(withState(rest, setBridges({ stp_state }), setPorts({ state: 'blocking' }, 'vnet1'))).refusals;
    expect(blocked(1)).toEqual([
      'vnet1 is blocking: br0 forwards nothing from or to it. Spanning tree blocks it, as another port leads to the same network: type `ip link set dev vnet1 down`, run again, then `ip link set dev vnet1 up`',
    ]);
    expect(blocked(0)).toEqual(['vnet1 is blocking: br0 forwards nothing from or to it']);
  });
});
