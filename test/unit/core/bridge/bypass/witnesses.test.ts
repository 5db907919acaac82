import { describe, expect, it } from 'vitest';
import { nftSelector, tcSelector } from '../../../../../src/core/bridge/bypass/rule-selectors.js';
import { takesFrame } from '../../../../../src/core/bridge/bypass/selector.js';
import {
  listingOf,
  nftCopyRules,
  surveyText,
  xtablesSelector,
} from '../../../../../src/core/bridge/bypass/copy-rules.js';
import type { Speaker } from '../../../../../src/core/bridge/bypass/drafts.js';
import { surveyRules } from '../../../../../src/core/bridge/bypass/witnesses.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { checksumHolds, pseudoHeaderSum, sumOf } from '../../../../../src/core/wire/bytes.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { token } from '../../../../support/probe/frame-fixture.js';

const guest = (n: number): Speaker => ({
  ...{ name: `g${n}`, mac: `52:54:00:00:00:0${n}`, ips: [`10.9.0.${n}`, `fd00::${n}`], port: `v${n}` },
  ...{ bridge: 'br0', segment: 'br0', isRouted: false },
});
const speakers = [guest(1), guest(2), guest(3)];

const match = (protocol: string, field: string, right: unknown, op = '=='): unknown => ({
  match: { op, left: { payload: { protocol, field } }, right },
});
const dup = { dup: { addr: 'v3' } };
const rule = (expr: readonly unknown[], parts: object = {}): object => ({
  rule: { family: 'netdev', table: 't', chain: 'c', handle: 4, expr, ...parts },
});
const atPort = { chain: { family: 'netdev', table: 't', name: 'c', hook: 'ingress', dev: 'v1' } };

function asked(nftables: readonly unknown[], parts: Partial<HostState> = {}, more: object = {}) {
  const state = { ...hostState(), nft: { nftables }, ...parts };
  return surveyRules({ state, speakers, uplinks: [], perRule: 8, ...more });
}
const whyNot = (...given: Parameters<typeof asked>): string | null => asked(...given).rules[0]?.notAsked ?? null;

it('says so where a rule takes IP and no address of a guest is known', () => {
  const silent = { speakers: speakers.map((each) => ({ ...each, ips: [] })) };
  expect(whyNot([atPort, rule([match('tcp', 'dport', 443), dup])], {}, silent)).toBe('needs addresses of guests');
});

describe('a witness', () => {
  it('is one of each alternative, from the guest at whose port the rule stands, to a guest that gets no copy', () => {
    const ports = match('tcp', 'dport', { set: [443, { range: [8000, 8080] }] });
    const [first] = asked([atPort, rule([ports, dup])]).rules;
    const witnesses = first?.witnesses ?? [];
    expect(witnesses.map(({ from, to, carrier, fields }) => [from, to, carrier, fields.destinationPort])).toEqual([
      ['g1', 'g2', 'ipv4-tcp', 443],
      ['g1', 'g2', 'ipv6-udp', 443],
      ['g1', 'g2', 'ipv4-tcp', 8000],
      ['g1', 'g2', 'ipv6-udp', 8000],
      ['g1', 'g2', 'ipv4-tcp', 8080],
      ['g1', 'g2', 'ipv6-udp', 8080],
    ]);
    expect(witnesses.map(({ fields }) => fields.protocol)).toEqual([6, 6, 6, 6, 6, 6]);
  });

  it('has a wrong checksum of its transport, and a right one of IP', () => {
    for (const { carrier, size, srcIp, dstIp, fields } of asked([atPort, rule([match('ip', 'ttl', 5), dup])]).rules[0]
      ?.witnesses ?? []) {
      const headers = { carrier, vlan: [], srcMac: guest(1).mac, dstMac: guest(2).mac, srcIp, dstIp, size };
      const frame = buildFrame({ ...headers, fields }, token);
      const { protocol = 0 } = fields;
      expect([frame[22], frame[23], checksumHolds(sumOf(frame, 14, 34))]).toEqual([5, protocol, true]);
      const pseudo = protocol === 1 ? 0 : pseudoHeaderSum(frame, 26, 4, protocol, size - 34);
      if (protocol !== 132) expect(checksumHolds(pseudo + sumOf(frame, 34, size))).toBe(false);
    }
  });

  it('is none where a condition is no field of a frame, or a rule chooses by what nobody knows', () => {
    expect(whyNot([atPort, rule([{ match: { op: '==', left: { ct: { key: 'mark' } }, right: 7 } }, dup])])).toBe(
      'needs ct mark 7',
    );
    expect(whyNot([atPort, rule([{ limit: { rate: 5 } }, dup])])).toBe('needs limit');
    expect(whyNot([atPort, rule([{ xt: { type: 'match', name: 'bpf' } }, dup])])).toBe('needs -m bpf');
    expect(whyNot([rule([dup])])).toBe('needs a way to its chain');
  });

  it.each([
    ['DHCP', match('udp', 'dport', 67), 'port 67 is of a control protocol'],
    ['a redirect', match('icmp', 'type', 'redirect'), 'ICMP type 5 is a control message'],
    ['ARP', match('ether', 'type', 'arp'), 'EtherType 0x806 is of a control protocol'],
    ['OSPF', match('ip', 'protocol', 89), 'takes no frame that a guest may send to another'],
    [
      'a foreign source',
      match('ether', 'saddr', '02:00:00:00:00:09'),
      'takes no frame that a guest may send to another',
    ],
    ['a group', match('ip', 'daddr', '224.0.0.5'), 'takes no frame that a guest may send to another'],
  ])('is not sent as %s', (_, condition, why) => {
    expect(whyNot([atPort, rule([condition, dup])])).toBe(why);
  });

  it('is not sent where it may come to a rule that keeps state or acts beyond it', () => {
    const takes = match('tcp', 'dport', 443);
    const forward = { chain: { family: 'bridge', table: 'g', name: 'f', hook: 'forward' } };
    const guard = (acting: unknown, condition: readonly unknown[] = []): readonly unknown[] => [
      ...[atPort, rule([takes, dup]), forward],
      { rule: { family: 'bridge', table: 'g', chain: 'f', handle: 9, expr: [...condition, acting] } },
    ];
    const acting: readonly (readonly [object, string])[] = [
      [{ queue: { num: 1 } }, 'queue'],
      [{ log: null }, 'log'],
      [{ set: { op: 'add', elem: {}, set: '@s' } }, 'set'],
      [{ 'ct count': { val: 2 } }, 'ct count'],
      [{ quota: {} }, 'quota'],
      [{ dnat: {} }, 'dnat'],
      [{ tproxy: {} }, 'tproxy'],
      [{ mangle: { key: { ct: { key: 'mark' } }, value: 1 } }, 'mangle'],
      [{ xt: { type: 'match', name: 'recent' } }, 'recent'],
      [{ xt: { type: 'target', name: 'NFQUEUE' } }, 'NFQUEUE'],
    ];
    for (const [statement, name] of acting) {
      expect(whyNot(guard(statement))).toBe(`nft bridge g f handle 9 may do more with it (${name})`);
      expect(whyNot(guard(statement, [match('tcp', 'dport', 80)]))).toBeNull();
    }
    const program = { device: 'v9', place: 'tcx ingress', id: 7 };
    expect(whyNot([atPort, rule([takes, dup])], { programs: [program] })).toBeNull();
    expect(whyNot([atPort, rule([takes, dup])], { programs: [{ ...program, device: 'v1' }] })).toContain(
      'BPF program 7',
    );
  });

  it('is not sent into a legacy table with a match that keeps state, or of which the matches are not read', () => {
    const takes = [atPort, rule([match('tcp', 'dport', 443), dup])];
    const sysctl = { 'net.bridge.bridge-nf-call-iptables': '1' };
    const legacy = (parts: object, handedOver: HostState['sysctl'] = sysctl): string | null => {
      const table = { program: 'iptables-legacy', table: 'filter', rules: 1, targets: [], ...parts } as const;
      return whyNot(takes, { legacyTables: [table], sysctl: handedOver });
    };
    for (const name of ['recent', 'hashlimit', 'connlimit', 'quota'])
      expect(legacy({ matches: ['udp', name] })).toBe(`iptables-legacy filter may do more with it (${name})`);
    expect(legacy({})).toBe('iptables-legacy filter may do more with it (rules that are not read)');
    expect(legacy({ matches: ['udp', 'conntrack', 'comment'] })).toBeNull();
    expect(legacy({}, {})).toBeNull();
  });

  it('is one alone where a copy may leave the machine', () => {
    const takes = match('tcp', 'dport', { set: [1, 2, 3] });
    const count = (uplinks: readonly string[]): number | undefined =>
      asked([atPort, rule([takes, dup])], {}, { uplinks }).rules[0]?.witnesses.length;
    expect([count([]), count(['nic']), count(['v3'])]).toEqual([6, 6, 1]);
  });

  it('is one alone where a copy may go to no known guest', () => {
    const takes = match('tcp', 'dport', { set: [1, 2, 3] });
    const count = (statement: object): number | undefined =>
      asked([atPort, rule([takes, statement])]).rules[0]?.witnesses.length;
    expect([count({ dup: { addr: 'v3' } }), count({ dup: { addr: 'tun0' } })]).toEqual([6, 1]);
    expect([count({ fwd: { dev: 'nic' } }), count({ dup: { addr: { map: {} } } })]).toEqual([1, 1]);
    const mirror = (direction: string): unknown => ({
      filters: {
        'v1 ingress': [
          {
            ...{ kind: 'matchall', protocol: 'all', pref: 1 },
            options: { actions: [{ kind: 'mirred', mirred_action: 'mirror', direction, to_dev: 'v3' }] },
          },
        ],
      },
    });
    const mirrored = (direction: string): number | undefined =>
      asked([], { tc: mirror(direction) }).rules[0]?.witnesses.length;
    expect([mirrored('egress'), mirrored('ingress')]).toEqual([8, 1]);
  });

  it('is not sent where its copy may come to a rule that keeps state or acts beyond it', () => {
    const takes = match('tcp', 'dport', 443);
    const program = (device: string, place: string) => ({ programs: [{ device, place, id: 7 }] });
    const toGuest = [atPort, rule([takes, dup])];
    expect(whyNot(toGuest, program('v3', 'tcx egress'))).toContain('BPF program 7');
    expect(whyNot(toGuest, program('v9', 'tcx egress'))).toBeNull();
    const police = [{ kind: 'matchall', protocol: 'all', pref: 1, options: { actions: [{ kind: 'ct' }] } }];
    expect(whyNot(toGuest, { tc: { filters: { 'v3 egress': police } } })).toContain('may do more with it (ct)');
    expect(whyNot(toGuest, { tc: { filters: { 'v9 egress': police } } })).toBeNull();
    // behind the port of the copy is another bridge
    const { links } = hostState();
    const behind = (name: string, lower: string, master: string): HostState['links'] =>
      links.slice(1, 2).map((port) => ({ ...port, name, kind: 'veth', lower, master }));
    const further = [
      ...[...links.slice(0, 1).map((bridge) => ({ ...bridge, name: 'br1' })), ...behind('v3', 'w3', 'br0')],
      ...[...behind('w3', 'v3', 'br1'), ...behind('v9', 'elsewhere', 'br1')],
    ];
    expect(whyNot(toGuest, { links: further, ...program('v9', 'tcx egress') })).toContain('BPF program 7');
  });

  it('is not sent where its copy is routed and the host acts on what it sends', () => {
    const pre = { chain: { family: 'ip', table: 't', name: 'c', hook: 'prerouting' } };
    const copies = [pre, rule([match('tcp', 'dport', 443), { dup: { addr: '10.9.0.3' } }], { family: 'ip' })];
    const parts = { sysctl: { 'net.bridge.bridge-nf-call-iptables': '1' } };
    const acting = (hook: string, family = 'ip'): string | null =>
      whyNot(
        [
          ...[...copies, { chain: { family, table: 'n', name: 'c', hook } }],
          rule([match('ip', 'saddr', { prefix: { addr: '192.168.0.0', len: 16 } }), { masquerade: null }], {
            family,
            table: 'n',
          }),
        ],
        parts,
      );
    for (const hook of ['postrouting', 'output'])
      expect(acting(hook)).toBe('nft ip n c handle 4 may do more with it (masquerade)');
    expect([acting('prerouting'), acting('input')]).toEqual([null, null]);
    const program = (place: string) => ({ ...parts, programs: [{ device: 'v9', place, id: 7 }] });
    expect([whyNot(copies, program('tcx egress')), whyNot(copies, program('xdp driver'))]).toEqual([
      'BPF program 7 at v9 tcx egress may do more with it (a program)',
      null,
    ]);
  });

  it('is none of IP where conntrack takes wrong checksums for valid', () => {
    const ask = (checksum: string, condition = match('tcp', 'dport', 443)) =>
      asked([atPort, rule([condition, dup])], { sysctl: { 'net.netfilter.nf_conntrack_checksum': checksum } }).rules[0];
    expect(ask('0')?.notAsked).toContain('nf_conntrack_checksum is 0');
    expect(['0', '1'].map((value) => ask(value)?.witnesses.length)).toEqual([0, 2]);
    expect(ask('0', match('ether', 'type', 0x88b5))?.witnesses).toHaveLength(1);
  });

  it('is found at once among a thousand guests, each with a port of its own', () => {
    let read = 0;
    const many = Array.from({ length: 1000 }, (_, n) => ({
      ...guest(1),
      ...{ name: `g${n}`, mac: `52:54:00:00:00:${(n % 256).toString(16).padStart(2, '0')}`, port: `v${n}` },
      get segment() {
        read += 1;
        return 'br0';
      },
    }));
    const at = { chain: { family: 'netdev', table: 't', name: 'c', hook: 'ingress', dev: 'v999' } };
    const [first] = asked([at, rule([match('tcp', 'dport', 443), dup])], {}, { speakers: many }).rules;
    expect(first?.witnesses[0]?.from).toBe('g999');
    expect(read).toBeLessThan(50_000);
  });

  it('looks for the hooks of rules that copy alone, of which a host with ten thousand has few', () => {
    const jumped = { chain: { family: 'netdev', table: 't', name: 'c' } };
    const others = Array.from({ length: 100 }, () => rule([match('tcp', 'dport', 443), { accept: null }]));
    const nft = { nftables: [jumped, ...others, rule([dup])] };
    let reads = 0;
    class Chains<Key, Chain> extends Map<Key, Chain> {
      override values(): MapIterator<Chain> {
        reads += 1;
        return super.values();
      }
    }
    const listing = listingOf({ nft });
    expect(nftCopyRules({ ...listing, chains: new Chains(listing.chains) })).toHaveLength(1);
    expect(reads).toBe(1);
  });

  it('comes to rules of IP on a bridge only where br_netfilter hands packets over', () => {
    const pre = { chain: { family: 'ip', table: 't', name: 'c', hook: 'prerouting' } };
    const copies = rule([match('tcp', 'dport', 443), { dup: { addr: '10.9.0.3' } }], { family: 'ip' });
    const sysctl = { 'net.bridge.bridge-nf-call-iptables': '1' };
    expect(whyNot([pre, copies])).toBe('takes no frame that a guest may send to another');
    expect(whyNot([pre, copies], { sysctl })).toBeNull();
  });

  it('comes to chains of the family inet that stand at a device, whatever br_netfilter does', () => {
    const at = (device: object, hook = 'ingress') => ({
      chain: { family: 'inet', table: 't', name: 'c', hook, ...device },
    });
    const copies = rule([match('tcp', 'dport', 443), dup], { family: 'inet' });
    for (const device of [{ dev: 'v1' }, { dev: ['v1', 'v2'] }, { devices: ['v1'] }]) {
      const [first] = asked([at(device), copies]).rules;
      expect([first?.notAsked, first?.rule.to, first?.witnesses[0]?.from]).toEqual([null, ['v3'], 'g1']);
    }
    const logs = rule([{ log: null }], { family: 'inet', table: 'g' });
    const acting = (chain: object): string | null =>
      whyNot([
        atPort,
        rule([match('tcp', 'dport', 443), dup]),
        { chain: { family: 'inet', table: 'g', ...chain } },
        logs,
      ]);
    const refusal = 'nft inet g c handle 4 may do more with it (log)';
    expect(acting({ name: 'c', hook: 'ingress', dev: 'v1' })).toBe(refusal);
    expect(acting({ name: 'base', hook: 'egress', dev: 'v2' })).toBe(refusal);
    expect(acting({ name: 'c', hook: 'forward' })).toBeNull();
  });

  it('looks for the devices of a rule in its named set, and is none where that is not known', () => {
    const guests = (elem: readonly unknown[], parts: object = {}) => ({
      set: { family: 'netdev', table: 't', name: 'guests', type: 'ifname', elem, ...parts },
    });
    const atGuests = { match: { op: '==', left: { meta: { key: 'iifname' } }, right: '@guests' } };
    const chain = { chain: { family: 'netdev', table: 't', name: 'c', hook: 'ingress', devices: ['v1', 'v2', 'v3'] } };
    const copies = rule([atGuests, match('tcp', 'dport', 443), dup]);
    expect(asked([chain, guests([{ elem: { val: 'v2' } }]), copies]).rules[0]?.witnesses[0]?.from).toBe('g2');
    expect(whyNot([chain, guests(['v2'], { flags: ['dynamic'] }), copies])).toBe('needs iifname @guests');
    expect(whyNot([chain, copies])).toBe('needs iifname @guests');
    const acting = (...sets: readonly object[]): string | null =>
      whyNot([atPort, ...sets, rule([dup]), rule([atGuests, { log: null }], { handle: 9 })]);
    expect(acting(guests(['v9']))).toBeNull();
    expect(acting(guests(['v1']))).toBe('nft netdev t c handle 9 may do more with it (log)');
    expect(acting()).toBe('nft netdev t c handle 9 may do more with it (log)');
  });

  it('follows the jumps to a chain', () => {
    const jump = {
      rule: {
        family: 'netdev',
        table: 't',
        chain: 'c',
        handle: 2,
        expr: [match('udp', 'dport', 53), { jump: { target: 'u' } }],
      },
    };
    const used = { chain: { family: 'netdev', table: 't', name: 'u' } };
    const [first] = asked([atPort, used, jump, rule([dup], { chain: 'u' })]).rules;
    expect(first?.witnesses.map(({ carrier, fields }) => [carrier, fields.destinationPort])).toEqual([
      ['ipv4-udp', 53],
      ['ipv6-udp', 53],
    ]);
  });

  it('is said with its rules in one sentence', () => {
    const mark = rule([{ match: { op: '==', left: { ct: { key: 'mark' } }, right: 7 } }, dup], { handle: 5 });
    const survey = asked([
      atPort,
      rule([match('ip', 'ttl', 5), match('tcp', 'dport', 443), dup]),
      mark,
      rule([{ drop: null }]),
    ]);
    expect(surveyText(survey)).toBe('rules: 3 read, 2 copy or move: 1 asked (1 witness), 1 not: needs ct mark 7');
  });
});

describe('a filter flower, as tc prints it', () => {
  const frame = {
    ...{ etherType: 0x800n, protocol: 6n, source4: 0x0a090001n, destination4: 0x0a090002n, sourcePort: 5n },
    ...{ destinationPort: 443n, tcpFlags: 2n, hopLimit: 64n, sourceMac: 0x525400000001n },
  };
  const takes = (keys: object): string =>
    takesFrame(tcSelector({ kind: 'flower', protocol: 'ip', options: { keys } }), frame, { in: 'v1', out: 'v2' });

  it.each([
    [{ eth_type: 'ipv4', ip_proto: 'tcp', dst_port: 443 }, 'yes'],
    [{ eth_type: 'ipv4', ip_proto: 'udp', dst_port: 443 }, 'no'],
    [{ src_ip: '10.9.0.0/16', dst_ip: '10.9.0.2' }, 'yes'],
    [{ src_ip: '10.8.0.0/16' }, 'no'],
    [{ dst_port_min: 400, dst_port_max: 500 }, 'yes'],
    [{ dst_port_min: 444, dst_port_max: 500 }, 'no'],
    [{ tcp_flags: '0x2/0x12' }, 'yes'],
    [{ tcp_flags: '0x12/0x12' }, 'no'],
    [{ src_mac: '52:54:00:00:00:01/ff:ff:ff:ff:ff:ff' }, 'yes'],
    [{ src_mac: '52:54:00:00:00:02/ff:ff:ff:ff:ff:00' }, 'no'],
    [{ dst_port: 443, vlan_id: 7 }, 'perhaps'],
    [{ ct_state: '+trk+est' }, 'perhaps'],
  ])('%j', (keys, answer) => expect(takes(keys)).toBe(answer));
});

describe('a condition that no reader knows', () => {
  it.each([
    ...['--dport abc', '--dport', '--dport 5:', '--sport 1:2:3', '--sport -1', '--tcp-flags', '--tcp-flags SYN'],
    ...['--tcp-flags 2 x', '--tcp-flags 2 2 2', '-s 10.0.0.0/99', '-s 10.0.0.0/255.0.255.0', '-p constructor'],
  ])('of xtables is an unknown part: %s', (option) => {
    expect(xtablesSelector([option], 4).unknown).toEqual([option]);
  });

  const prefix = (len: unknown): unknown => ({ prefix: { addr: '10.0.0.0', len } });
  it.each([
    ...[match('ip', 'saddr', prefix(1.5)), match('ip', 'saddr', prefix(-1e9)), match('ip', 'saddr', prefix(33))],
    ...[match('constructor', 'name', 1), match('ip', 'constructor', 1), match('ether', 'type', 'toString')],
    ...[match('tcp', 'dport', 1.5), match('tcp', 'dport', -1), match('ip', 'dscp', 'valueOf')],
    { match: { op: '==', left: { meta: { key: 'constructor' } }, right: 1 } },
  ])('of nft is one: %j', (condition) => {
    expect(nftSelector({ family: 'constructor', expr: [condition] }, new Map()).unknown).toHaveLength(1);
  });

  it.each([
    ['dst_port_min', 1.5],
    ['src_ip', '10.0.0.0/99'],
    ['constructor', 1],
    ['ip_proto', 'toString'],
  ])('of flower is one: %s %s', (key, value) => {
    expect(tcSelector({ kind: 'flower', options: { keys: { [key]: value } } }).unknown).toHaveLength(1);
  });

  it('of tc is one, with its protocol', () => {
    expect(tcSelector({ kind: 'matchall', protocol: 'constructor' }).unknown).toEqual(['protocol constructor']);
  });
});
