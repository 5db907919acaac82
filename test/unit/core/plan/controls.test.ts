import { describe, expect, it } from 'vitest';
import type { Control, Flow, FrameSpec } from '../../../../src/core/model/plan.js';
import { type ControlInput, controlsOf } from '../../../../src/core/plan/controls.js';
import { receiveControlMac, ingressMac } from '../../../../src/core/plan/ingress-controls.js';
import { sendersOf } from '../../../../src/core/plan/observers.js';
import { flow as base, plan, step } from '../../../support/judge/row-fixture.js';
import { mac, endpoints, flowOf, input, talk, ears, entering, proving } from '../../../support/plan/control-fixture.js';

const entries = (controls: readonly Control[]): readonly string[] =>
  controls.filter(({ kind }) => kind === 'entry').map(({ phase, sender }) => `${phase} ${sender ?? ''}`);
const switched = new Map(plan.bridges.map((bridge) => [bridge.name, { ...bridge, kind: 'ovs' as const }]));

describe('ear controls', () => {
  it('are numbered through from the first token that is free', () => {
    const controls = controlsOf(input());
    expect(controls.map(({ index }) => index)).toEqual(controls.map((_, at) => 100 + at));
  });
  it('have the form of each probe once: carrier, tags, length and source, and an address that nobody has', () => {
    const forms = [
      base,
      flowOf({}, { dstMac: mac.c }),
      flowOf({}, { size: 99 }),
      flowOf({}, { vlan: [10] }),
      flowOf({}, { srcMac: mac.b }),
      flowOf({}, { form: 'bpdu' }),
      flowOf({}, { form: 'llc-snap' }),
      flowOf({}, { carrier: 'ipv4-udp', srcIp: '10.9.9.9', dstIp: '10.9.9.8' }),
      flowOf({}, { carrier: 'ipv6-udp', srcIp: 'fd00::9', dstIp: 'fd00::8' }),
    ];
    const heard = ears(controlsOf(input({ flows: forms })), 'c');
    expect(
      heard.map(({ carrier, srcMac, vlan, size, form, dstMac }) => [
        carrier,
        srcMac,
        vlan.join(),
        size,
        form ?? '',
        dstMac,
      ]),
    ).toEqual([
      ['raw', mac.a, '', 60, '', receiveControlMac.dst],
      ['raw', mac.a, '', 99, '', receiveControlMac.dst],
      ['raw', mac.a, '10', 60, '', receiveControlMac.dst],
      ['raw', mac.b, '', 60, '', receiveControlMac.dst],
      ['raw', mac.a, '', 60, 'bpdu', receiveControlMac.dst],
      ['raw', mac.a, '', 60, 'llc-snap', receiveControlMac.dst],
      ['ipv4-udp', mac.a, '', 60, '', receiveControlMac.dst],
      ['ipv6-udp', mac.a, '', 60, '', receiveControlMac.dst],
    ]);
    expect(heard.map(({ srcIp, dstIp }) => [srcIp, dstIp])).toEqual([
      ...Array.from({ length: 6 }, () => [null, null]),
      [
        expect.stringMatching(/^(192\.0\.2|198\.51\.100|203\.0\.113)\./),
        expect.stringMatching(/^(192\.0\.2|198\.51\.100|203\.0\.113)\./),
      ],
      [expect.stringMatching(/^2001:db8:/), expect.stringMatching(/^2001:db8:/)],
    ]);
  });
  it.each<[string, Partial<FrameSpec>]>([
    ['carrier', { carrier: 'arp', srcIp: '10.0.0.1', dstIp: '10.0.0.2' }],
    ['form', { form: 'bpdu' }],
    ['tags', { vlan: [10] }],
    ['length', { size: 99 }],
    ['source', { srcMac: mac.b }],
  ])('are of both, one after the other, where nothing differs but the %s', (_, frame) => {
    const form = ({ carrier, form: name, vlan, size, srcMac }: FrameSpec): unknown => [
      carrier,
      name,
      vlan,
      size,
      srcMac,
    ];
    expect(ears(controlsOf(input({ flows: [base, flowOf({}, frame), base] })), 'c').map(form)).toEqual(
      [base.frame, { ...base.frame, ...frame }].map(form),
    );
  });
  it('need no source of their own where the filter takes everything', () => {
    expect(
      ears(controlsOf(input({ filtersByMac: false, flows: [base, flowOf({}, { srcMac: mac.b })] })), 'c').map(
        ({ srcMac }) => srcMac,
      ),
    ).toEqual([receiveControlMac.src]);
  });
  it('of flows that are not judged are not needed; one is sent all the same', () => {
    expect(ears(controlsOf(input({ flows: [flowOf({ judged: false }, { srcMac: mac.b })] })), 'c')).toEqual([
      {
        carrier: 'raw',
        srcMac: receiveControlMac.src,
        dstMac: receiveControlMac.dst,
        vlan: [],
        srcIp: null,
        dstIp: null,
        size: 60,
      },
    ]);
  });
  it('of traffic are a raw and an IPv4 frame of each end', () => {
    expect(
      ears(controlsOf(input({ flows: [], traffic: [talk] })), 'c').map(({ carrier, srcMac, size }) => [
        carrier,
        srcMac,
        size,
      ]),
    ).toEqual([
      ['raw', mac.a, 60],
      ['ipv4-udp', mac.a, 60],
      ['raw', mac.lan, 60],
      ['ipv4-udp', mac.lan, 60],
    ]);
    const several = new Map(
      [...endpoints].map(([name, endpoint]) => [name, { ...endpoint, macs: [...endpoint.macs, '02:00:00:00:00:99'] }]),
    );
    expect(
      ears(controlsOf(input({ flows: [], traffic: [{ ...talk, to: 'gone' }], endpoints: several })), 'c').map(
        ({ carrier, srcMac }) => [carrier, srcMac],
      ),
    ).toEqual([
      ['raw', mac.a],
      ['ipv4-udp', mac.a],
    ]);
  });
  it('are sent before, between and after the probes at every observer but the bridge device', () => {
    const controls = controlsOf(input()).filter(({ kind, sender }) => kind === 'ear' && sender === null);
    expect(controls.map(({ phase, observer }) => `${phase} ${observer}`)).toEqual(
      ['before', 'between', 'after'].flatMap((phase) => ['a', 'b', 'c', 'lan'].map((name) => `${phase} ${name}`)),
    );
  });
});

describe('what a port’s guest sends', () => {
  const nobody = '02:76:69:ff:ff:fe';
  const toNobody = `${ingressMac} > ${nobody}`;
  it('is proved to be heard in every phase by a frame that the guest sends', () => {
    const {
      controls: [ingressControl],
    } = entering();
    const controls = controlsOf(input({ ingress: ingressControl === undefined ? [] : [ingressControl] })).filter(
      ({ kind, sender }) => kind === 'ear' && sender !== null,
    );
    expect(controls.map(({ phase, observer, sender }) => `${phase} ${observer} ${sender ?? ''}`)).toEqual([
      'before a a',
      'between a a',
      'after a a',
    ]);
    for (const { frame } of controls)
      expect(frame).toEqual({
        carrier: 'raw',
        srcMac: ingressMac,
        dstMac: nobody,
        vlan: [],
        srcIp: null,
        dstIp: null,
        size: 60,
      });
  });
  it('is proved by unicast, as guests’ is, from a group address, from which no switch learns', () => {
    const isGroup = (of: string): boolean => (parseInt(of.slice(0, 2), 16) & 1) === 1;
    expect([isGroup(ingressMac), isGroup(nobody)]).toEqual([true, false]);
  });
  it('is proved at every port of the lab: on a kernel’s bridge by a frame to nobody, on Open vSwitch by one to the guest itself', () => {
    expect(proving()).toEqual({ a: toNobody, b: toNobody, c: toNobody, lan: toNobody });
    expect(proving({ bridges: switched })).toEqual({
      a: `${ingressMac} > ${mac.a}`,
      b: `${ingressMac} > ${mac.b}`,
      c: `${ingressMac} > ${mac.c}`,
      lan: `${ingressMac} > ${mac.lan}`,
    });
    expect([entering().unproved, entering({ bridges: switched }).unproved]).toEqual([[], []]);
  });
  it('is not asked of a relay, nor of a port that no endpoint of the scenario is behind, nor of a bridge that nobody knows', () => {
    expect(proving({ bridges: new Map() })).toEqual({});
    expect(
      Object.keys(
        proving({
          observers: step.observers.map((observer) =>
            observer.name === 'c' ? { ...observer, place: 'relay' as const } : observer,
          ),
        }),
      ),
    ).toEqual(['a', 'b', 'lan']);
    expect(Object.keys(proving({ endpoints: new Map([...endpoints].filter(([name]) => name !== 'c')) }))).toEqual([
      'a',
      'b',
      'lan',
    ]);
  });
  it('is proved on a host only of those who may get what another must get', () => {
    const onHost = (flow: Flow): unknown => proving({ onHost: true, flows: [flow] });
    expect(onHost(base)).toEqual({});
    expect(onHost(flowOf({ must: ['b'], may: ['b', 'c'] }))).toEqual({ c: toNobody });
    expect(onHost(flowOf({ must: ['b', 'c'], may: ['b', 'c'] }))).toEqual({ b: toNobody, c: toNobody });
    expect(onHost(flowOf({ must: [], may: ['b', 'c'] }))).toEqual({});
  });
  it('is proved on a host’s Open vSwitch by frames of the guest’s own MAC to itself, where the switch has that on its port; else by own probes, or not at all', () => {
    const onHost = (sender: string, inPlace: readonly string[]): unknown => {
      const over = {
        onHost: true,
        bridges: switched,
        inPlace,
        flows: [flowOf({ sender, must: ['b'], may: ['a', 'b', 'c'] })],
      };
      return [proving(over), entering(over).unproved];
    };
    expect(onHost('a', ['c', 'lan'])).toEqual([{ c: `${mac.c} > ${mac.c}` }, []]);
    expect(onHost('a', ['a', 'b', 'c'])).toEqual([{ a: `${mac.a} > ${mac.a}`, c: `${mac.c} > ${mac.c}` }, []]);
    expect(onHost('a', [])).toEqual([{}, ['c']]);
    expect(onHost('c', ['b'])).toEqual([{}, ['a']]);
    expect(
      proving({
        onHost: true,
        bridges: switched,
        inPlace: ['c'],
        endpoints: new Map([...endpoints].map(([name, endpoint]) => [name, { ...endpoint, macs: [] }])),
        flows: [flowOf({ must: ['b'], may: ['b', 'c'] })],
      }),
    ).toEqual({});
  });
});

describe('entry controls', () => {
  it('are sent in every phase by each sender with its rightful MAC to the bridge’s own', () => {
    const controls = controlsOf(input({ flows: [base, flowOf({ sender: 'b' }, { srcMac: '02:00:00:00:00:99' })] }));
    expect(entries(controls)).toEqual(['before', 'between', 'after'].flatMap((phase) => [`${phase} a`, `${phase} b`]));
    expect(controls.find(({ kind, sender }) => kind === 'entry' && sender === 'b')).toMatchObject({
      observer: 'br0',
      frame: { carrier: 'raw', srcMac: mac.b, dstMac: mac.bridge, vlan: [], srcIp: null, dstIp: null, size: 60 },
    });
  });
  it('are sent only before by who sends nothing but what may close its port', () => {
    expect(entries(controlsOf(input({ flows: [flowOf({ class: 'stp-root' })], closing: ['stp-root'] })))).toEqual([
      'before a',
    ]);
    expect(entries(controlsOf(input({ flows: [flowOf({ class: 'stp-root' }), base], closing: ['stp-root'] })))).toEqual(
      ['before a', 'between a', 'after a'],
    );
  });
  it('are not sent on a host by who is behind the bridge device: they would leave through its NIC', () => {
    const behind = new Map(
      [...endpoints].map(([name, endpoint]) => [name, { ...endpoint, attach: 'promiscuous' as const }]),
    );
    expect([
      entries(controlsOf(input({ onHost: true, endpoints: behind }))),
      entries(controlsOf(input({ onHost: true }))).length,
      entries(controlsOf(input({ endpoints: behind }))).length,
    ]).toEqual([[], 3, 3]);
  });
  it('are not sent by who only announces itself at the end', () =>
    expect(entries(controlsOf(input({ flows: [base, flowOf({ sender: 'b', purpose: 'restore' })] })))).toEqual([
      'before a',
      'between a',
      'after a',
    ]));
  it('go to the next guest where the bridge’s own device is down, as its own traffic is', () => {
    const to = (addresses: readonly string[]): unknown => {
      const ends = [...endpoints].map(([name, endpoint], at) => {
        const address = addresses[at];
        return [
          name,
          { ...endpoint, ips: address === undefined ? [] : [{ family: 4 as const, address, prefix: 24 }] },
        ] as const;
      });
      const controls = controlsOf(input({ devicesDown: ['br0'], onHost: true, endpoints: new Map(ends) }));
      const [control] = controls.filter(({ kind }) => kind !== 'ear');
      return [control?.kind, control?.sender, control?.observer, control?.frame];
    };
    const frame = { srcMac: mac.a, dstMac: mac.b };
    expect(to([])).toEqual(['entry', 'a', 'b', expect.objectContaining({ ...frame, carrier: 'raw' })]);
    expect(to(['10.1.0.1'])).toEqual([
      ...['entry', 'a', 'b'],
      expect.objectContaining({ ...frame, carrier: 'arp', srcIp: '10.1.0.1' }),
    ]);
  });
  it.each<[string, Partial<ControlInput>]>([
    ['the bridge device is not observed', { observers: step.observers.filter(({ place }) => place !== 'bridge') }],
    ['the bridge’s MAC is not known', { bridgeMacs: {} }],
    [
      'the sender has no MAC',
      { endpoints: new Map([...endpoints].map(([name, endpoint]) => [name, { ...endpoint, macs: [] }])) },
    ],
    ['the sender is not known', { endpoints: new Map() }],
    [
      'its bridge is another',
      { endpoints: new Map([...endpoints].map(([name, endpoint]) => [name, { ...endpoint, bridge: 'br1' }])) },
    ],
  ])('are not possible where %s', (_, over) => expect(entries(controlsOf(input(over)))).toEqual([]));
});

describe('who sends in a step', () => {
  it('is who probes, who proves and who announces itself, each once, if it is there', () => {
    expect(sendersOf({ ...step, controls: [], learn: ['c', 'gone', 'a'], present: ['a', 'b', 'c'] })).toEqual([
      'a',
      'c',
    ]);
    const control = step.controls.find(({ sender }) => sender === 'lan');
    if (control === undefined) throw new Error('the fixture has changed');
    expect(sendersOf({ ...step, controls: [control, { ...control, sender: null }], learn: [] })).toEqual(['a', 'lan']);
  });
});
