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
  ...{ path: `/run/netns/${party}`, party },
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

  it('are one where the NIC is a member of a bond, of which another one drops its copies', () => {
    const bonded = links('bond0', [
      { name: 'bond0', kind: 'bond', ifindex: 23, master: 'br1' },
      { name: 'nic2', kind: null, ifindex: 24, master: 'bond0' },
    ]);
    const idle = [at('receive', atHome('nic2', 24)), at('drop', atHome('nic2', 24))];
    expect(told(judged([...sane, ...idle], { state: { links: bonded } }))).toEqual(doubted);
    const active = [at('receive', atHome('nic2', 24)), at('transmit', port), at('receive', behind)];
    expect(told(judged([...sane, ...active], { state: { links: bonded } }))).toEqual(doubted);
    const both = sane.map((line) => (line.device === nic ? at('drop', nic) : line));
    expect(told(judged([...both, at('receive', nic), ...idle], { state: { links: bonded } })).leaks).toEqual(['c 5']);
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
    const alone = links('br2');
    const came = sane.slice(0, 3);
    const bonded = links('bond0', [{ name: 'bond0', kind: 'bond', ifindex: 23 }]);
    const paired = alone.map((link) => (link.name === 'nic' ? { ...link, peer: 3 } : link));
    for (const at20 of [alone, paired]) {
      expect(told(judged([...came, at('receive', upper), at('drop', upper)], { state: { links: at20 } }))).toEqual(
        doubted,
      );
      const original = at('drop', nic);
      expect(told(judged([...came, original, at('drop', upper)], { state: { links: at20 } }))).toEqual(doubted);
    }
    const above = [...came, at('receive', inSpace('c', 'm0', 23))];
    expect(told(judged(above, { state: { links: bonded } }))).toEqual(doubted);
    const twice = [...came, at('receive', upper), at('receive', upper, { tokenAt: 18 })];
    expect(told(judged(twice, { state: { links: alone } })).leaks).toEqual(['c 5']);
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
  const entry = { mac: '52:54:00:00:00:01', master: 'br1', vlan: null, state: 'static', flags: [] };
  const flowTo = there(perfectRun().plan.steps[0]?.flows.at(0)).frame.dstMac;
  it.each([
    ['none left by the uplink', without(left), {}],
    ['the NIC dropped them', more(at('drop', nic)), {}],
    ['others came in at the NIC', sane.map((of) => (of.device === nic ? { ...of, tokens: '5-9' } : of)), {}],
    ['the port sent them twice', more(at('transmit', port, { packets: 1, tokens: '3' })), {}],
    ['the guest had them twice, in two lines', more(at('receive', behind, { tokenAt: 18 })), {}],
    ['another line of the port has them', more(at('transmit', port, { tokenAt: 18 })), {}],
    ['more ended at the guest than came', more(at('consume', behind, { function: 'napi_consume_skb' })), {}],
    ['none came to the guest by its port', sane.filter((of) => of.device !== port), {}],
    ['the guest’s device is no port of that bridge', sane, { state: { links: links('br2') } }],
    [
      'their addressee is behind another port',
      sane,
      { state: { fdb: [{ ...entry, mac: flowTo, port: 'x9', usedS: null, updatedS: null }] } },
    ],
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
    ['a program may carry them', sane, { state: { programs: [{ device: 'p0', place: 'tcx ingress', id: 9 }] } }],
  ] as const)('are a leak where %s', (_name, places, changes) => {
    const { verdict, returned } = told(judged(places, changes));
    expect([verdict, returned]).toEqual(['broken', []]);
  });

  it('are a leak at another device of that guest, or of another one', () => {
    const second = inSpace('c', 'y1', 40);
    expect(told(judged(more(at('receive', second))))).toMatchObject({ verdict: 'broken', leaks: ['c 5'] });
  });

  it('are a leak where a port of a wrong kind sends in', () => {
    const paired = links().map((link) => (link.name === 'nic' ? { ...link, kind: 'veth', peer: 90 } : link));
    expect(told(judged(sane, { state: { links: paired } })).leaks).toEqual(['c 5']);
    const tap = links().map((link) => (link.name === 'nic' ? { ...link, kind: 'tun' } : link));
    expect(told(judged(sane, { state: { links: tap } })).leaks).toEqual(['c 5']);
    const switched = links().map((link) => (link.name === 'nic' ? { ...link, switchId: 'ab' } : link));
    expect(told(judged(sane, { state: { links: switched } })).leaks).toEqual(['c 5']);
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
  });

  it.each([
    ['it was not handed them', [had, sent]],
    ['it never had them', [handed, sent]],
    ['it did not send them', [handed, had]],
    ['it sent them twice', [handed, had, sent, sent]],
  ] as const)('are a leak where %s', (_name, lines) => {
    expect(of(...lines)).toMatchObject({ verdict: 'broken' });
  });
});
