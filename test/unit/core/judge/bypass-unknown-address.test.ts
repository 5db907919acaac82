import { describe, expect, it } from 'vitest';
import type { Plan } from '../../../../src/core/model/plan.js';
import type { PacketSocket } from '../../../../src/core/model/packet-socket.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { type BpfInstruction, encodeBpf } from '../../../../src/system/kernel/bpf.js';
import { bypassesOf } from '../../../support/judge/bypass-fixture.js';
import { probing } from '../../../support/judge/judged.js';
import { hostState } from '../../../support/judge/perfect-run.js';
import { there } from '../../../support/there.js';

/** `ip and src host A.B.C.D` or, of the destination, `ip and dst host A.B.C.D`, as tcpdump -dd compiles them. */
const host = (address: readonly number[], at: 26 | 30): readonly BpfInstruction[] => [
  [0x28, 0, 0, 12],
  [0x15, 0, 3, 0x0800],
  [0x20, 0, 0, at],
  [0x15, 0, 1, address.reduce((sum, byte) => sum * 256 + byte, 0)],
  [0x06, 0, 0, 262_144],
  [0x06, 0, 0, 0],
];

/** `ether src MAC` of nobody. */
const otherMac: readonly BpfInstruction[] = [
  [0x20, 0, 0, 8],
  [0x15, 0, 1, 0x0a0b_0c0d],
  [0x06, 0, 0, 262_144],
  [0x06, 0, 0, 0],
];

/** What keeps a step from HOLDS in which a process listens with that filter. `ip`: an address that the author wrote. */
function reasonsOf(program: readonly BpfInstruction[], provider: Plan['provider'] = 'host', ip: string | null = null) {
  const { steps } = makePlan(probing({ carriers: ['ipv4-udp'], srcIp: ip, dstIp: ip }), { runTag: 1, keySha256: '' });
  const holders = [{ pid: 9, name: 'tcpdump' }];
  const filter = Buffer.from(encodeBpf(program)).toString('hex');
  const socket: PacketSocket = { inode: '1', ifindex: 2, protocol: '0003', holders, own: false, filter };
  const state = { ...hostState(), programs: [], packetSockets: [socket] };
  return bypassesOf(state, there(steps[0]), provider).reasons.map(({ code }) => code);
}

describe('a socket that takes one address', () => {
  it.each([26, 30] as const)('may take that of a guest which is not on record: offset %i', (at) =>
    expect(reasonsOf(host([10, 7, 0, 1], at))).toEqual(['bypass-possible']),
  );

  it('takes no frame of guests whose addresses are on record', () =>
    expect(reasonsOf(host([10, 7, 0, 1], 26), 'host', '10.7.0.2')).toEqual([]));

  it('is asked by the MACs all the same', () => expect(reasonsOf(otherMac)).toEqual([]));

  it('takes none in a lab, whose guests have no other', () =>
    expect(reasonsOf(host([10, 7, 0, 1], 26), 'lab')).toEqual([]));
});
