import { describe, expect, it } from 'vitest';
import { bypassReasons } from '../../../../../src/core/judge/proof/bypass.js';
import type { PacketSocket } from '../../../../../src/core/model/packet-socket.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { plan, step } from '../../../../support/judge/unchanged-fixture.js';

const program = { path: '/usr/bin/suricata', device: 2049, inode: 77, owner: 0, user: 0 };
const suricata = { pid: 99, name: 'suricata', program };
const own = { ...suricata, hostsOwn: true } as const;

function heardBy(holders: PacketSocket['holders'], asked = step): ReturnType<typeof bypassReasons> {
  const socket = { inode: '1', ifindex: 2, protocol: '0003', holders, own: false, filter: null };
  const state = { ...hostState(), programs: [], packetSockets: [socket] };
  const states = { before: state, after: state };
  return bypassReasons({ step: asked, plan, states, day: '2026-11-27', isDecided: () => false });
}

describe('a program of the host’s own that gets probes', () => {
  it('is named, and no reason', () => {
    expect(heardBy([own])).toEqual({ reasons: [], trusted: [], readers: [{ ...suricata, where: 'p0' }] });
  });

  it('is what somebody answers for, if anybody does', () => {
    const trusted = { what: 'packet socket of suricata', where: null, reason: 'IDS', owner: null, ticket: null };
    const asked = { ...step, expect: { ...step.expect, trust: [{ ...trusted, until: null }] } };
    expect(heardBy([own], asked)).toEqual({
      reasons: [],
      trusted: [{ ...trusted, until: null, where: 'p0', holders: [suricata] }],
    });
  });

  const byPath = 'packet socket of /usr/bin/suricata';
  it.each([
    ['none may listen', [own], { ...step, expect: { ...step.expect, noReaders: true as const } }, byPath],
    [
      'it shares its socket with a process that is not',
      [own, { pid: 100, name: 'relayd' }],
      step,
      'packet socket of suricata, relayd',
    ],
    ['it has what a guest has', [suricata], step, byPath],
    ['it cannot be seen', [], step, 'packet socket of a process that cannot be seen'],
  ])('is a reason if %s', (_, holders, asked, trust) => {
    const { reasons, ...others } = heardBy(holders, asked);
    expect(reasons.map(({ code }) => code)).toEqual(['bypass-possible']);
    expect(others).toEqual({ trusted: [], untrusted: [{ what: expect.any(String), where: 'p0', trust }] });
  });

  it.each([
    ['packet socket of *', true],
    ['packet socket of suri*ta', true],
    ['packet socket of /usr/bin/*', true],
    ['*suricata', true],
    ['packet*of*', true],
    ['packet socket of /opt/*', false],
    ['packet socket of suri', false],
    ['packet socket of suri*suricata', false],
    ['socket of *', false],
  ])('is answered for by a pattern: %s, %s', (what, isAnsweredFor) => {
    const trust = [{ what, where: 'p*', reason: 'IDS', owner: null, ticket: null, until: null }];
    const { reasons } = heardBy([suricata], { ...step, expect: { ...step.expect, trust } });
    expect(reasons).toHaveLength(isAnsweredFor ? 0 : 1);
  });
});
