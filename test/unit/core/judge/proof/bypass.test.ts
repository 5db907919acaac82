import { describe, expect, it } from 'vitest';
import { createParties } from '../../../../../src/core/judge/parties.js';
import { bypassReasons } from '../../../../../src/core/judge/proof/bypass.js';
import { mayHaveAll } from '../../../../../src/core/judge/rows/probe-row.js';
import { onHost } from '../../../../../src/core/model/host-names.js';
import type { StepPlan } from '../../../../../src/core/model/plan.js';
import type { Trusted } from '../../../../../src/core/model/scenario.js';
import type { PacketSocket } from '../../../../../src/core/model/packet-socket.js';
import type { HostState, StepStates } from '../../../../../src/core/model/state.js';
import { mergeStates } from '../../../../../src/core/plan/hosts.js';
import { frameTemplate } from '../../../../../src/core/probe/frames/frame.js';
import { type BpfInstruction, encodeBpf } from '../../../../../src/system/kernel/bpf.js';
import { hostState } from '../../../../support/judge/perfect-run.js';
import { routing } from '../../../../support/judge/routed.js';
import { plan, step } from '../../../../support/judge/unchanged-fixture.js';
import { there } from '../../../../support/there.js';

const read = (parts: Partial<HostState> = {}): HostState => ({ ...hostState(), programs: [], ...parts });
/** The plan's guests as such that the host routes to. */
const routedGuests = plan.endpoints.map((endpoint, at) => ({
  ...endpoint,
  attach: 'routed' as const,
  port: `tap.${at + 1}`,
  ips: [{ address: `10.0.0.${at + 1}`, family: 4 as const, prefix: 32 }],
}));
/** Observers of the step at the devices of the first guests that the host routes to. */
const routedObservers = (count: number) =>
  step.observers
    .slice(0, count)
    .map((observer, at) => ({ ...observer, bridge: 'routes', interface: `tap.${at + 1}`, routed: true as const }));
const judged = (states: StepStates, asked = step, leakedAt: readonly string[] = []): ReturnType<typeof bypassReasons> =>
  bypassReasons({
    step: asked,
    plan: { provider: 'host', endpoints: routedGuests },
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

  it('is a program that stood in one of the snapshots', () => {
    const programs = [{ device: 'p1', place: 'tcx egress', id: 4 }];
    const reasonTexts = ['bypass-possible: BPF program 4 at p1 tcx egress may carry frames past the ears'];
    expect(reported(read({ programs }))).toEqual(reasonTexts);
    expect(reported(read(), read({ programs }))).toEqual(reasonTexts);
    expect(reported(read({ programs }), read({ programs }))).toEqual(reasonTexts);
  });

  it('is also what stands at the devices of guests that the host routes to', () => {
    const observers = step.observers
      .filter(({ place }) => place === 'port')
      .map((observer) => ({ ...observer, bridge: 'routes', routed: true as const }));
    const before = read({
      links: hostState().links.map((link) => ({ ...link, master: null })),
      programs: [{ device: 'p1', place: 'tcx egress', id: 4 }],
      packetSockets: [socket()],
    });
    const { reasons } = judged({ before, after: before }, { ...step, observers });
    expect(reasons.map(({ text }) => text.split(' may ')[0])).toEqual([
      'BPF program 4 at p1 tcx egress',
      'packet socket of python3 at p0',
    ]);
  });

  it('is a rule of policy routing that leads some packets for a guest to another, unless a leak was heard there', () => {
    const observers = routedObservers(3);
    const away = { dst: '10.0.0.2', gateway: '10.0.0.3', dev: 'tap.3', table: '100' };
    const marked = { priority: 100, src: 'all', fwmark: '0x10', table: '100' };
    const texts = (rules: readonly object[], routes: readonly object[], leakedAt: readonly string[] = []) => {
      const before = read({ routing: routing(rules, routes) });
      return judged({ before, after: before }, { ...step, observers }, leakedAt).reasons.map(({ text }) => text);
    };
    expect(texts([marked], [away])).toEqual([
      'ip rule 100 to tap.3 at from all fwmark 0x10 lookup 100, 10.0.0.2 via 10.0.0.3 dev tap.3 table 100 may carry frames past the ears: it takes packets that no probe is like; delete it (ip rule del pref 100 from all fwmark 0x10 lookup 100), or answer for it with trust',
    ]);
    expect(texts([marked], [away], [observers[2]?.name ?? ''])).toEqual([]);
    expect(texts([], [away])).toEqual([]);
    // a route to the guest itself, which hands what it takes to a program; also where a leak was heard
    for (const leaks of [[], [observers[1]?.name ?? '']])
      expect(texts([], [{ dst: '10.0.0.2', dev: 'tap.2', encap: { encap_type: 'bpf' } }], leaks)).toEqual([
        'ip route with encap bpf at 10.0.0.2 dev tap.2 may carry frames past the ears: its effect on packets is not known; delete it (ip route del 10.0.0.2 dev tap.2), or answer for it with trust',
      ]);
    expect(texts([marked], [{ ...away, dev: 'tap.2' }])).toEqual([]);
    expect(judged({ before: read({ routing: routing([marked], [away]) }), after: null }).reasons).toEqual([]);
    // what leads all of them, probes as well, is heard where somebody listens
    const all = { priority: 100, src: 'all', dst: '10.0.0.2', table: '100' };
    expect(texts([all], [away])).toEqual([]);
    expect(texts([all], [{ ...away, dev: 'tap.2' }])).toEqual([]);
    expect(texts([all], [{ type: 'blackhole', dst: '10.0.0.2', table: '100' }])).toEqual([]);
    expect(texts([{ ...all, dst: '10.0.0.0', dstlen: 24 }], [{ ...away, dst: '10.0.0.9' }])).toEqual([]);
    expect(texts([all], [{ dst: '10.0.0.2', dev: 'wg0', table: '100' }])).toEqual([
      'ip rule 100 to wg0 at from all to 10.0.0.2 lookup 100, 10.0.0.2 dev wg0 table 100 may carry frames past the ears: nobody listens there, and it takes all packets for 10.0.0.2; delete it (ip rule del pref 100 from all to 10.0.0.2 lookup 100), or answer for it with trust',
    ]);
    expect(texts([], [{ dst: '10.0.0.2', dev: 'wg0', metric: -1 }])).toHaveLength(1);
    // as TPROXY has it: a socket of the host gets them
    expect(texts([marked], [{ type: 'local', dst: 'default', dev: 'lo', table: '100' }])[0]).toMatch(
      /^ip rule 100 to the host itself at from all fwmark 0x10 lookup 100, local default dev lo table 100 may carry/,
    );
  });

  const throughPolicy = (src: string, dst: string, asked: StepPlan): readonly string[] => {
    const before = read({ routing: { ...routing(), policies: [{ src, dst, more: 'proto udp' }] } });
    return judged({ before, after: before }, asked).reasons.map(({ text }) => text);
  };
  it('is a policy of IPsec that encrypts packets between guests to which the host routes', () =>
    expect(throughPolicy('10.0.0.1/32', '10.0.0.2/32', { ...step, observers: routedObservers(2) })).toEqual([
      'xfrm policy at dir out src 10.0.0.1/32 dst 10.0.0.2/32 proto udp may carry frames past the ears: it encrypts packets for guests, which no ear reads then; delete it (ip xfrm policy delete dir out src 10.0.0.1/32 dst 10.0.0.2/32 proto udp), or answer for it with trust',
    ]));
  it.each([
    ['routed', '0.0.0.0/0', '10.0.0.0/24', 1],
    ['routed', '10.0.0.1/32', '10.0.9.0/24', 0],
    ['routed', '192.168.5.5/32', '0.0.0.0/0', 0],
    ['routed', '::/0', '::/0', 0],
    ['bridged', '10.0.0.1/32', '10.0.0.2/32', 0],
  ])('is a policy of IPsec by its addresses alone: between %s guests, from %s to %s', (way, src, dst, count) =>
    expect(throughPolicy(src, dst, way === 'routed' ? { ...step, observers: routedObservers(2) } : step)).toHaveLength(
      count,
    ),
  );

  it('is also what stands on another host of the run, which is named, and not on one without a port of the step', () => {
    const there = read({
      packetSockets: [socket()],
      nft: {
        nftables: [
          { chain: { family: 'netdev', table: 't', name: 'c', dev: 'p1' } },
          { rule: { family: 'netdev', table: 't', chain: 'c', handle: 3, expr: [{ dup: { addr: 'p2' } }] } },
        ],
      },
      legacyTables: [{ program: 'iptables-legacy', table: 'raw', rules: 1, targets: ['TEE'] }],
    });
    const merged = mergeStates([
      { host: null, state: read() },
      { host: 'hv2', state: there },
    ]);
    const far = step.observers.map((observer) => ({
      ...observer,
      name: `${observer.name}2`,
      bridge: onHost('hv2', observer.bridge),
      interface: onHost('hv2', observer.interface),
    }));
    const both = { ...step, observers: [...step.observers, ...far] };
    expect(judged({ before: merged, after: merged }, both).reasons.map(({ text }) => text.split(' may ')[0])).toEqual([
      'nft dup to p2 at hv2: nft netdev t c on p1',
      'xtables target TEE at hv2: iptables-legacy raw',
      'packet socket of python3 at hv2: p0',
    ]);
    expect(judged({ before: merged, after: merged }).reasons).toEqual([]);
  });

  it('is a process with a socket that takes what probes are', () => {
    expect(sockets({})).toEqual(['bypass-possible: packet socket of python3 at p0 may carry frames past the ears']);
    expect(sockets({ ifindex: 0 })).toEqual([
      'bypass-possible: packet socket of python3 at every interface may carry frames past the ears',
    ]);
    expect(sockets({ holders: [] })[0]).toContain('a process that cannot be seen');
  });

  it.each([
    { ifindex: 99 },
    { protocol: '0000' },
    { protocol: '88cc' },
    { own: true },
    { holders: [{ pid: 1, name: 'verify-isolation relay' }] },
  ])('is no socket at a device that frames do not come to, for sending, or for other frames: case %#', (parts) =>
    expect(sockets(parts)).toEqual([]),
  );

  it('is a socket whose filter takes one of the planned forms, and none that refuses all', () => {
    const [flow] = step.flows;
    expect(flow?.carrier).toBe('raw');
    expect(sockets({ filter: frameOf(0x88b5) })).toHaveLength(1);
    expect(sockets({ filter: frameOf(0x88cc) })).toEqual([]);
    // without the Ethernet header the same offset is behind the token
    const later = hex([0x28, 0, 0, 24], [0x15, 0, 1, 5], [0x06, 0, 0, 9], [0x06, 0, 0, 0]);
    expect(sockets({ filter: later })).toHaveLength(1);
    expect(sockets({ filter: later, cooked: true })).toEqual([]);
    expect(sockets({ filter: hex([0x20, 0, 0, 0xffff_f008], [0x16, 0, 0, 0]) })).toHaveLength(1); // by its interface
  });

  it('is a socket whose filter asks for what differs from frame to frame, which no plan knows', () => {
    const { tokenAt } = frameTemplate(there(step.flows.at(0)).frame);
    for (const at of [tokenAt, tokenAt + 17])
      expect(
        sockets({ filter: hex([0x30, 0, 0, at], [0x15, 1, 0, 0], [0x06, 0, 0, 9], [0x06, 0, 0, 0]) }),
      ).toHaveLength(1);
    const past = hex([0x30, 0, 0, tokenAt + 22], [0x15, 1, 0, 0], [0x06, 0, 0, 9], [0x06, 0, 0, 0]);
    expect(sockets({ filter: past })).toEqual([]); // zeros
  });

  it('is a socket whose filter takes a tagged probe as the kernel shows it, the outermost tag aside or not', () => {
    const tagged = step.flows.map((flow) => ({ ...flow, frame: { ...flow.frame, vlan: [10], size: 64 } }));
    const vlanOf = (parts: Partial<PacketSocket>, flows: typeof step.flows = tagged): number => {
      const before = read({ packetSockets: [socket(parts)] });
      return judged({ before, after: before }, { ...step, flows }).reasons.length;
    };
    const asks = (load: number, value: number): string =>
      hex([0x28, 0, 0, load], [0x15, 0, 1, value], [0x06, 0, 0, 9], [0x06, 0, 0, 0]);
    expect(vlanOf({ filter: asks(12, 0x88b5) })).toBe(1); // aside
    expect(vlanOf({ filter: asks(16, 0x88b5) })).toBe(1); // among the bytes
    expect(vlanOf({ filter: asks(12, 0x88cc) })).toBe(0);
    for (const load of [0xffff_f02c, 0xffff_f030, 0xffff_f03c]) expect(vlanOf({ filter: asks(load, 1) })).toBe(1);
    expect(vlanOf({ protocol: '88b5' })).toBe(1);
    expect(vlanOf({ protocol: '8100' })).toBe(1);
    // a bridge may tag what was sent without
    expect(vlanOf({ filter: asks(12, 0x8100) }, step.flows)).toBe(1);
    expect(vlanOf({ filter: asks(16, 0x88b5) }, step.flows)).toBe(1);
    expect(vlanOf({ protocol: '8100' }, step.flows)).toBe(0);
  });

  describe('while guests send of themselves', () => {
    const listening = (...program: readonly BpfInstruction[]): number => {
      const before = read({ packetSockets: [socket({ filter: hex(...program) })] });
      return judged({ before, after: before }, { ...step, flows: [], listenMs: 100 }).reasons.length;
    };
    const accept: BpfInstruction = [0x06, 0, 0, 0xffff];
    const refuse: BpfInstruction = [0x06, 0, 0, 0];
    const isIpv4: readonly BpfInstruction[] = [
      [0x28, 0, 0, 12],
      [0x15, 0, 8, 0x0800],
    ];
    const isUdp: readonly BpfInstruction[] = [
      [0x30, 0, 0, 23],
      [0x15, 0, 6, 17],
    ];
    const hasPort = (port: number): readonly BpfInstruction[] => [
      [0x28, 0, 0, 20],
      [0x45, 4, 0, 0x1fff],
      [0xb1, 0, 0, 14],
      [0x48, 0, 0, 16],
      [0x15, 0, 1, port],
    ];
    const toPort = (port: number) => [...isIpv4, ...isUdp, ...hasPort(port), accept, refuse];
    /** To the group of CDP; lldpd asks for groups alone. */
    const isCdp: readonly BpfInstruction[] = [
      [0x20, 0, 0, 2],
      [0x15, 0, 3, 0x0ccc_cccc],
      [0x28, 0, 0, 0],
      [0x15, 0, 1, 0x0100],
    ];
    const toCdp = [...isCdp, accept, refuse];

    it('is a socket for what these may be, but for a DHCP client and lldpd', () => {
      expect(listening(...toPort(53))).toBe(1);
      expect(listening(...toPort(68))).toBe(0);
      expect(listening([0x30, 0, 0, 0], [0x54, 0, 0, 1], [0x15, 0, 5, 1], ...toCdp)).toBe(0);
      expect(listening([0x30, 0, 0, 0], [0x45, 0, 5, 1], ...toCdp)).toBe(0);
      expect(listening(...toCdp)).toBe(1);
    });
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
    for (const narrower of [{ where: 'p1' }, { what: 'packet socket of tcpdump' }, { until: '2026-11-26' }])
      expect(trusting(narrower)).toMatchObject({ reasons: [{ code: 'bypass-possible' }], trusted: [] });
  });

  describe('as a copy to a port that is heard', () => {
    const mirror = { kind: 'mirred', mirred_action: 'mirror', direction: 'egress', to_dev: 'p2' };
    const copying = (action: object = mirror) =>
      read({
        tc: {
          filters: {
            'p0 ingress': [{ kind: 'u32', protocol: 'ip', pref: 9, options: { match: null, actions: [action] } }],
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
        'bypass-possible: tc action mirred to p2 at tc p0 ingress may carry frames past the ears: tc p0 ingress pref 9 may take frames that no probe is like; take it away, answer for it with trust, or for who gets the copies with accept',
      ]);
      expect(texts(accepting({ class: 'unknown-unicast' }))).toHaveLength(1);
      expect(texts(accepting({ observer: 'b' }))).toHaveLength(1);
      expect(texts(accepting({ until: '2026-11-26' }))).toHaveLength(1);
      expect(texts({ ...step, flows: [], listenMs: 100 })).toHaveLength(1);
    });

    it('is none where its guest is accepted, may have all of it, is not judged, or was heard to leak', () => {
      expect(texts(accepting({}))).toEqual([]);
      expect(texts({ ...step, flows: step.flows.map((flow) => ({ ...flow, may: ['c'] })) })).toEqual([]);
      const unjudged = step.observers.map((observer) =>
        observer.name === 'c' ? { ...observer, judged: false } : observer,
      );
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
        ...there(hostState().links[0]),
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

  it('is Open vSwitch but at its own bridges that are listed, and at their ports', () => {
    const name = there(step.observers[0]).bridge;
    const ovsOf = (...names: readonly string[]): HostState['ovs'] => ({
      bridges: names.map((of) => ({ name: of, columns: {}, flows: [] })),
      ports: [],
      mirrors: [],
    });
    const holders = [{ pid: 3, name: 'ovs-vswitchd' }];
    const at = (device: string, ovs: HostState['ovs'], master = ''): number => {
      const { links: all } = hostState();
      const state = read({
        links: all.map((link) => (link.name === name && master !== '' ? { ...link, master } : link)),
        packetSockets: [socket({ holders, ifindex: there(all.find((link) => link.name === device)).ifindex })],
        ...(ovs === undefined ? {} : { ovs }),
      });
      return reported(state).length;
    };
    expect(at('p0', undefined)).toBe(1);
    expect(at('p0', ovsOf(name))).toBe(0);
    expect(at(name, ovsOf(name))).toBe(0);
    // a bridge of the kernel beside one of Open vSwitch, and as a port of it: the socket, and the switch itself
    expect(at('p0', ovsOf('ovs1'))).toBe(1);
    expect(at(name, ovsOf('ovs1'), 'ovs1')).toBe(2);
  });
});
