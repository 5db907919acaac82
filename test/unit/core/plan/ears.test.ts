import { describe, expect, it } from 'vitest';
import type { LinkedDevice } from '../../../../src/core/model/state.js';
import { earsAbove, planWithEars, programsAtEars, unheardDevices } from '../../../../src/core/plan/ears.js';
import { evidenceInterfaces } from '../../../../src/core/plan/evidence-interfaces.js';
import { finds, judgedRun, probeFrame } from '../../../support/judge/judged.js';
import { hostState, judge, perfectRun, numbered } from '../../../support/judge/perfect-run.js';
import { step as planStep } from '../../../support/judge/unchanged-fixture.js';
import { setBridges } from '../../../support/link-state.js';
import { there } from '../../../support/there.js';

const device = (name: string, parts: Partial<LinkedDevice> = {}): LinkedDevice => ({
  space: null,
  name,
  ifindex: 50,
  kind: '',
  mac: '02:00:00:00:00:77',
  lower: null,
  master: null,
  up: true,
  ...parts,
});
const host = [
  device('br0', { ifindex: 1, kind: 'bridge' }),
  ...['p0', 'p1', 'p2', 'p3'].map((name, at) => device(name, { ifindex: at + 2, kind: 'veth', master: 1 })),
];
const ears = (...more: readonly LinkedDevice[]): readonly string[] =>
  earsAbove(planStep, [...host, ...more]).map(
    ({ observer: { name, party } }) => `${name}${party === undefined ? '' : ` of ${party}`}`,
  );

describe('who gets frames beside the ports', () => {
  it('is nobody on a bridge with its ports', () => expect(ears()).toEqual([]));

  it("is the host's own macvlan in mode passthru, whose frames any socket may read, and none in another mode", () => {
    const own = (mode: string): LinkedDevice => device('mv', { kind: 'macvlan', lower: 1, mode });
    expect(ears(own('passthru'))).toEqual(['mv@br0']);
    for (const mode of ['bridge', 'private', 'vepa', 'source']) expect(ears(own(mode))).toEqual([]);
  });

  it('is a macvlan, an ipvlan or a VLAN device on the bridge or on a port, in another namespace', () => {
    const there = { space: '/proc/9/ns/net', lower: 1 };
    expect(
      ears(
        device('mv', { ...there, kind: 'macvlan' }),
        device('iv', { ...there, kind: 'ipvlan' }),
        device('p1.7', { ...there, kind: 'vlan', lower: 3 }),
      ),
    ).toEqual(['mv@br0', 'iv@br0', 'p1.7@p1']);
  });

  it.each(['macsec', 'virt_wifi', 'rmnet', 'dsa', ''])('is one of kind "%s" in another namespace too', (kind) => {
    const there = { space: '/proc/9/ns/net', kind };
    expect(ears(device('m0', { ...there, lower: 1 }), device('m1', { ...there, lower: 3 }))).toEqual([
      'm0@br0',
      'm1@p1',
    ]);
  });

  it.each(
    ['amt', 'bareudp', 'erspan', 'geneve', 'gre', 'gretap', 'gtp', 'ip6erspan', 'ip6gre', 'ip6gretap', 'ip6tnl'].concat(
      ['ipip', 'l2tpeth', 'netkit', 'pfcp', 'sit', 'veth', 'vti', 'vti6', 'vxcan', 'vxlan', 'xfrm'],
    ),
  )('is no %s, which only sends by what it names, and nothing on one', (kind) => {
    const there = { space: '/proc/9/ns/net', lower: 1 };
    expect(ears(device('t0', { ...there, kind }))).toEqual([]);
    expect(ears(device('t0', { kind, lower: 1, master: 60 }), device('br9', { ifindex: 60 }))).toEqual([]);
    const here = device('t0', { kind, lower: 1, ifindex: 60 });
    expect(ears(here, device('mv', { ...there, kind: 'macvlan', lower: 60 }))).toEqual([]);
  });

  it('is a macsec here that is another bridge’s port, and one elsewhere on a macsec of the host’s', () => {
    const here = { kind: 'macsec', lower: 1, ifindex: 60 };
    expect(ears(device('m0', here))).toEqual([]);
    expect(ears(device('m0', { ...here, master: 61 }), device('br9', { ifindex: 61 }))).toEqual(['m0@br0']);
    const mv = device('mv', { space: '/proc/9/ns/net', kind: 'macvlan', lower: 60 });
    expect(ears(device('m0', here), mv)).toEqual(['mv@m0']);
  });

  it('is one elsewhere, whatever it is called there and whatever number its master has there', () => {
    const there = { space: '/proc/9/ns/net', kind: 'macvlan', lower: 1 };
    expect(ears(device('br0', there), device('mv', { ...there, master: 1 }))).toEqual(['br0@br0', 'mv@br0']);
  });

  it('is one on the device of a guest that the host routes to', () => {
    const observers = planStep.observers
      .filter(({ place }) => place === 'port')
      .map((observer) => ({ ...observer, bridge: 'routes', routed: true as const }));
    const there = { space: '/proc/9/ns/net', kind: 'macvlan' };
    const devices = [...host, device('mv', { ...there, lower: 3 }), device('m9', { ...there, lower: 1 })];
    expect(earsAbove({ ...planStep, observers }, devices).map(({ observer }) => observer)).toMatchObject([
      { name: 'mv@p1', bridge: 'routes', place: 'above' },
    ]);
  });

  it('is not the host’s own, but for a virtual machine’s macvtap and another bridge’s port', () => {
    const here = { lower: 1, kind: 'macvlan' };
    expect(ears(device('mv', here), device('br0.7', { ...here, kind: 'vlan' }))).toEqual([]);
    expect(ears(device('tap7', { ...here, kind: 'macvtap' }))).toEqual(['tap7@br0']);
    expect(ears(device('br0.7', { ...here, kind: 'vlan', master: 60 }), device('br9', { ifindex: 60 }))).toEqual([
      'br0.7@br0',
    ]);
  });

  it('is one on a VLAN device of the host’s, however many stand between it and the bridge', () => {
    const there = { space: '/proc/9/ns/net', kind: 'macvlan' };
    const chain = [
      device('br0.10', { kind: 'vlan', lower: 1, ifindex: 60 }),
      device('br0.10.5', { kind: 'vlan', lower: 60, ifindex: 61 }),
    ];
    expect(ears(...chain, device('mv', { ...there, lower: 60 }), device('m5', { ...there, lower: 61 }))).toEqual([
      'mv@br0.10',
      'm5@br0.10.5',
    ]);
    expect(ears(...chain, device('tap7', { kind: 'macvtap', lower: 60 }))).toEqual(['tap7@br0.10']);
    expect(
      ears(device('p1.7', { kind: 'vlan', lower: 3, ifindex: 60 }), device('mv', { ...there, lower: 60 })),
    ).toEqual(['mv@p1.7']);
  });

  it('is none on a device that stands on no bridge, on the other end of a port, or on itself', () => {
    const on = { space: '/proc/9/ns/net', kind: 'macvlan', lower: 60 };
    expect(ears(device('eth9.7', { kind: 'vlan', lower: 99, ifindex: 60 }), device('mv', on))).toEqual([]);
    expect(ears(device('in', { kind: 'veth', lower: 3, ifindex: 60 }), device('mv', on))).toEqual([]);
    expect(ears(device('x', { kind: 'vlan', lower: 60, ifindex: 60 }), device('mv', on))).toEqual([]);
  });

  it('is no guest on a lower device that is observed already, but each other one there', () => {
    const [own] = planStep.observers;
    const by = { lower: 'br0', mode: 'bridge', device: 'eth0', port: 'br0' } as const;
    const observers = own === undefined ? [] : [{ ...own, bridge: 'br0', macs: ['02:00:00:00:00:31'], by }];
    const there = { space: '/proc/9/ns/net', kind: 'macvlan', lower: 1 };
    const devices = [
      ...host,
      device('eth0', { ...there, mac: '02:00:00:00:00:31' }),
      device('eth1', { ...there, mac: '02:00:00:00:00:32' }),
    ];
    expect(earsAbove({ ...planStep, observers }, devices).map(({ device: name }) => name)).toEqual(['eth1']);
  });

  it('is no port, no device on another bridge, and none that is down', () => {
    const there = { space: '/proc/9/ns/net', kind: 'macvlan', lower: 1 };
    expect(ears(device('mv', { ...there, up: false }))).toEqual([]);
    expect(ears(device('mv', { ...there, lower: 99 }))).toEqual([]);
    expect(ears(device('p0.7', { kind: 'vlan', lower: 2, master: 1 }))).toEqual([]);
    expect(ears(device('eth0', { space: '/proc/9/ns/net', kind: 'veth', lower: 2 }))).toEqual([]);
  });

  it('has a name of its own, and the endpoint whose port leads to its namespace', () => {
    const there = { space: '/proc/9/ns/net', kind: 'macvlan', lower: 1 };
    expect(ears(device('mv', there), device('mv', { ...there, space: '/proc/8/ns/net' }))).toEqual([
      'mv@br0',
      'mv@br0#2',
    ]);
    for (const kind of ['veth', 'netkit'])
      expect(ears(device('mv', there), device('eth0', { ...there, kind, lower: 4 }))).toEqual(['mv@br0 of c']);
  });
});

describe('who got frames while a step ran and had no ear', () => {
  const spaceId = '4:77';
  const mv = device('mv', { space: '/proc/9/ns/net', spaceId, kind: 'macvlan', lower: 1, received: 5 });
  const down = { ...mv, up: false };
  const unheard = (began: readonly LinkedDevice[], ended: readonly LinkedDevice[]): readonly string[] =>
    unheardDevices(planStep, [...host, ...began], [...host, ...ended], (name) => `h/${name}`);
  const heard = ': no observer listened there';
  const where = 'macvlan h/mv in /proc/9/ns/net';

  it.each([
    [[mv], [mv], []],
    [[mv], [{ ...mv, space: '/proc/7/ns/net', received: 900 }], []],
    [[mv], [], []],
    [[down], [down], []],
  ])('is nobody where all that stood there had an ear, whatever path leads to it: case %#', (began, ended, expected) =>
    expect(unheard(began, ended)).toEqual(expected),
  );

  it('is a device that came, went up, or received something and is down again', () => {
    expect(unheard([], [mv])).toEqual([`${where} came to stand on h/br0 while the step ran${heard}`]);
    expect(unheard([down], [mv])).toEqual([`${where} came up on h/br0 while the step ran${heard}`]);
    expect(unheard([down], [{ ...down, received: 6 }])).toEqual([
      `${where} came up on h/br0 while the step ran${heard}`,
    ]);
    expect(unheard([], [down])).toHaveLength(1);
  });

  it('is a macsec that came', () => {
    const macsec = { ...mv, name: 'm0', kind: 'macsec' };
    expect(unheard([], [macsec])).toEqual([
      `macsec h/m0 in /proc/9/ns/net came to stand on h/br0 while the step ran${heard}`,
    ]);
    expect(unheard([], [{ ...macsec, kind: 'vxlan' }])).toEqual([]);
  });

  it('is one that came to stand on a VLAN device of a bridge', () => {
    const vlan = device('br0.7', { kind: 'vlan', lower: 1, ifindex: 60 });
    expect(unheard([vlan], [vlan, { ...mv, lower: 60 }])).toEqual([
      `${where} came to stand on h/br0.7 while the step ran${heard}`,
    ]);
  });

  it('is one that came back in another namespace or with another number', () => {
    expect(unheard([mv], [{ ...mv, spaceId: '4:78' }])).toHaveLength(1);
    expect(unheard([mv], [{ ...mv, ifindex: 51 }])).toHaveLength(1);
  });

  it('is no device of others, of other bridges, or that the host has itself', () => {
    expect(unheard([], [{ ...mv, lower: 99 }, device('mv', { kind: 'macvlan', lower: 1 })])).toEqual([]);
  });
});

describe('XDP programs that ears meet', () => {
  const there = { space: '/run/netns/g1', kind: 'macvlan', lower: 1, xdpId: 7 };
  const programs = (observers: typeof planStep.observers, ...more: readonly LinkedDevice[]) =>
    programsAtEars({ ...planStep, observers }, [...host, ...more], (name) => `h/${name}`);
  const found = [{ device: 'h/mv', space: '/run/netns/g1', id: 7 }];

  it('are those on ears and on guests of lower devices, in other namespaces', () => {
    expect(programs(planStep.observers, device('mv', there))).toEqual(found);
    const [own] = planStep.observers;
    const by = { lower: 'br0', mode: 'bridge', device: 'mv', port: 'br0' } as const;
    const observers = own === undefined ? [] : [{ ...own, bridge: 'br0', macs: ['02:00:00:00:00:77'], by }];
    expect(programs(observers, device('mv', there))).toEqual(found);
  });

  it('are those on what stands on a VLAN device of a bridge', () => {
    const vlan = device('br0.7', { kind: 'vlan', lower: 1, ifindex: 60 });
    expect(programs(planStep.observers, vlan, device('mv', { ...there, lower: 60 }))).toEqual(found);
  });

  it('are none on a guest’s end of its veth, behind its port, and none of this namespace', () => {
    expect(programs(planStep.observers, device('eth0', { ...there, kind: 'veth', lower: 3 }))).toEqual([]);
    expect(programs(planStep.observers, device('mv', { ...there, space: null, kind: 'macvtap' }))).toEqual([]);
  });
});

describe('an ear that a step found', () => {
  const heard = (party?: string, more: Partial<LinkedDevice> = {}) => {
    const evidence = perfectRun();
    const [found] = earsAbove(planStep, [
      ...host,
      device('mv', { space: '/proc/9/ns/net', kind: 'macvlan', lower: 1, ...more }),
    ]);
    const observer = { ...there(found).observer, ...(party === undefined ? {} : { party }) };
    const at = evidence.timeline.findIndex(({ event }) => event === 'listening');
    const like = evidence.timeline[at];
    if (like?.event !== 'listening') throw new Error('nobody listens');
    const timeline = evidence.timeline.flatMap((entry, index) => {
      if (index === at)
        return [{ ...like, event: 'ear' as const, observer }, { ...like, observer: observer.name }, entry];
      if (entry.event !== 'stopped') return [entry];
      const counters = { ...entry.counters, [observer.name]: { received: 1, dropped: 0, delivered: 1 } };
      return [{ ...entry, counters, written: { ...entry.written, [observer.name]: 1 } }];
    });
    const plan = planWithEars(evidence.plan, timeline);
    const whole = { ...evidence, plan, timeline: [...numbered(timeline)], frames: [...evidence.frames] };
    return { evidence: whole, frame: { observer: observer.name, bytes: probeFrame(whole) } };
  };

  it('stands behind the observers that were planned', () => {
    const { evidence } = heard();
    expect(evidenceInterfaces(evidence.plan).at(-1)?.name).toBe('mv@br0');
    expect(evidenceInterfaces(evidence.plan).slice(0, -1)).toEqual(evidenceInterfaces(perfectRun().plan));
  });

  it('hears a leak in what comes in there, and says what it stands on', () => {
    const { evidence, frame } = heard();
    evidence.frames.push({ ...frame, outgoing: false });
    expect(judgedRun(evidence)).toMatchObject({
      verdict: 'broken',
      leaks: [{ observer: 'mv@br0', causes: [{ code: 'above-bridge', place: 'mv', value: 'on br0' }] }],
    });
  });

  it.each<[string, Partial<LinkedDevice>, string]>([
    ['source', { mode: 'source' }, 'nsenter --net=/proc/9/ns/net ip link set dev mv type macvlan macaddr flush'],
    ['passthru', { mode: 'passthru' }, 'nsenter --net=/proc/9/ns/net ip link del dev mv'],
    ['passthru of a virtual machine', { mode: 'passthru', kind: 'macvtap', space: null }, 'ip link del dev mv'],
  ])('is silenced where it is, in mode %s, and no setting of a port is accused beside it', (_, device, fix) => {
    const { evidence, frame } = heard(undefined, device);
    evidence.frames.push({ ...frame, outgoing: false });
    // a bridge that floods everything, which closes nothing here
    finds(setBridges({ ageing_time: 0 })(hostState()), hostState())(evidence);
    const [leak] = judgedRun(evidence).leaks;
    expect(leak?.causes.map(({ code, fix: words }) => [code, words])).toEqual([['above-bridge', fix]]);
    expect(leak?.causes[0]?.cost).toContain(device.mode === 'source' ? 'no sender' : 'cut off');
  });

  it('may hear what its party may', () => {
    const { evidence, frame } = heard('b');
    evidence.frames.push({ ...frame, outgoing: false });
    expect(judge(evidence)).toMatchObject({ verdict: 'holds' });
  });

  it('is missed where it lost a frame', () => {
    const { evidence } = heard();
    expect(judgedRun(evidence)).toMatchObject({ verdict: 'inconclusive', reasons: ['evidence-incomplete mv@br0'] });
  });
});
