import { describe, expect, it } from 'vitest';
import { auditIds, causeCodes, weaknesses, weaknessMeaning } from '../../../../../src/core/bridge/weaknesses.js';
import type { Cause } from '../../../../../src/core/model/result.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { buildFrame } from '../../../../../src/core/probe/frames/frame.js';
import { tokensFor } from '../../../../../src/core/wire/token.js';
import { addFrames, hostState, judge, key, perfectRun } from '../../../../support/judge/perfect-run.js';

const learned = {
  mac: '52:54:00:00:00:02',
  port: 'p1',
  master: 'br0',
  vlan: null,
  state: 'dynamic',
  flags: [],
  usedS: 1,
  updatedS: 1,
} as const;
const socket = { inode: '7', protocol: '0003', holders: [{ pid: 4242, name: 'tcpreplay' }], own: false } as const;

/** What explains that c saw a frame of a to b, in the state. */
function causesIn(state: HostState): readonly Cause[] {
  const evidence = perfectRun();
  evidence.states = [{ before: state, after: state }];
  const flow = evidence.plan.steps[0]?.flows.at(0);
  if (flow === undefined) throw new Error('the plan has no flow');
  addFrames(evidence, {
    observer: 'c',
    outgoing: true,
    bytes: buildFrame(flow.frame, tokensFor(key, evidence.plan.runTag, flow.first, 1)),
  });
  return judge(evidence).steps[0]?.findings.find(({ leak }) => leak)?.causes ?? [];
}
const codesIn = (state: HostState): readonly string[] => causesIn(state).map(({ code }) => code);

describe('the cause of a leak', () => {
  it('has a meaning for every code', () => {
    for (const code of [...causeCodes, 'unexplained'] as const) expect(weaknessMeaning(code), code).toMatch(/\w\.$/);
    expect(new Set([...causeCodes, ...auditIds])).toEqual(new Set(Object.keys(weaknesses)));
  });

  it('is a process that takes every frame where these passed and that the bridge did not send there, by name', () => {
    expect(causesIn({ ...hostState(), fdb: [learned], packetSockets: [{ ...socket, ifindex: 2 }] })).toMatchObject([
      { code: 'sniffer-on-host', place: 'packet socket on p0', value: 'tcpreplay (pid 4242)' },
    ]);
    expect(causesIn({ ...hostState(), fdb: [learned], packetSockets: [{ ...socket, ifindex: 0 }] })).toMatchObject([
      { code: 'sniffer-on-host', place: 'packet socket on every interface' },
    ]);
  });

  it.each([
    ['takes one protocol only', { ...socket, protocol: '0806', ifindex: 2 }],
    ['listens elsewhere', { ...socket, ifindex: 9 }],
    ['belongs to this program', { ...socket, own: true, ifindex: 2 }],
  ])('is no process that %s', (_, socket) => {
    expect(codesIn({ ...hostState(), fdb: [learned], packetSockets: [socket] })).toEqual(['unexplained']);
  });

  it('is no process where the bridge flooded', () => {
    expect(codesIn({ ...hostState(), packetSockets: [{ ...socket, ifindex: 2 }] })).toEqual(['unknown-flood']);
  });

  it('is a rule that copies frames of the sender to the observer, and none that copies elsewhere', () => {
    const rule = (device: string): HostState['nft'] => ({
      nftables: [
        { chain: { family: 'netdev', table: 't', name: 'c', dev: 'p0' } },
        { rule: { family: 'netdev', table: 't', chain: 'c', handle: 3, expr: [{ dup: { addr: device } }] } },
      ],
    });
    expect(causesIn({ ...hostState(), fdb: [learned], nft: rule('p2') })).toMatchObject([
      { code: 'mirror', place: 'netdev t c on p0', value: 'dup to p2', fix: 'nft delete rule netdev t c handle 3' },
    ]);
    expect(codesIn({ ...hostState(), fdb: [learned], nft: rule('p9') })).toEqual(['unexplained']);
  });

  it('is several where several fit, the most specific first', () => {
    const state = hostState();
    const links = state.links.map((link) =>
      link.name === 'br0'
        ? { ...link, bridge: { ageing_time: 0 } }
        : { ...link, port: { ...link.port, isolated: false } },
    );
    expect(codesIn({ ...state, links })).toEqual(['ageing-zero', 'unknown-flood', 'not-isolated']);
  });
});
