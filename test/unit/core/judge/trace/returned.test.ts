import { describe, expect, it } from 'vitest';
import type { HostState, LinkState } from '../../../../../src/core/model/state.js';
import type { TracedDevice, TracedPlace, TraceEnd } from '../../../../../src/core/model/timeline.js';
import { framesOfStep } from '../../../../../src/core/plan/flows/shortcuts.js';
import { type Evidence, hostState, judge, perfectRun } from '../../../../support/judge/perfect-run.js';
import { there } from '../../../../support/there.js';

/** A raw frame's token stands right behind its Ethernet header. */
const asSent = 14;
const atHome = (name: string, ifindex: number): TracedDevice => ({ space: 1, ifindex, name, home: true });
const inSpace = (party: string, name: string, lower: number): TracedDevice => ({
  ...{ space: 4_026_531_900 + party.charCodeAt(0), ifindex: 70 + lower, name, home: false, lower },
  ...{ path: `/run/netns/${party}`, parties: [party] },
});
type Where = TracedPlace['place'];
const at = (where: Where, device: TracedDevice, more: Partial<TracedPlace> = {}): TracedPlace => ({
  ...{ step: 0, place: where, tokenAt: asSent, device, packets: 5, tokens: '0-4', ...more },
});

const uplink = atHome('p3', 5);
const nic = atHome('nic', 20);
const port = atHome('x0', 22);
const behind = inSpace('c', 'x1', 22);
const left = at('transmit', uplink);
/** All probes, where the run sent them. */
const entered = at('receive', atHome('p0', 2), {
  tokens: `0-${framesOfStep(there(perfectRun().plan.steps[0])) - 1}`,
});
const sane = [entered, left, at('receive', nic), at('transmit', port), at('receive', behind), at('drop', behind)];

/** A second NIC is a port of another bridge, as x0 is, behind which guest c has a second device. */
function links(master = 'br1', more: readonly Partial<LinkState>[] = []): readonly LinkState[] {
  const { lower: _lower, ...plain } = there(hostState().links[1]);
  const device = (changes: Partial<LinkState>): LinkState => ({ ...plain, port: null, master: null, ...changes });
  return [
    ...hostState().links,
    device({ name: 'nic', kind: null, ifindex: 20, master }),
    device({ name: 'br1', kind: 'bridge', ifindex: 21 }),
    device({ name: 'x0', kind: 'veth', ifindex: 22, master: 'br1' }),
    ...more.map(device),
  ];
}

interface Changes {
  readonly state?: Partial<HostState>;
  readonly end?: Partial<TraceEnd>;
}

function judged(places: readonly TracedPlace[], { state = {}, end = {} }: Changes = {}) {
  const evidence: Evidence = perfectRun();
  const both = { ...hostState(), links: links(), ...state };
  evidence.states = [{ before: both, after: both }];
  const trace = [...places, { step: 0, place: 'end', open: {}, counts: {}, ...end } as const];
  evidence.trace = trace;
  evidence.timeline.push({
    ...{ atNs: '99000000', monoMs: 99, step: 0 },
    ...{ event: 'trace', state: 'read', lines: trace.length },
  });
  return there(judge(evidence).steps[0]);
}
const told = ({ verdict, traced = [], returned = [], reasons }: ReturnType<typeof judged>) => ({
  verdict,
  leaks: traced.map(({ observer, probes }) => `${observer} ${probes}`),
  returned: returned.map((way) => `${way.observer} ${way.probes} at ${way.at}`),
  reasons: [...new Set(reasons.map(({ code }) => code))],
});
const doubted = { verdict: 'inconclusive', leaks: [], returned: ['c 5 at nic'], reasons: ['bypass-possible'] };

describe('probes that left by an uplink and came back in at a second NIC', () => {
  it('are a doubt behind it, and the result names the NIC', () => {
    expect(told(judged(sane))).toEqual(doubted);
  });

  it('are one where the NIC is a member of a bond, whose other members have copies as well', () => {
    const bonded = links('bond0', [
      { name: 'bond0', kind: 'bond', ifindex: 23, master: 'br1' },
      { name: 'nic2', kind: null, ifindex: 24, master: 'bond0' },
    ]);
    const other = at('receive', atHome('nic2', 24));
    for (const lines of [
      [other, at('drop', atHome('nic2', 24))],
      [other, at('transmit', port), at('receive', behind)],
    ])
      expect(told(judged([...sane, ...lines], { state: { links: bonded } }))).toEqual(doubted);
  });

  it('are one at the process that reads them there, and at devices behind that of the guest', () => {
    const reader = { pid: 77, name: 'qemu', parties: ['c'] };
    const tap = links().map((link) => (link.name === 'x0' ? { ...link, kind: 'tun' } : link));
    const places = [...sane.slice(0, 4), at('read', port, { reader })];
    expect(told(judged(places, { state: { links: tap } }))).toEqual(doubted);
    const { lower: _lower, ...inner } = inSpace('c', 'inner0', 50);
    const { verdict, leaks } = told(judged([...sane, at('receive', inner)]));
    expect([verdict, leaks]).toEqual(['inconclusive', []]);
  });

  it('are one at a macvlan of the NIC, which gets broadcasts, also where the kernel notes its drop alone', () => {
    const upper = inSpace('c', 'm0', 20);
    const came = sane.slice(0, 3);
    const paired = links().map((link) => (link.name === 'nic' ? { ...link, peer: 3 } : link));
    for (const state of [{ links: links() }, { links: paired }]) {
      expect(told(judged([...came, at('receive', upper), at('drop', upper)], { state }))).toEqual(doubted);
      expect(told(judged([...came, at('drop', nic), at('drop', upper)], { state }))).toEqual(doubted);
    }
  });

  it('are one behind a bridge on a macvlan of the NIC, and at a macvlan of the guest’s', () => {
    const on = links(undefined, [{ name: 'mv0', kind: 'macvlan', ifindex: 30, lower: 'nic', master: 'br1' }]);
    const alone = on.map((link) => (link.name === 'nic' ? { ...link, master: null } : link));
    expect(told(judged([...sane, at('drop', nic)], { state: { links: alone } }))).toEqual(doubted);
    const { lower: _lower, ...own } = inSpace('c', 'm1', 60);
    const lines = [...sane, at('consume', behind, { function: 'macvlan_process_broadcast' }), at('receive', own)];
    expect(told(judged(lines))).toMatchObject({ verdict: 'inconclusive', leaks: [], reasons: ['bypass-possible'] });
  });

  it('are one where the way in is a tunnel, a tap of a program, or a switch’s port', () => {
    for (const change of [{ kind: 'vxlan' }, { kind: 'tun' }, { switchId: 'ab' }]) {
      const changed = links().map((link) => (link.name === 'nic' ? { ...link, ...change } : link));
      expect(told(judged(sane, { state: { links: changed } }))).toEqual(doubted);
    }
  });

  const { lower: _lower, ...apart } = inSpace('c', 'nic0', 60);
  const atApart = (name: string) => ({ ...doubted, returned: [`c 5 at ${name} in /run/netns/c`] });
  it('are one at a NIC in the guest’s own namespace, and at its end of a link between guests', () => {
    expect(told(judged([entered, left, at('receive', apart)]))).toEqual(atApart('nic0'));
  });

  it('are a leak there where a device here handed them to the namespace between', () => {
    const between = inSpace('x', 'f1', 22);
    const handed = [entered, at('transmit', port), at('receive', { ...between, parties: [] }), at('receive', apart)];
    expect(told(judged(handed)).leaks).toEqual(['c 5']);
    expect(told(judged([...handed, at('receive', nic)]))).toEqual({ ...doubted, returned: ['c 5 at nic'] });
  });

  it.each([
    ['the LAN doubled one', [at('receive', nic, { packets: 1, tokens: '3' })], {}],
    ['and all the way', [at('receive', nic), at('transmit', port), at('receive', behind), at('drop', behind)], {}],
    ['and one of the two was dropped', [at('receive', nic), at('drop', nic)], {}],
    ['a tcpdump there was too slow', [at('drop', nic, { function: 'packet_rcv' })], {}],
    // more of them than counts show: with a lossy trace nothing says that a copy was made here
    ['the trace lost packets', [at('transmit', port)], { end: { counts: { missed: 1 } } }],
  ] as const)('are one where %s', (_name, lines, changes) => {
    expect(told(judged([...sane, ...lines], changes))).toEqual(doubted);
  });

  it('are one where a probe was not seen at all', () => {
    expect(told(judged(without(entered)))).toEqual(doubted);
  });

  const without = (line: TracedPlace) => sane.filter((of) => of !== line);
  const more = (...lines: readonly TracedPlace[]) => [...sane, ...lines];
  const kindOf = (name: string, kind: string) => links().map((of) => (of.name === name ? { ...of, kind } : of));
  const noPort = links('br2').concat({
    ...there(links().at(-1)),
    name: 'br2',
    kind: 'bridge',
    ifindex: 28,
    master: null,
  });
  it.each([
    ['others came in at the NIC', sane.map((of) => (of.device === nic ? { ...of, tokens: '5-9' } : of)), {}],
    ['what came in came from a bridge', sane, { state: { links: kindOf('nic', 'ifb') } }],
    ['the guest’s device is no port of that bridge', sane, { state: { links: noPort } }],
    [
      'its bridge is joined to that of the step',
      sane,
      {
        state: {
          links: links()
            .map((of) => (of.name === 'x0' ? { ...of, lower: 'p9' } : of))
            .concat({ ...there(links().at(-1)), name: 'p9', ifindex: 29, master: 'br0', lower: 'x0' }),
        },
      },
    ],
    ['another device of that guest had them', more(at('receive', inSpace('c', 'y1', 40))), {}],
    ['a pair of devices here sends in', sane, { state: { links: kindOf('nic', 'veth') } }],
  ] as const)('are a leak where %s', (_name, places, changes) => {
    const { verdict, leaks } = told(judged(places, changes));
    expect([verdict, leaks]).toEqual(['broken', ['c 5']]);
  });

  it('are a doubt where a program may carry them, which is named as well', () => {
    const programs = [{ device: 'p0', place: 'tcx ingress', id: 9 }];
    const { verdict, leaks, reasons } = told(judged(sane, { state: { programs } }));
    expect([verdict, leaks, reasons]).toEqual(['inconclusive', [], ['bypass-possible']]);
  });
});

describe('probes that a guest sends on by a second device', () => {
  const paired = links().map((link) => (link.name === 'nic' ? { ...link, kind: 'veth', peer: 90 } : link));
  const sent = at('transmit', inSpace('b', 'e1', 20));
  const had = at('receive', inSpace('b', 'eth0', 4));
  const handed = at('transmit', atHome('p1', 3));
  const others = sane.filter((line) => line !== left);
  const of = (...lines: readonly TracedPlace[]) => told(judged([...others, ...lines], { state: { links: paired } }));

  it('are a doubt, and no leak', () => {
    expect(of(handed, had, sent)).toMatchObject({ verdict: 'inconclusive', leaks: [], returned: [] });
    expect(of(handed, had, sent).reasons).toContain('replayed');
    expect(of(handed, had, sent, sent).leaks).toEqual([]);
  });

  it.each([
    ['it never had them', [handed, sent]],
    ['it did not send them', [handed, had]],
  ] as const)('are a leak where %s', (_name, lines) => {
    expect(of(...lines)).toMatchObject({ verdict: 'broken' });
  });
});

describe('probes at a guest with several ports', () => {
  const had = (...parties: readonly string[]) =>
    told(judged([entered, at('transmit', port), at('receive', { ...behind, parties })]));
  it('are a leak if none of them may have them', () => {
    expect(had('c', 'd')).toMatchObject({ verdict: 'broken', leaks: ['c 5'] });
    expect(had('b', 'c')).toMatchObject({ leaks: [], returned: [] });
  });
});
