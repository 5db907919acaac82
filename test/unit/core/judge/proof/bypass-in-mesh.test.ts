import { describe, expect, it } from 'vitest';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import type { PacketSocket } from '../../../../../src/core/model/packet-socket.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { flowTable } from '../../../../../src/core/plan/flows/flow-table.js';
import { type BpfInstruction, encodeBpf } from '../../../../../src/system/kernel/bpf.js';
import { bypassesOf } from '../../../../support/judge/bypass-fixture.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { step } from '../../../../support/judge/unchanged-fixture.js';
import { there } from '../../../../support/there.js';

describe.each([
  [200, {}],
  [1000, { tags: 'all' }],
] as const)('what could carry frames of a mesh of %i guests past the ears', (count, options) => {
  const mac = (guest: number) =>
    `52:54:00:00:${String(guest >> 8).padStart(2, '0')}:${(guest & 0xff).toString(16).padStart(2, '0')}`;
  const ip = (guest: number) => `10.0.${guest >> 8}.${guest & 0xff}`;
  const guests = Array.from({ length: count }, (_, guest) => guest);
  const of = there(step.flows.at(0));
  const column = (at: (i: number) => number) => Uint32Array.from({ length: count * (count - 1) }, (_, i) => at(i));
  const sourceAt = (i: number): number => Math.floor(i / (count - 1));
  const mesh = () =>
    flowTable({
      step: 0,
      id: 0,
      first: 0,
      forms: [
        {
          probe: 0,
          class: 'known-unicast',
          carrier: 'ipv4-udp',
          vlan: of.vlan,
          count: 1,
          judged: true,
          frame: { carrier: 'ipv4-udp', vlan: [], size: 60 },
        },
      ],
      sources: guests.map((guest) => ({
        from: `e${guest}`,
        sender: `e${guest}`,
        srcMac: mac(guest),
        srcIp: ip(guest),
      })),
      aims: guests.map((guest) => ({
        to: `e${guest}`,
        must: of.must,
        may: of.may,
        dstMac: mac(guest),
        dstIp: ip(guest),
      })),
      form: column(() => 0),
      source: column(sourceAt),
      aim: column((i) => (i % (count - 1)) + (i % (count - 1) >= sourceAt(i) ? 1 : 0)),
    });
  let asked: StepPlan | null = null;
  const found = (...program: readonly BpfInstruction[]): number => {
    const filter = Buffer.from(encodeBpf(program)).toString('hex');
    const holders = [{ pid: 9, name: 'tcpdump' }];
    const socket: PacketSocket = { inode: '1', ifindex: 2, protocol: '0003', holders, own: false, filter };
    const state = { ...hostState(), programs: [], packetSockets: [socket] };
    asked ??= { ...step, flows: mesh() };
    asked ??= { ...step, flows: mesh() };
    return bypassesOf(state, asked).reasons.length;
  };
  /** `ether src A and ether dst B`, by the last four bytes of each. */
  const between = (from: number, to: number): readonly BpfInstruction[] => [
    ...([
      [0x20, 0, 0, 8],
      [0x15, 0, 3, from],
      [0x20, 0, 0, 2],
      [0x15, 0, 1, to],
      [0x06, 0, 0, 9],
      [0x06, 0, 0, 0],
    ] as const),
  ];

  it('is a socket for what one guest sends to another, by MAC or by IP', options, () => {
    expect(found(...between(0x14, 0x15))).toBe(1);
    expect(found(...between(0x14, 0xffff))).toBe(0);
    expect(found([0x20, 0, 0, 30], [0x54, 0, 0, 0xff], [0x15, 0, 1, 0x77], [0x06, 0, 0, 9], [0x06, 0, 0, 0])).toBe(1);
    expect(found([0x20, 0, 0, 30], [0x15, 0, 1, 0x0b000077], [0x06, 0, 0, 9], [0x06, 0, 0, 0])).toBe(0);
  });

  it('is none for a host that is not in it', options, () => {
    expect(
      found(
        [0x20, 0, 0, 2],
        [0x15, 2, 0, 0xffff],
        [0x20, 0, 0, 8],
        [0x15, 0, 1, 0xffff],
        [0x06, 0, 0, 9],
        [0x06, 0, 0, 0],
      ),
    ).toBe(0);
  });
});

describe('what could carry frames past the ears', () => {
  it('is a socket whose filter asks for what a rule writes, which no probe has as it is sent', () => {
    const carrier = 'ipv4-udp';
    const frame = {
      ...there(step.flows.at(0)).frame,
      carrier,
      srcIp: '10.0.0.1',
      dstIp: '10.0.0.2',
      size: 80,
    } as const;
    const asked = { ...step, flows: step.flows.map((flow) => ({ ...flow, carrier, frame }) as const) };
    const refuse = [0x06, 0, 0, 0] as const;
    const take = [0x06, 0, 0, 9] as const;
    // tcpdump 'ip[1] & 0xfc = 0xb8'
    const isIp = [
      [0x28, 0, 0, 12],
      [0x15, 0, 4, 0x0800],
    ] as const;
    const program: readonly BpfInstruction[] = [
      ...isIp,
      [0x30, 0, 0, 15],
      [0x54, 0, 0, 0xfc],
      [0x15, 0, 1, 0xb8],
      take,
      refuse,
    ];
    const filter = Buffer.from(encodeBpf(program)).toString('hex');
    const taken = (parts: Partial<HostState>): number => {
      const holders = [{ pid: 9, name: 'tcpdump' }];
      const socket: PacketSocket = { inode: '1', ifindex: 2, protocol: '0003', holders, own: false, filter };
      const state = { ...hostState(), programs: [], ...parts, packetSockets: [socket] };
      return bypassesOf(state, asked).reasons.filter(({ text }) => text.startsWith('packet socket')).length;
    };
    const mangled = (payload: object) => ({
      nft: {
        nftables: [
          { rule: { family: 'bridge', table: 't', chain: 'c', expr: [{ mangle: { key: { payload }, value: 46 } }] } },
        ],
      },
    });
    expect(taken({})).toBe(0);
    expect(taken(mangled({ protocol: 'ip', field: 'dscp' }))).toBe(1);
    expect(taken(mangled({ protocol: 'tcp', field: 'dport' }))).toBe(0);
    const pedit = (offset: number) => ({ kind: 'pedit', keys: [{ htype: 'ipv4', offset }] });
    const filters = (action: object) => ({ tc: { filters: { 'p0 ingress': [{ options: { actions: [action] } }] } } });
    expect([taken(filters(pedit(0))), taken(filters(pedit(12)))]).toEqual([1, 0]);
    const tables = (target: string) =>
      [{ program: 'iptables-legacy', table: 'mangle', rules: 1, targets: [target] }] as const;
    expect([taken({ legacyTables: tables('DSCP') }), taken({ legacyTables: tables('MARK') })]).toEqual([1, 0]);
  });
});
