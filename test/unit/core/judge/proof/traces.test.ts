import { describe, expect, it } from 'vitest';
import { bypassReasons } from '../../../../../src/core/judge/proof/bypass.js';
import type { FdbState, HostState, LinkState, StepStates } from '../../../../../src/core/model/state.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { plan, step } from '../../../../support/judge/unchanged-fixture.js';
import { changedState, setLink } from '../../../../support/link-state.js';
import { there } from '../../../../support/there.js';

const like: FdbState = {
  ...{ mac: '', port: '', master: null, vlan: null, state: 'permanent', flags: ['self'], usedS: null, updatedS: null },
};
const read = (parts: Partial<HostState> = {}): HostState => ({ ...hostState(), programs: [], ...parts });
const judged = (states: StepStates, asked = step): ReturnType<typeof bypassReasons> =>
  bypassReasons({ step: asked, plan, states, day: '2026-11-27', isDecided: () => false });
const reported = (before: HostState, after: HostState = read()): readonly string[] =>
  judged({ before, after }).reasons.map(({ code, text }) => `${code}: ${text.split(':')[0] ?? ''}`);
const socket = {
  inode: '1',
  ifindex: 2,
  protocol: '0003',
  holders: [{ pid: 9, name: 'python3' }],
  own: false,
  filter: null,
};

describe('what could carry frames past the ears, by its traces', () => {
  it('is a bridge that more hold promiscuous than can be seen', () => {
    const held = (promiscuity: number, parts: Partial<HostState> = {}): readonly string[] => {
      return reported(changedState(read({ packetSockets: [], ...parts }), setLink('br0', { promiscuity })));
    };
    const unseen = ['bypass-possible: promiscuous mode that nothing explains at br0 may carry frames past the ears'];
    const bridge = there(read().links.find(({ name }) => name === 'br0'));
    expect(held(0)).toEqual([]);
    expect(held(1)).toEqual(unseen);
    // a socket that takes nothing of what probes are may have asked for it
    expect(held(1, { packetSockets: [{ ...socket, ifindex: bridge.ifindex, protocol: '88cc' }] })).toEqual([]);
    const above = { ...bridge, name: 'br0.7', ifindex: 77, kind: 'vlan', lower: 'br0', bridge: null };
    expect(held(1, { links: [...read().links, above] })).toEqual([]);
    expect(held(2, { links: [...read().links, above] })).toEqual(unseen);
    // one address more makes a bridge promiscuous, however many there are
    const own: FdbState = { ...like, mac: '02:00:00:00:00:99', port: 'br0', master: null };
    expect(held(1, { fdb: [own] })).toEqual([]);
    expect(held(1, { fdb: [{ ...own, mac: '33:33:00:00:00:01' }] })).toEqual(unseen);
    expect(held(2, { fdb: [own] })).toEqual(unseen);
    expect(held(1, { packetSockets: null })).toEqual([]);
  });

  it('is a bridge that more hold promiscuous than sockets say they do', () => {
    const index = there(read().links.find(({ name }) => name === 'br0')).ifindex;
    const held = (promiscuity: number, ...memberships: readonly (readonly number[])[]): number => {
      const packetSockets = memberships.map((promiscuous, at) => ({
        ...{ ...socket, inode: String(at), ifindex: index, protocol: '88cc' },
        promiscuous,
      }));
      return reported(changedState(read({ packetSockets }), setLink('br0', { promiscuity }))).length;
    };
    // a socket on the bridge that asked for nothing hides no module that did; one bound elsewhere may have asked
    expect([held(1, []), held(1, [index]), held(1, [99]), held(2, [index]), held(2, [index], [99, index])]).toEqual([
      1, 0, 1, 1, 0,
    ]);
  });

  it('is no process at the end of a pair whose other end is the port of a guest, for it is that guest', () => {
    const [port] = read().links.filter(({ name }) => name === 'p1');
    const end = { ...there(port), name: 'vmw1', ifindex: 77, kind: 'veth', lower: 'p1', master: null, port: null };
    const at = (more: Partial<LinkState> = {}): readonly string[] =>
      reported(read({ packetSockets: [{ ...socket, ifindex: 77 }], links: withPeer({ ...end, ...more }) }));
    const withPeer = (link: LinkState): HostState['links'] => [
      ...read().links.map((known) => (known.name === 'p1' ? { ...known, kind: 'veth', lower: 'vmw1' } : known)),
      link,
    ];
    expect(at()).toEqual([]);
    expect(at({ master: 'br0' })).toEqual([
      'bypass-possible: packet socket of python3 at vmw1 may carry frames past the ears',
    ]);
  });

  it('is a discipline that shapes and in which frames wait at the end, and no other', () => {
    const waiting = (discipline: string, device = 'p1') => read({ waiting: [{ device, discipline, frames: 3 }] });
    expect(reported(read(), waiting('tbf'))).toEqual([
      'bypass-possible: queueing discipline tbf at p1 may carry frames past the ears',
    ]);
    // what waits before the end is still heard; a device that no frame of the bridge comes to
    expect(reported(waiting('tbf'))).toEqual([]);
    expect(reported(read(), waiting('fq_codel'))).toEqual([]);
    expect(reported(read(), waiting('tbf', 'eth9'))).toEqual([]);
  });

  it('is a program that an ear in another namespace meets, unless somebody answers for it', () => {
    const deaf = read({ earPrograms: [{ device: 'eth0', space: '/run/netns/g1', id: 7 }] });
    const reasonTexts = ['bypass-possible: XDP program 7 at eth0 in /run/netns/g1 may carry frames past the ears'];
    expect(reported(deaf)).toEqual(reasonTexts);
    expect(reported(read(), deaf)).toEqual(reasonTexts);
    const trust = [
      {
        what: 'XDP program 7',
        where: 'eth0 in /run/netns/g1',
        reason: 'it counts',
        owner: null,
        ticket: null,
        until: null,
      },
    ];
    const answered = { ...step, expect: { ...step.expect, trust } };
    expect(judged({ before: deaf, after: deaf }, answered).reasons).toEqual([]);
  });
});
