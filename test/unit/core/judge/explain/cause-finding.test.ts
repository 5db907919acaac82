import { describe, expect, it } from 'vitest';
import { auditIds, causeCodes, weaknesses, weaknessMeaning } from '../../../../../src/core/bridge/weaknesses.js';
import type { Cause } from '../../../../../src/core/model/result.js';
import type { HostState } from '../../../../../src/core/model/state.js';
import { finds, judged, judgedOf, probing, receives } from '../../../../support/judge/judged.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { learnedAt, changedState, setBridges, setLinks, setPorts, upLink } from '../../../../support/link-state.js';

const learned = { ...hostState(), fdb: [learnedAt('52:54:00:00:00:02', 'p1')] };
const socket = { inode: '7', protocol: '0003', holders: [{ pid: 4242, name: 'tcpreplay' }], own: false } as const;

/** What explains that c saw a frame of a to b, in the state. */
const causesIn = (state: HostState): readonly Cause[] => judged(finds(state), receives('c')).leaks[0]?.causes ?? [];
const codesIn = (state: HostState): readonly string[] => causesIn(state).map(({ code }) => code);

describe('the cause of a leak', () => {
  it('has a meaning for every code', () => {
    for (const code of [...causeCodes, 'unexplained'] as const) expect(weaknessMeaning(code), code).toMatch(/\w\.$/);
    expect(new Set([...causeCodes, ...auditIds])).toEqual(new Set(Object.keys(weaknesses)));
  });

  it('is a process that takes every frame where these passed and that the bridge did not send there, by name', () => {
    expect(causesIn({ ...learned, packetSockets: [{ ...socket, ifindex: 2 }] })).toMatchObject([
      { code: 'sniffer-on-host', place: 'packet socket on p0', value: 'tcpreplay (pid 4242)' },
    ]);
    expect(causesIn({ ...learned, packetSockets: [{ ...socket, ifindex: 0 }] })).toMatchObject([
      { code: 'sniffer-on-host', place: 'packet socket on every interface' },
    ]);
  });

  it.each([
    ['takes one protocol only', { ...socket, protocol: '0806', ifindex: 2 }],
    ['listens elsewhere', { ...socket, ifindex: 9 }],
    ['belongs to this program', { ...socket, own: true, ifindex: 2 }],
  ])('is no process that %s', (_, socket) => {
    expect(codesIn({ ...learned, packetSockets: [socket] })).toEqual(['unexplained']);
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
    expect(causesIn({ ...learned, nft: rule('p2') })).toMatchObject([
      { code: 'mirror', place: 'netdev t c on p0', value: 'dup to p2', fix: 'nft delete rule netdev t c handle 3' },
    ]);
    expect(codesIn({ ...learned, nft: rule('p9') })).toEqual(['unexplained']);
  });

  const dup = (on: string, chain: string, to: string): readonly object[] => [
    { chain: { family: 'netdev', table: 't', name: chain, hook: 'ingress', dev: on } },
    { rule: { family: 'netdev', table: 't', chain, handle: 3, expr: [{ dup: { addr: to } }] } },
  ];
  const mirrored = (to: string, ...more: readonly object[]): Pick<HostState, 'nft'> => ({
    nft: { nftables: [...dup('p0', 'c', to), ...more] },
  });

  it('is the copy alone where the bridge may not forward: no flag of the port ends it', () => {
    const apart = changedState(hostState(), setPorts({ isolated: true, flood: true }));
    const twoBridges = changedState(
      { ...hostState(), links: [...hostState().links, upLink('br1', { kind: 'bridge', bridge: {} })] },
      setLinks(({ name, master }) => ({ master: name === 'p0' ? 'br1' : master })),
    );
    for (const state of [apart, twoBridges]) {
      expect(codesIn({ ...state, ...mirrored('p2') })).toEqual(['mirror']);
      expect(codesIn(state)).toEqual(['unexplained']);
    }
    expect(codesIn({ ...hostState(), ...mirrored('p2') })).toEqual(['mirror']);
  });

  it('is what makes the bridge flood, beside which a copy changes nothing', () => {
    const hub = changedState(hostState(), setBridges({ ageing_time: 0 }));
    expect(codesIn({ ...hub, ...mirrored('p2') })).toEqual(['ageing-zero', 'unknown-flood']);
  });

  it('is the setting too where the bridge itself forwards to who is sent to, beside a rule that copies there', () => {
    const open = changedState({ ...learned, ...mirrored('p1') }, setPorts({ locked: false }));
    const forged = judgedOf(probing({ class: 'mac-spoof' }), finds(open), receives('b'));
    expect(forged.leaks[0]?.causes?.map(({ code }) => code)).toContain('source-unchecked');
  });

  it('is each rule of a chain of copies, the last of which is to go', () => {
    const links = [...learned.links, upLink('ifb0', { kind: 'ifb' })];
    const chained = { ...learned, links, ...mirrored('ifb0', ...dup('ifb0', 'e', 'p2')) };
    expect(causesIn(chained)).toMatchObject([
      { code: 'mirror', place: 'netdev t c on p0 and netdev t e on ifb0', fix: 'nft delete rule netdev t e handle 3' },
    ]);
    expect(codesIn({ ...chained, ...mirrored('p9', ...dup('ifb0', 'e', 'p2')) })).toEqual(['unexplained']);
  });

  it('is several where several fit, the most specific first', () => {
    const open = changedState(hostState(), setBridges({ ageing_time: 0 }), setPorts({ isolated: false }));
    expect(codesIn(open)).toEqual(['ageing-zero', 'unknown-flood', 'not-isolated']);
  });
});
