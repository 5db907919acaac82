import fc from 'fast-check';
import { afterEach, expect, it, vi } from 'vitest';
import type { Plan } from '../../../../src/core/model/plan.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { knownUnicast } from '../../../../src/core/probe/classes/known-unicast.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { refusal } from '../../../support/refusal.js';

const bridgeMac = '02:00:00:00:00:fe';
const routerMac = '00:11:22:33:44:55';

function planOf(
  probe: string,
  { known = '', provider = 'host', addressed = '' }: Partial<Record<'known' | 'provider' | 'addressed', string>> = {},
  distinguishing: readonly string[] = [],
): Plan {
  const text = `version: 1
name: unknown
allow_disruptive: true
topology:
  provider: ${provider}
  bridges: { br0: {} }
  endpoints:
    alice: { bridge: br0, port: tap0, mac: "52:54:00:00:00:0a"${known} }
    bob: { bridge: br0, port: tap1, mac: "52:54:00:00:00:0b" }
    lan: { bridge: br0, port: eth0, mac: "${routerMac}", role: uplink${addressed} }
    host: { bridge: br0, attach: host, ip: 10.0.0.1/24 }
steps:
  - { name: ask, probe: [${probe}] }
`;
  return makePlan(loadScenario('unknown.yml', Buffer.from(text)), {
    runTag: 1,
    keySha256: '0'.repeat(64),
    bridgeMacs: { br0: bridgeMac },
    distinguishing,
  });
}

/** `SENDER > ADDRESSEE CARRIER` of each judged flow. */
const sentBy = ({ steps }: Plan): readonly string[] =>
  steps.flatMap(({ flows }) =>
    flows.filter(({ judged }) => judged).map(({ from, to, frame }) => `${from} > ${to ?? 'all'} ${frame.carrier}`),
  );
const toAll = '{ class: known-unicast, from: alice, to: "*" }';

it('on a host sends no packet to the host or a router from a source that is not known, and lists it', () => {
  const plan = planOf(toAll);
  expect(sentBy(plan)).toEqual(['alice > bob raw', 'alice > bob ipv4-icmp', 'alice > lan raw', 'alice > host raw']);
  expect(plan.steps[0]?.notAsked).toEqual([
    { class: 'known-unicast', carrier: 'ipv4-udp', from: ['alice'], to: 'lan', unknown: ['alice', 'lan'] },
    { class: 'known-unicast', carrier: 'ipv4-udp', from: ['alice'], to: 'host', unknown: ['alice'] },
  ]);
});

it('sends it if both addresses are known, documentation addresses included, and in a lab, where no route leads out', () => {
  for (const known of [', ip: 10.0.0.2/24', ', ip: 192.0.2.1/24']) {
    const plan = planOf(toAll, { known, addressed: ', ip: 192.0.2.2/24' });
    expect(sentBy(plan)).toEqual(expect.arrayContaining(['alice > lan ipv4-udp', 'alice > host ipv4-udp']));
    expect(plan.steps[0]).not.toHaveProperty('notAsked');
  }
  expect(sentBy(planOf(toAll, { provider: 'lab' }))).toContain('alice > host ipv4-udp');
});

it('on a host sends ARP from an address that the guest has, and lists what it does not send', () => {
  const asks =
    '{ class: arp-request, from: alice, to: bob, may_see: [] }, { class: broadcast, from: alice, may_see: [] }';
  expect(sentBy(planOf(asks, { known: ', ip: 10.0.0.2/24' }))).toContain('alice > bob arp');
  const unknown = planOf(asks);
  expect(sentBy(unknown)).toEqual(['alice > all raw', 'alice > all ipv4-udp']);
  expect(unknown.steps[0]?.notAsked).toEqual([
    { class: 'arp-request', carrier: 'arp', from: ['alice'], to: 'bob', unknown: ['alice', 'bob'] },
  ]);
});

it("sends addresses that the scenario's author wrote", () => {
  const plan = planOf('{ class: known-unicast, from: alice, to: host, src_ip: 192.0.2.1 }');
  expect(sentBy(plan)).toEqual(['alice > host raw', 'alice > host ipv4-udp']);
});

it('leaves out what the host would route for guests without an address', () => {
  const plan = planOf(`${toAll}, { class: routed-bounce, from: alice, to: bob }`, { known: ', ip: 10.0.0.2/24' });
  expect(plan.steps[0]?.notAsked?.find(({ class: name }) => name === 'routed-bounce')).toEqual({
    class: 'routed-bounce',
    carrier: 'ipv4-udp',
    from: ['alice'],
    to: 'bob',
    unknown: ['bob'],
  });
});

it('steals no MAC for packets that are not sent behind it', () => {
  const flows = planOf('{ class: gateway-steal, from: alice, to: lan, via: bob }').steps[0]?.flows ?? [];
  expect(flows.filter(({ judged }) => judged).map(({ frame }) => frame.carrier)).toEqual(['raw']);
  expect(flows.filter(({ purpose }) => purpose === 'stimulus')).toHaveLength(1);
});

it('refuses a step of which nothing is left, with the endpoints that have no address', () => {
  expect(refusal(() => planOf('{ class: routed-bounce, from: alice, to: bob }'))).toMatch(
    /^address-unknown 3 .* there is no address of alice, bob$/,
  );
});

it('asks a guest whose address is not known by an error that no stack answers or forwards', () => {
  const addressed = { known: ', ip: 10.0.0.2/24' };
  const probe = '{ class: known-unicast, from: alice, to: bob, carriers: [ipv4-udp, ipv4-tcp, ipv6-udp] }';
  const [step] = planOf(probe, addressed).steps;
  expect(step?.flows.map(({ frame: { carrier, form, srcIp, dstIp } }) => [carrier, form, srcIp, dstIp])).toEqual([
    ['ipv4-icmp', 'unreachable', '10.0.0.2', '192.0.2.2'],
    ['ipv6-icmp', 'unreachable', '2001:db8::1', '2001:db8::2'],
  ]);
  expect(step).not.toHaveProperty('notAsked');
  expect(sentBy(planOf(probe, { ...addressed, provider: 'lab' }))).toContain('alice > bob ipv4-udp');
});

it('asks it nothing of the family where a rule may ask conntrack, and lists that', () => {
  const plan = planOf('{ class: known-unicast, from: alice, to: bob }', {}, ['br0']);
  expect(sentBy(plan)).toEqual(['alice > bob raw']);
  expect(plan.steps[0]?.notAsked).toEqual([
    { class: 'known-unicast', carrier: 'ipv4-udp', from: ['alice'], to: 'bob', unknown: ['alice', 'bob'] },
  ]);
});

it('lists carriers that nothing stands for', () => {
  const plan = planOf('{ class: known-unicast, from: alice, to: bob, carriers: [raw, ipv4-tcp] }');
  expect(sentBy(plan)).toEqual(['alice > bob raw']);
  expect(plan.steps[0]?.notAsked).toMatchObject([{ carrier: 'ipv4-tcp', to: 'bob' }]);
});

it('asks it by forged frames once, not in parts', () => {
  const plan = planOf('{ class: ip-spoof, from: alice, to: bob }', { known: ', ip: 10.0.0.2/24' });
  expect(sentBy(plan)).toEqual(['alice > bob ipv4-icmp']);
  expect(plan.steps[0]).not.toHaveProperty('notAsked');
});

afterEach(() => vi.restoreAllMocks());

/** Guests with one or two MACs and addresses, routed ports with the host's own MACs; entries of several carriers and stacks. */
const meshes = fc.record({
  guests: fc.array(fc.record({ macs: fc.integer({ min: 1, max: 2 }), ip: fc.boolean(), bridge: fc.nat(1) }), {
    minLength: 2,
    maxLength: 5,
  }),
  routed: fc.boolean(),
  provider: fc.constantFrom('lab', 'host'),
  entries: fc.array(
    fc.constantFrom(
      'from: "*", to: "*"',
      'from: "*", to: "*", count: 3, carriers: [raw]',
      'from: "*", to: "*", carriers: [ipv4-udp, raw]',
      'from: [g0, g1], to: "*", both_ways: true, vlan: [[], [5]]',
      'from: "*", to: [g0, g1], dst_mac: "52:54:00:00:00:77", may_see: [g1]',
    ),
    { minLength: 1, maxLength: 3 },
  ),
});

const hostMacs = { br0: bridgeMac, br1: bridgeMac, tapr7: '02:00:00:00:00:f7', tapr8: '02:00:00:00:00:f8' };

function meshText({ guests, routed, provider, entries }: typeof meshes extends fc.Arbitrary<infer T> ? T : never) {
  const lines = guests.map(({ macs, ip, bridge }, at) => {
    const own = Array.from({ length: macs }, (_, which) => `"52:54:00:00:0${which}:0${at}"`);
    return `    g${at}: { bridge: br${at < 2 ? 0 : bridge}, port: tap${at}, mac: [${own.join(', ')}]${ip ? `, ip: 10.0.0.${at + 10}/24` : ''} }`;
  });
  if (routed)
    for (const at of [7, 8, 9])
      lines.push(
        `    r${at}: { bridge: rt, attach: routed, port: tapr${at}, mac: "52:54:00:00:00:a${at}", ip: 10.0.9.${at}/32 }`,
      );
  return `version: 1
name: mesh
topology:
  provider: ${provider}
  bridges: { br0: {}, br1: {}${routed ? ', rt: { kind: routed }' : ''} }
  endpoints:
${lines.join('\n')}
steps:
  - { name: all, expect: unjudged, probe: [${entries.map((entry) => `{ class: known-unicast, ${entry} }`).join(', ')}] }
`;
}

it('joins flows of known parts to those that each pair has alone', () => {
  let joined = 0;
  fc.assert(
    fc.property(meshes, (mesh) => {
      const scenario = loadScenario('mesh.yml', Buffer.from(meshText(mesh)));
      const make = (): Plan => makePlan(scenario, { runTag: 1, keySha256: '0'.repeat(64), bridgeMacs: hostMacs });
      const asked = vi.spyOn(knownUnicast, 'flows');
      const plan = make();
      const few = asked.mock.calls.length;
      vi.spyOn(knownUnicast, 'joins', 'get').mockReturnValue(undefined);
      asked.mockClear();
      expect(JSON.stringify(plan)).toBe(JSON.stringify(make()));
      joined += asked.mock.calls.length - few;
      vi.restoreAllMocks();
    }),
    { numRuns: 60 },
  );
  expect(joined).toBeGreaterThan(0);
});
