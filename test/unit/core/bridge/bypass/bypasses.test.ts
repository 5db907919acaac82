import { describe, expect, it } from 'vitest';
import { bypassesIn } from '../../../../../src/core/bridge/bypass/bypasses.js';
import {
  harmlessFilters,
  harmlessHandlers,
  harmlessStatements,
  harmlessTargets,
  onlyPassesOrDrops,
} from '../../../../../src/core/bridge/bypass/known-good.js';
import type { HostState, LegacyTable } from '../../../../../src/core/model/state.js';
import { parseLinks } from '../../../../../src/system/state/parse-links.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { learnedAt } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

const segment = new Set(['br0', 'vnet2', 'vnet3']);

const found = (parts: Partial<HostState>) => bypassesIn({ ...hostState(), ...parts }, segment);
const reported = (parts: Partial<HostState>): readonly string[] =>
  found(parts).map(({ what, where }) => `${what} at ${where}`);
const tc = (filter: unknown, key = 'vnet2 ingress'): readonly string[] =>
  reported({ tc: { filters: { [key]: [filter] } } });
const action = (parts: Readonly<Record<string, unknown>>): readonly string[] =>
  tc({ kind: 'u32', options: { actions: [parts] } });
const nft = (statement: unknown, family = 'netdev'): readonly string[] =>
  reported({
    nft: {
      nftables: [
        { chain: { family, table: 't', name: 'c', dev: 'vnet2' } },
        { rule: { family, table: 't', chain: 'c', expr: [statement] } },
      ],
    },
  });

describe('what can carry frames past the ears', () => {
  it.each([...harmlessFilters])('is no filter %s', (kind) => expect(tc({ kind, options: {} })).toEqual([]));
  it.each(['connmark', 'csum', 'ct', 'ctinfo', 'gact', 'pedit', 'police', 'simple', 'skbedit'])(
    'is no action %s',
    (kind) => expect(action({ kind })).toEqual([]),
  );
  it.each([...harmlessStatements])('is no statement %s', (name) => expect(nft({ [name]: null })).toEqual([]));
  it.each([...harmlessTargets])('is no target %s', (name) =>
    expect(nft({ xt: { type: 'target', name } }, 'ip')).toEqual([]),
  );

  it('is a rule that has packets traced, or by which the host answers or writes a source, to whom nft does not say', () => {
    expect(nft({ mangle: { key: { meta: { key: 'nftrace' } }, value: 1 } }, 'bridge')).toEqual([
      'nft nftrace set at nft bridge t c on vnet2',
    ]);
    for (const name of ['TRACE', 'arpreply', 'snat'])
      expect(nft({ xt: { type: 'target', name } }, 'bridge')).toEqual([
        `xtables target ${name} at nft bridge t c on vnet2`,
      ]);
  });

  it('is a rule elsewhere that copies to a guest’s port, where the host routes: guests’ packets may pass there', () => {
    const mirror = (to: string) => ({
      filters: {
        'eth9 ingress': [{ kind: 'u32', options: { actions: [{ kind: 'mirred', direction: 'egress', to_dev: to }] } }],
      },
    });
    const dup = {
      nftables: [
        { chain: { family: 'netdev', table: 't', name: 'c', dev: 'eth9' } },
        { rule: { family: 'netdev', table: 't', chain: 'c', expr: [{ dup: { addr: 'vnet3' } }] } },
      ],
    };
    const sysctl = { 'net.ipv4.ip_forward': '1' };
    expect(reported({ tc: mirror('vnet3'), nft: dup, sysctl })).toEqual([
      'tc action mirred to vnet3 at tc eth9 ingress',
      'nft dup to vnet3 at nft netdev t c on eth9',
    ]);
    // Nothing that is known of the addressee's traffic clears it
    expect(found({ tc: mirror('vnet3'), sysctl })[0]).not.toHaveProperty('to');
    expect(reported({ tc: mirror('eth8'), sysctl })).toEqual([]);
    expect(reported({ tc: mirror('vnet3'), nft: dup, sysctl: { 'net.ipv4.ip_forward': '0' } })).toEqual([]);
  });

  it('is a program at a device that frames come to, and at no other', () => {
    const programs = [
      { device: 'vnet2', place: 'tcx ingress', id: 7 },
      { device: 'eth9', place: 'tcx egress', id: 8 },
    ];
    expect(reported({ programs })).toEqual(['BPF program 7 at vnet2 tcx ingress']);
    expect(tc({ kind: 'bpf', options: {} })).toEqual(['tc filter bpf at tc vnet2 ingress']);
  });

  it('is no program that only passes frames on or drops them, by its code', () => {
    const program = { device: 'vnet2', place: 'tcx ingress', id: 7, name: 'cil_from_contai', tag: 'a04f5eef06a7f555' };
    expect(reported({ programs: [{ ...program, onlyPasses: true }] })).toEqual([]);
    expect(found({ programs: [program] })).toMatchObject([
      { what: 'BPF program 7', persistent: 'BPF program cil_from_contai tag a04f5eef06a7f555' },
    ]);
  });

  /** struct bpf_insn of linux/bpf.h. */
  const code = (
    ...instructions: readonly (readonly [code: number, registers?: number, imm?: number])[]
  ): Uint8Array => {
    const view = new DataView(new ArrayBuffer(instructions.length * 8));
    instructions.forEach(([opcode, registers = 0, imm = 0], at) => {
      view.setUint8(at * 8, opcode);
      view.setUint8(at * 8 + 1, registers);
      view.setInt32(at * 8 + 4, imm, true);
    });
    return new Uint8Array(view.buffer);
  };
  const [pass, drop, exit] = [[0xb7, 0, -1], [0xb4, 0, 2], [0x95]] as const;

  it.each([
    ['passes', code(pass, exit)],
    ['passes some, by their bytes, and drops others', code([0x61, 0x61], [0x55, 0x01, 8], pass, exit, drop, exit)],
    ['writes to its stack and reads a constant of two words', code([0x63, 0x1a], [0x18, 0x02], [0], pass, exit)],
  ])('is no program that %s', (_, program) => expect(onlyPassesOrDrops(program)).toBe(true));

  it.each([
    ['calls the kernel', code([0x85, 0, 13], pass, exit)],
    ['calls another program', code(pass, [0xf5], exit)],
    ['redirects by its result', code([0xb7, 0, 7], exit)],
    ['has a result that is not a constant', code([0xbf, 0x60], exit)],
    ['reads its result from memory', code([0x61, 0x60], exit)],
    ['reckons with its result', code(pass, [0x07, 0, 8], exit)],
    ['writes to the frame or its mark', code([0x63, 0x16], pass, exit)],
    ['adds to memory in one go', code([0xc3, 0x1a], pass, exit)],
    ['loads in the old way', code([0x28, 0, 12], pass, exit)],
    ['jumps in a way that is not known', code(pass, [0xe5], exit)],
    ['ends in the middle of an instruction', code(pass, exit).subarray(0, 12)],
    ['ends in the middle of two words', code(pass, [0x18, 0x01])],
    ['is empty', code()],
  ])('may be a program that %s', (_, program) => expect(onlyPassesOrDrops(program)).toBe(false));

  it('is a function of a module that gets every frame of the bridge, as VMware’s, or of every device', () => {
    const handler = (name: string, device: string | null, type = 'ALL'): readonly string[] =>
      reported({ packetHandlers: [{ type, device, function: name }] });
    const bridged = 'VNetBridgeReceiveFromDev [vmnet]';
    expect(handler(bridged, 'br0')).toEqual([`packet handler ${bridged} at br0`]);
    expect(handler(bridged, null, '0800')).toEqual([`packet handler ${bridged} at every interface`]);
    expect(handler(bridged, 'eth9')).toEqual([]);
    // a protocol of its own
    expect(handler('fcoe_rcv [fcoe]', null, '8906')).toEqual([]);
    expect([...harmlessHandlers].flatMap((name) => handler(name, null, '0800'))).toEqual([]);
    expect(handler('llc_rcv [llc]', null)).toEqual([]);
  });

  it('is a tap that several processes read, which are named', () => {
    const sharedTaps = {
      vnet2: [
        { pid: 7, name: 'qemu-system-x86' },
        { pid: 9, name: 'python3' },
      ],
      tap9: [
        { pid: 7, name: 'a' },
        { pid: 9, name: 'b' },
      ],
    };
    expect(reported({ sharedTaps })).toEqual(['tap that several processes read at vnet2']);
    expect(found({ sharedTaps })[0]?.remedy).toContain('qemu-system-x86 (7), python3 (9)');
  });

  it('is a target of iptables-legacy as of nft, and rules of ebtables-legacy, which nobody reads', () => {
    const legacy = (table: LegacyTable, logGroups: readonly number[] = []): readonly string[] =>
      reported({ legacyTables: [table], logGroups });
    const raw = (...targets: readonly string[]): LegacyTable => ({
      program: 'ip6tables-legacy',
      table: 'raw',
      rules: 3,
      targets,
    });
    expect(legacy(raw())).toEqual([]);
    expect(legacy(raw('LOG', 'MASQUERADE', 'TEE'))).toEqual(['xtables target TEE at ip6tables-legacy raw']);
    expect(legacy(raw('NFLOG'))).toEqual([]);
    expect(legacy(raw('NFLOG'), [5])).toEqual(['NFLOG at ip6tables-legacy raw']);
    const nat = { program: 'ebtables-legacy', table: 'nat', rules: 1, targets: null } as const;
    expect(legacy(nat)).toEqual(['rules that this program does not read at ebtables-legacy nat']);
    expect(found({ legacyTables: [nat] })[0]?.remedy).toBe(
      'make them with ebtables-nft, whose rules are read, or answer for them with trust',
    );
  });

  it('is a feature of a network card that forwards or copies frames, at a device that frames come to', () => {
    expect(reported({ hardware: { vnet2: ['hsr-dup-offload', 'hw-tc-offload', 'l2-fwd-offload'] } })).toEqual([
      'hsr-dup-offload at vnet2',
      'l2-fwd-offload at vnet2',
    ]);
    expect(reported({ hardware: { vnet2: ['rx-vlan-filter'], eth9: ['hsr-fwd-offload'] } })).toEqual([]);
  });

  it('is a group that the bridge has handed to a driver', () => {
    const links = [{ ...there(hostState().links[1]), name: 'vnet2' }];
    const mdb = (flags: readonly string[], port = 'vnet2'): unknown => [
      { mdb: [{ index: 1, dev: 'br0', port, grp: '239.1.1.1', state: 'temp', flags }], router: {} },
    ];
    expect(reported({ links, mdb: mdb(['offload']) })).toEqual(['forwarding entries in hardware at vnet2']);
    expect(reported({ links, mdb: mdb([]) })).toEqual([]);
    expect(reported({ links, mdb: mdb(['offload'], 'eth9') })).toEqual([]);
  });

  const nflog = { xt: { type: 'watcher', name: 'nflog' } };
  it.each([
    [{ log: { group: 5 } }, { logGroups: [5] }, ['NFLOG to group 5 at nft bridge t c']],
    [{ log: { group: 5 } }, { logGroups: [6] }, []],
    [{ log: { prefix: 'dropped' } }, { logGroups: [5] }, []],
    [{ log: { group: 5 } }, {}, []],
    [nflog, { logGroups: [5] }, ['NFLOG at nft bridge t c']],
    [{ xt: { type: 'target', name: 'NFLOG' } }, { logGroups: [] }, []],
  ])(
    'is what a rule logs to a group from which a process takes packets, and to no other: %j, %j',
    (expr, read, bypasses) =>
      expect(
        reported({
          nft: { nftables: [{ rule: { family: 'bridge', table: 't', chain: 'c', expr: [expr] } }] },
          ...read,
        }),
      ).toEqual(bypasses),
  );

  it.each([
    [{ kind: 'sample' }, ['tc action sample at tc vnet2 ingress']],
    [
      { kind: 'mirred', mirred_action: 'mirror', direction: 'egress', blockid: 21 },
      ['tc action mirred at tc vnet2 ingress'],
    ],
    [{ kind: 'mirred', direction: 'ingress', to_dev: 'eth9' }, ['tc action mirred to eth9 at tc vnet2 ingress']],
  ])('is an action that hands frames to somebody, or leads nobody knows where: case %#', (parts, expected) =>
    expect(action(parts)).toEqual(expected),
  );

  it('is every copy, which says where it leads and names its filter, without its text; what comes in somewhere leads anywhere', () => {
    const mirror = { kind: 'mirred', direction: 'egress', to_dev: 'vnet3' };
    const at = (filter: unknown) => found({ tc: { filters: { 'vnet2 ingress': [filter] } } });
    const u32 = (match: unknown) => ({
      ...{ kind: 'u32', protocol: 'ip', pref: 7 },
      options: { fh: '800::800', match, actions: [mirror] },
    });
    expect(at(u32({ value: '60000', mask: 'ff0000', offmask: '', off: 8 }))).toEqual([
      {
        what: 'tc action mirred to vnet3',
        where: 'tc vnet2 ingress',
        to: ['vnet3'],
        remedy: expect.stringMatching(
          /^tc vnet2 ingress pref 7 handle 800::800 may take frames that no probe is like;/,
        ),
      },
    ]);
    const named = (filter: object) => at({ ...filter, pref: 7 })[0]?.remedy.split(' may')[0];
    expect(named({ kind: 'flower', options: { handle: 1, keys: { ip_proto: 'tcp' }, actions: [mirror] } })).toBe(
      'tc vnet2 ingress pref 7 handle 0x1',
    );
    expect(named({ kind: 'matchall', options: { actions: [mirror] } })).toBe('tc vnet2 ingress pref 7');
    expect(at(u32(null)).length).toBe(1);
    expect(at({ kind: 'u32', options: { actions: [{ ...mirror, direction: 'ingress' }] } })).toEqual([
      expect.not.objectContaining({ to: expect.anything() }),
    ]);
  });

  it('is what a network card does by itself', () => {
    expect(tc({ kind: 'flower', options: { in_hw: true, actions: [{ kind: 'gact' }] } })).toEqual([
      'tc filter flower in hardware at tc vnet2 ingress',
    ]);
    expect(tc({ kind: 'flower', options: { skip_sw: true } })).toHaveLength(1);
    expect(tc({ kind: 'flower', options: { not_in_hw: true } })).toEqual([]);
    const flowtable = (parts: object) =>
      reported({ nft: { nftables: [{ flowtable: { family: 'inet', table: 't', name: 'f', ...parts } }] } });
    expect(flowtable({ dev: ['eth9', 'vnet2'], flags: ['offload'] })).toEqual([
      'nft flowtable in hardware at nft inet t f',
    ]);
    expect(flowtable({ dev: 'vnet2', flags: 'offload' })).toHaveLength(1);
    expect(flowtable({ dev: ['vnet2'] })).toEqual([]);
    expect(flowtable({ dev: ['eth9'], flags: ['offload'] })).toEqual([]);
  });

  it('is a switch in hardware, and what a driver was given to forward', () => {
    const [first] = hostState().links;
    const link = (name: string, switchId?: string) => ({
      ...there(first),
      name,
      ...(switchId === undefined ? {} : { switchId }),
    });
    const links = [link('vnet2', 'aa01'), link('vnet3', 'aa01'), link('br0'), link('eth9', 'bb02')];
    expect(reported({ links })).toEqual(['switch in hardware aa01 at vnet2, vnet3']);
    const offloaded = (port: string) => learnedAt('52:54:00:00:00:01', port, { flags: ['offload'] });
    const plain = learnedAt('52:54:00:00:00:01', 'vnet3');
    const fdb = [offloaded('vnet2'), offloaded('vnet2'), plain, offloaded('eth9')];
    expect(reported({ links: [link('vnet2'), link('vnet3'), link('eth9')], fdb })).toEqual([
      'forwarding entries in hardware at vnet2',
    ]);
    expect(reported({ links, fdb })).toEqual(['switch in hardware aa01 at vnet2, vnet3']);
    // as `ip -j -d link` prints a port of a switch
    const printed = [{ ifname: 'vnet2', ifindex: 7, phys_switch_id: 'aa01' }];
    expect(reported({ links: parseLinks(printed, () => null) })).toEqual(['switch in hardware aa01 at vnet2']);
  });

  it('is a filter of what happens in a discipline', () => {
    const qdisc = [{ dev: 'vnet2', kind: 'red', options: { qevents: [{ kind: 'early_drop', block: 10 }] } }];
    expect(reported({ tc: { qdisc, filters: {} } })).toEqual(['tc qevent early_drop at tc vnet2 red']);
    expect(reported({ tc: { qdisc: [{ ...qdisc[0], dev: 'eth9' }], filters: {} } })).toEqual([]);
  });

  it.each(['mpls', 'nat', 'skbmod', 'tunnel_key', 'vlan'])('is tc action %s: others get what it writes to', (kind) =>
    expect(action({ kind })).toHaveLength(1),
  );

  const header = (htype: string, offset: number) => ({ kind: 'pedit', keys: [{ htype, offset }] });
  it.each([header('tcp', 0), header('ipv4', 8), header('ipv6', 4), { kind: 'skbedit', priority: 1 }, { kind: 'ct' }])(
    'is no action that leaves address and kind of frames: %j',
    (parts) => expect(action(parts)).toEqual([]),
  );
  it.each([
    header('eth', 0),
    header('ipv4', 16),
    header('network', 0),
    { kind: 'skbedit', ptype: 'host' },
    { kind: 'ct', nat: 'src' },
  ])('is an action that gives frames another address or kind: %j', (parts) => expect(action(parts)).toHaveLength(1));

  const set = (key: object) => nft({ mangle: { key, value: 1 } }, 'bridge');
  it.each([
    { meta: { key: 'mark' } },
    { ct: { key: 'mark' } },
    { 'tcp option': { name: 'maxseg', field: 'size' } },
    { payload: { protocol: 'ip', field: 'ttl' } },
    { payload: { protocol: 'udp', field: 'dport' } },
  ])('is no rule that sets what is neither address nor kind: %j', (key) => expect(set(key)).toEqual([]));
  it.each([
    { meta: { key: 'pkttype' } },
    { meta: { key: 'broute' } },
    { payload: { protocol: 'ip', field: 'daddr' } },
    { payload: { base: 'll', offset: 0, len: 48 } },
    {},
  ])('is a rule that sets an address or kind: %j', (key) => expect(set(key)).toHaveLength(1));
  it('is a rule that sets an address, by its name', () =>
    expect(set({ payload: { protocol: 'ether', field: 'daddr' } })).toEqual([
      'nft ether daddr set at nft bridge t c on vnet2',
    ]));
  it.each(['dnat', 'redirect'])('is target %s of the bridge', (name) =>
    expect(nft({ xt: { type: 'target', name } }, 'bridge')).toHaveLength(1),
  );

  it('is no filter of a device that frames do not come to', () => {
    expect(tc({ kind: 'bpf', options: {} }, 'eth9 egress')).toEqual([]);
  });

  it('is a statement of nft that hands packets to a process, or leads nobody knows where', () => {
    expect(nft({ queue: { num: 1 } })).toEqual(['nft statement queue at nft netdev t c on vnet2']);
    expect(nft({ dup: { addr: { map: { key: {}, data: '@m' } } } })).toEqual(['nft dup at nft netdev t c on vnet2']);
    expect(nft({ xt: { type: 'target', name: 'TEE' } }, 'ip')).toEqual(['xtables target TEE at nft ip t c on vnet2']);
    expect(nft({ xt: null }, 'ip')).toEqual(['xtables target that nft does not know at nft ip t c on vnet2']);
  });

  it('is a copy by nft, which says where it leads, by name or out of a map, and names its rule', () => {
    const rule = (expr: readonly unknown[], family = 'netdev', dev: unknown = 'vnet2') =>
      found({
        nft: {
          nftables: [
            { chain: { family, table: 't', name: 'c', ...(dev === null ? {} : { dev }) } },
            { rule: { family, table: 't', chain: 'c', handle: 4, expr } },
          ],
        },
      }).map(({ what, to, remedy }) => [what, to ?? null, remedy.split(' may')[0]]);
    const named = 'nft netdev t c handle 4';
    const map = (to: string): unknown => ({ dup: { addr: { map: { key: {}, data: { set: [[0, to]] } } } } });
    const isTcp = { match: { op: '==', left: { meta: { key: 'l4proto' } }, right: 'tcp' } };
    expect(rule([isTcp, { dup: { addr: 'vnet3' } }])).toEqual([['nft dup to vnet3', ['vnet3'], named]]);
    expect(rule([map('vnet3')])).toEqual([['nft dup to vnet3', ['vnet3'], named]]);
    expect(rule([{ fwd: { family: 'ip', addr: '10.0.0.9', dev: 'vnet3' } }])).toMatchObject([
      ['nft fwd to vnet3', ['vnet3'], named],
    ]);
    expect(rule([{ dup: { addr: '10.0.0.9', dev: 'br0' } }], 'ip', null)).toEqual([
      ['nft dup to 10.0.0.9', null, 'nft ip t c handle 4'],
    ]);
    expect(rule([{ dup: { addr: 'vnet3' } }], 'netdev', ['eth*'])).toEqual([]);
    expect(rule([{ dup: { addr: 'vnet3' } }], 'netdev', ['vnet*'])).toHaveLength(1);
  });
});
