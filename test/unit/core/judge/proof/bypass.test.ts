import { describe, expect, it } from 'vitest';
import { createParties } from '../../../../../src/core/judge/parties.js';
import { bypassReasons } from '../../../../../src/core/judge/proof/bypass.js';
import { mayHaveAll } from '../../../../../src/core/judge/rows/probe-row.js';
import type { Trusted } from '../../../../../src/core/model/scenario.js';
import type { HostState, PacketSocket, StepStates } from '../../../../../src/core/model/state.js';
import { type BpfInstruction, encodeBpf } from '../../../../../src/system/kernel/bpf.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { step } from '../../../../support/judge/unchanged-fixture.js';
import { there } from '../../../../support/there.js';

const read = (parts: Partial<HostState> = {}): HostState => ({ ...hostState(), programs: [], ...parts });
const links = ({ links: [first] }: HostState) => first;
const judged = (states: StepStates, asked = step, leakedAt: readonly string[] = []): ReturnType<typeof bypassReasons> =>
  bypassReasons({
    step: asked,
    states,
    day: '2026-11-27',
    isDecided: (observer) =>
      leakedAt.includes(observer.name) ||
      mayHaveAll(observer, { step: asked, day: '2026-11-27', parties: createParties([]) }),
  });
const reported = (before: HostState, after: HostState = read()): readonly string[] =>
  judged({ before, after }).reasons.map(({ code, text }) => `${code}: ${text.split(':')[0] ?? ''}`);
const socket = (parts: Partial<PacketSocket> = {}): PacketSocket => ({
  inode: '1',
  ifindex: 2,
  protocol: '0003',
  holders: [{ pid: 9, name: 'python3' }],
  own: false,
  filter: null,
  ...parts,
});
const sockets = (parts: Partial<PacketSocket>): readonly string[] => reported(read({ packetSockets: [socket(parts)] }));
const hex = (...program: readonly BpfInstruction[]): string => Buffer.from(encodeBpf(program)).toString('hex');
const frameOf = (etherType: number): string =>
  hex([0x28, 0, 0, 12], [0x15, 0, 1, etherType], [0x06, 0, 0, 0xffff], [0x06, 0, 0, 0]);

describe('what could carry frames past the ears', () => {
  it('is nothing on a host as it is', () => expect(reported(read())).toEqual([]));

  it('is a program that stood at one of the readings', () => {
    const programs = [{ device: 'p1', place: 'tcx egress', id: 4 }];
    const one = ['bypass-possible: BPF program 4 at p1 tcx egress may carry frames past the ears'];
    expect(reported(read({ programs }))).toEqual(one);
    expect(reported(read(), read({ programs }))).toEqual(one);
    expect(reported(read({ programs }), read({ programs }))).toEqual(one);
  });

  it('is not asked of states of versions that did not look', () => {
    const { programs: _, ...old } = read({ packetSockets: [socket()] });
    expect(reported(old, hostState())).toEqual([]);
  });

  it('is a process with a socket that takes what probes are', () => {
    expect(sockets({})).toEqual(['bypass-possible: packet socket of python3 at p0 may carry frames past the ears']);
    expect(sockets({ ifindex: 0 })).toEqual([
      'bypass-possible: packet socket of python3 at every interface may carry frames past the ears',
    ]);
    expect(sockets({ holders: [] })[0]).toContain('a process that cannot be seen');
  });

  it('is no socket at a device that frames do not come to, for sending, or for other frames', () => {
    expect(sockets({ ifindex: 99 })).toEqual([]);
    expect(sockets({ protocol: '0000' })).toEqual([]);
    expect(sockets({ protocol: '88cc' })).toEqual([]);
    expect(sockets({ own: true })).toEqual([]);
    expect(sockets({ holders: [{ pid: 1, name: 'verify-isolation relay' }] })).toEqual([]);
  });

  it('is a socket whose filter takes one of the planned forms, and none that refuses all', () => {
    const [flow] = step.flows;
    expect(flow?.carrier).toBe('raw');
    expect(sockets({ filter: frameOf(0x88b5) })).toHaveLength(1);
    expect(sockets({ filter: frameOf(0x88cc) })).toEqual([]);
    // without the Ethernet header the type stands nowhere
    expect(sockets({ filter: frameOf(0x88b5), cooked: true })).toEqual([]);
    expect(sockets({ filter: hex([0x20, 0, 0, 0xffff_f008], [0x06, 0, 0, 0]) })).toHaveLength(1); // by its interface
  });

  it('is nothing for which somebody answers, by what it is, where, and until when', () => {
    const trusting = (parts: Partial<Trusted>): ReturnType<typeof bypassReasons> => {
      const trust = [
        {
          what: 'packet socket of python3',
          where: null,
          reason: 'IDS',
          owner: 'ops',
          ticket: null,
          until: null,
          ...parts,
        },
      ];
      const trustful = { ...step, expect: { ...step.expect, trust } };
      return judged({ before: read({ packetSockets: [socket()] }), after: read() }, trustful);
    };
    expect(trusting({})).toMatchObject({ reasons: [], trusted: [{ owner: 'ops', where: 'p0' }] });
    expect(trusting({ where: 'p0' }).reasons).toEqual([]);
    expect(trusting({ until: '2026-11-27' }).reasons).toEqual([]);
    for (const other of [{ where: 'p1' }, { what: 'packet socket of tcpdump' }, { until: '2026-11-26' }])
      expect(trusting(other)).toMatchObject({ reasons: [{ code: 'bypass-possible' }], trusted: [] });
  });

  describe('as a copy to a port that is heard', () => {
    const mirror = { kind: 'mirred', mirred_action: 'mirror', direction: 'egress', to_dev: 'p2' };
    const copying = (action: object = mirror) =>
      read({
        tc: {
          filters: {
            'p0 ingress': [{ kind: 'u32', protocol: 'ip', options: { match: null, actions: [action] } }],
          },
        },
      });
    const texts = (...[asked, leakedAt, state = copying()]: [typeof step, (readonly string[])?, HostState?]) =>
      judged({ before: state, after: state }, asked, leakedAt).reasons.map(({ code, text }) => `${code}: ${text}`);
    const accepting = (parts: object) => ({
      ...step,
      expect: {
        ...step.expect,
        accept: [
          { observer: 'c', class: 'known-unicast', reason: 'IDS', owner: null, ticket: null, until: null, ...parts },
        ],
      },
    });

    it('is one, for it may take what nobody sent', () => {
      expect(texts(step)).toEqual([
        'bypass-possible: tc action mirred to p2 at tc p0 ingress may carry frames past the ears: it takes protocol ip, and no probe shows what it carries there; take it away, answer for it with trust, or for who gets the copies with accept',
      ]);
      expect(texts(accepting({ class: 'unknown-unicast' }))).toHaveLength(1);
      expect(texts(accepting({ observer: 'b' }))).toHaveLength(1);
      expect(texts(accepting({ until: '2026-11-26' }))).toHaveLength(1);
      expect(texts({ ...step, flows: [], listenMs: 100 })).toHaveLength(1);
    });

    it('is none where its guest is accepted, may have all of it, is not judged, or was heard to leak', () => {
      expect(texts(accepting({}))).toEqual([]);
      expect(texts({ ...step, flows: step.flows.map((flow) => ({ ...flow, may: ['c'] })) })).toEqual([]);
      const unjudged = step.observers.map((one) => (one.name === 'c' ? { ...one, judged: false } : one));
      expect(texts({ ...step, observers: unjudged })).toEqual([]);
      expect(texts(step, ['c'])).toEqual([]);
      expect(texts(step, ['b'])).toHaveLength(1);
    });

    it('is trusted by its name with and without where it leads', () => {
      const trusting = (what: string) => {
        const trusted = { what, where: null, reason: 'SPAN', owner: null, ticket: null, until: null };
        return texts({ ...step, expect: { ...step.expect, trust: [trusted] } });
      };
      expect(trusting('tc action mirred to p2')).toEqual([]);
      expect(trusting('tc action mirred')).toEqual([]);
      expect(trusting('tc action mirred to p')).toHaveLength(1);
      expect(trusting('tc action')).toHaveLength(1);
    });

    it('is one where it enters at the port, for it goes on from there', () => {
      expect(texts(accepting({}), [], copying({ ...mirror, direction: 'ingress' }))).toHaveLength(1);
    });

    it('is reported otherwise where nobody listens, and is one where that is not', () => {
      const away = { ...mirror, to_dev: 'tapx' };
      const link = (name: string, kind: string | null) => ({
        ...there(links(copying(away))),
        name,
        kind,
        master: null,
      });
      const among = (...more: ReturnType<typeof link>[]) => ({
        ...copying(away),
        links: [...copying().links, ...more],
      });
      expect(texts(step, [], among(link('tapx', 'tun')))).toEqual([]);
      expect(texts(step, [], among(link('tapx', 'ifb')))).toEqual([]);
      expect(texts(step, [], among())).toHaveLength(1);
    });
  });

  it('is Open vSwitch where there is none', () => {
    const switchd = { packetSockets: [socket({ holders: [{ pid: 3, name: 'ovs-vswitchd' }] })] };
    expect(reported(read(switchd))).toHaveLength(1);
    expect(reported(read({ ...switchd, ovs: { bridges: [], ports: [], mirrors: [] } }))).toEqual([]);
  });
});
