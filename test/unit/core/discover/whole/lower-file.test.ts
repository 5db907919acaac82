import { describe, expect, it } from 'vitest';
import { hostTopology } from '../../../../../src/core/discover/host-topology.js';
import { coverageOf } from '../../../../../src/core/judge/proof/coverage.js';
import type { HostState, LinkedDevice } from '../../../../../src/core/model/state.js';
import { makePlan } from '../../../../../src/core/plan/make-plan.js';
import { earsAbove } from '../../../../../src/core/plan/ears.js';
import { describeNewMacs } from '../../../../../src/core/plan/new-macs.js';
import { loadScenario } from '../../../../../src/core/scenario/load-scenario.js';
import { hostSummary } from '../../../../../src/report/terminal/host-summary.js';
import { device, state } from '../../../../support/discover/lower-devices.js';

const file = `version: 1
name: lower
topology:
  provider: host
  bridges: { up0: { kind: lower } }
  endpoints:
    web: { bridge: up0, port: eth0, netns: web }
    db: { bridge: up0, attach: macvlan, port: eth0, netns: db }
steps:
  - name: one
    probe: [ { class: known-unicast, from: web, to: db, count: 3 }, { class: mac-spoof, from: web, to: db, count: 2 } ]
    expect: { verdict: holds, may_see: [], must_see: [] }
`;
const above = (webMode = 'bridge') =>
  new Map([
    ['web', device(1, webMode, { space: '/run/netns/web' })],
    ['db', device(2, 'bridge', { space: '/run/netns/db' })],
  ]);

describe('a file that names guests on a lower device', () => {
  const topology = hostTopology(loadScenario('lower.yml', Buffer.from(file)), state, [], { above: above() });
  const plan = makePlan(topology.scenario, { runTag: 1, keySha256: '', bridgeMacs: topology.bridgeMacs });
  const [step] = plan.steps;

  it('finds MAC, mode and interface of each; observers have names of their own, and the lower device is not judged', () => {
    expect(
      step?.observers.map(({ name, interface: port, place, judged, by }) => [name, port, place, judged, by]),
    ).toEqual([
      ['web', 'eth0@web', 'above', true, { lower: 'up0', mode: 'bridge', device: 'eth0', port: 'up0' }],
      ['db', 'eth0@db', 'above', true, { lower: 'up0', mode: 'bridge', device: 'eth0', port: 'up0' }],
      ['up0', 'up0', 'bridge', false, undefined],
    ]);
    const ears = step?.controls.filter(({ kind }) => kind === 'ear') ?? [];
    expect(new Set(ears.map(({ observer, frame }) => `${observer} ${frame.dstMac}`))).toEqual(
      new Set(['web 52:54:00:00:00:01', 'db 52:54:00:00:00:02']),
    );
  });

  it('counts what leaves by the lower device, and refuses sources that nobody has', () => {
    expect(hostSummary(plan)).toContain('Out of the NIC: nothing');
    const announced = (text: string): number => Number(/It takes about (\d+) s\./.exec(text)?.[1]);
    expect(announced(hostSummary(plan, 20_000)) - announced(hostSummary(plan))).toBe(20);
    const apart = hostTopology(loadScenario('lower.yml', Buffer.from(file)), state, [], { above: above('private') });
    const other = makePlan(apart.scenario, { runTag: 1, keySha256: '', bridgeMacs: apart.bridgeMacs });
    expect(hostSummary(other)).toMatch(/Out of the NIC: \d+ of them/);
    expect(describeNewMacs(plan)).toEqual(['step 1: mac-spoof by web']);
    expect(describeNewMacs({ ...plan, endpoints: plan.endpoints.map(({ below: _, ...each }) => each) })).toEqual([]);
  });

  it('covers the interfaces of its guests, not what a bond of that name consists of', () => {
    const slaves = state.links.map((link) => ({ ...link, name: 'nic0', master: 'up0' }));
    const before: HostState = { ...state, links: [...state.links, ...slaves] };
    const { complete, unobserved } = coverageOf(plan, [], [{ before, after: before }]);
    expect([complete, unobserved.map(({ port }) => port)]).toEqual([false, ['eth0@web', 'eth0@db']]);
  });

  it.each([
    [
      'a guest that is not there',
      new Map([...above()].slice(1)),
      'web: "eth0" in web is no macvlan on up0 (not found)',
    ],
    [
      'one on another device',
      new Map([...above(), ['db', device(2, 'bridge', { lower: 6 })] as const]),
      'db: "eth0" in db is no macvlan on up0',
    ],
    ['one in mode source', above('source'), 'web: "eth0" in web is no macvlan on up0 (macvlan source)'],
    [
      'an ipvlan that it calls none',
      new Map([...above(), ['db', device(2, 'l2', { kind: 'ipvlan', ips: ['10.9.2.2/24'] })] as const]),
      'db: "eth0" in db is no macvlan on up0 (ipvlan l2)',
    ],
    [
      'one that is down',
      new Map([...above(), ['db', device(2, 'bridge', { up: false })] as const]),
      'db: the interface is down',
    ],
  ])('is refused with %s', (_, devices, fault) => {
    expect(() => hostTopology(loadScenario('lower.yml', Buffer.from(file)), state, [], { above: devices })).toThrow(
      fault,
    );
  });

  it.each([
    ['another way to attach', file.replace('attach: macvlan', 'attach: port'), 'got attach port and kind lower'],
    ['a bridge', file.replace('{ kind: lower }', '{}'), 'got attach macvlan and kind linux'],
    ['a role', file.replace('netns: web', 'netns: web, role: uplink'), 'expected guest with "kind: lower"'],
    ['a mode, which is as found', file.replace('netns: web', 'netns: web, mode: bridge'), 'it is as found'],
    ['no interface', file.replace(' port: eth0, netns: web', ' netns: web'), 'web.port is missing'],
    ['one interface twice', file.replace('netns: db', 'netns: web'), 'is already the port of the endpoint "web"'],
    ['the lab', file.replace('provider: host', 'provider: lab'), '"lower" is of a host only'],
  ])('has a fault with %s', (_, text, fault) => {
    expect(() => loadScenario('lower.yml', Buffer.from(text))).toThrow(fault);
  });
});

describe('a file that names guests by ipvlan', () => {
  const ipvlans = file.replaceAll(
    /(web|db): \{ bridge: up0,(?: attach: macvlan,)?/g,
    '$1: { bridge: up0, attach: ipvlan,',
  );
  const guest = (number: number, name: string, more: Partial<LinkedDevice> = {}) =>
    [
      name,
      device(number, 'l2', {
        ...{ kind: 'ipvlan', mac: '02:00:00:00:00:05', space: `/run/netns/${name}`, ips: [`10.9.2.${number}/24`] },
        ...more,
      }),
    ] as const;
  const onHost = (text: string, ...more: readonly (readonly [string, LinkedDevice])[]) =>
    hostTopology(loadScenario('lower.yml', Buffer.from(text)), state, [], {
      above: new Map([guest(1, 'web', { flag: 'private' }), guest(2, 'db', { flag: 'private' }), ...more]),
    });

  it('finds mode, flag and addresses of each, and sends packets to these', () => {
    const { scenario, bridgeMacs } = onHost(ipvlans);
    const plan = makePlan(scenario, { runTag: 1, keySha256: '', bridgeMacs });
    const [step] = plan.steps;
    expect(step?.observers.map(({ interface: port, macs, by }) => [port, macs, by?.flag, by?.addresses])).toEqual([
      ['eth0@web', ['02:00:00:00:00:05'], 'private', ['10.9.2.1/24']],
      ['eth0@db', ['02:00:00:00:00:05'], 'private', ['10.9.2.2/24']],
      ['up0', ['02:00:00:00:00:05'], undefined, undefined],
    ]);
    const known = [...(step?.flows ?? [])].filter((flow) => flow.class === 'known-unicast');
    expect(new Set(known.map(({ carrier, frame }) => `${carrier} ${frame.dstMac} ${frame.dstIp}`))).toEqual(
      new Set(['ipv4-udp 02:00:00:00:00:05 10.9.2.2']),
    );
    // what flag private drops does not leave
    const alone = makePlan(onHost(ipvlans.replace(/, \{ class: mac-spoof[^}]*\}/, '')).scenario, {
      runTag: 1,
      keySha256: '',
    });
    expect(hostSummary(alone)).toContain('Out of the NIC: nothing');
  });

  it('has an ear at one that the file does not name, though all have one MAC', () => {
    const { scenario, bridgeMacs } = onHost(ipvlans);
    const [step] = makePlan(scenario, { runTag: 1, keySha256: '', bridgeMacs }).steps;
    const [, third] = guest(3, 'dns');
    const here = state.links.map(
      (link): LinkedDevice => ({
        ...device(5, ''),
        ...link,
        space: null,
        lower: null,
        master: null,
        kind: 'veth',
        mode: '',
      }),
    );
    const devices = [...here, ...[guest(1, 'web'), guest(2, 'db')].map(([, found]) => found), third];
    const ears = step === undefined ? [] : earsAbove(step, devices);
    expect(ears.map(({ space }) => space)).toEqual(['/run/netns/dns']);
  });

  it.each([
    [
      'an address that it does not have',
      ipvlans.replace('netns: web', 'netns: web, ip: 10.9.2.9/24'),
      'does not have the address 10.9.2.9',
      [],
    ],
    [
      'a macvlan that it calls ipvlan',
      ipvlans,
      'is no ipvlan on up0 (macvlan bridge)',
      [guest(2, 'db', { kind: 'macvlan', mode: 'bridge' })],
    ],
    ['no address', ipvlans, 'has no address, by which packets could reach it', [guest(2, 'db', { ips: [] })]],
    [
      'a MAC, which is the lower device’s',
      ipvlans.replace('netns: web', 'netns: web, mac: "02:00:00:00:00:05"'),
      'it is as found',
      [],
    ],
  ] as const)('is refused with %s', (_, text, fault, more) => {
    expect(() => onHost(text, ...more)).toThrow(fault);
  });
});
