import { describe, expect, it } from 'vitest';
import type { Scenario } from '../../../../src/core/model/scenario.js';
import type { HostState, LinkState } from '../../../../src/core/model/state.js';
import { hostTopology } from '../../../../src/core/discover/host-topology.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { receiveControlMac } from '../../../../src/core/plan/ingress-controls.js';
import { learnedAt } from '../../../support/link-state.js';

const link = (name: string, master: string | null, kind: string | null = null): LinkState => ({
  name,
  ifindex: 1,
  mac: '02:00:00:00:00:01',
  mtu: 1500,
  flags: ['UP', 'LOWER_UP'],
  operstate: 'UP',
  master,
  promiscuity: 0,
  kind,
  sysFlags: null,
  bridge: null,
  port: null,
});
const state: HostState = {
  links: [
    link('br0', null, 'bridge'),
    link('vnet0', 'br0'),
    link('vnet4', 'br0'),
    link('enp8s0', 'br0'),
    link('vmnet0', null),
  ],
  fdb: [learnedAt('52:54:00:00:00:01', 'vnet0'), learnedAt('00:0c:29:00:00:04', 'vnet4')],
  vlan: null,
  mdb: null,
  tc: null,
  nft: null,
  sysctl: {},
  drops: null,
  programs: null,
  unread: [],
};

function scenario(winxp: string): Scenario {
  const text = `version: 1
name: t
topology:
  provider: host
  bridges: { br0: {} }
  endpoints:
    kali2: { bridge: br0, port: vnet0, mac: "52:54:00:00:00:01", ip: 10.0.0.1/24 }
    lan: { bridge: br0, port: enp8s0, mac: "52:54:00:00:00:09", role: uplink }
    winxp: { bridge: br0, attach: promiscuous${winxp} }
steps:
  - { name: s, probe: { class: known-unicast, from: lan, to: winxp, both_ways: true, carriers: [raw], count: 5 }, expect: private }
`;
  return loadScenario('t.yml', new TextEncoder().encode(text));
}

function planOf(winxp: string) {
  const { scenario: whole, bridgeMacs, unobservable } = hostTopology(scenario(winxp), state, []);
  return makePlan(whole, { runTag: 1, keySha256: '00', bridgeMacs, unobservable });
}

describe('a guest behind the bridge device of a host', () => {
  const mac = ', mac: "00:0c:29:aa:bb:cc"';

  it('is heard on its interface, which is no port of the bridge', () => {
    const plan = planOf(`${mac}, port: vmnet0`);
    expect(plan.steps[0]?.observers.find(({ name }) => name === 'winxp')).toMatchObject({
      interface: 'vmnet0',
      place: 'relay',
    });
    expect(plan.unobservable).toEqual([]);
  });

  it('is named as not observed where it has no interface, so that nothing holds', () => {
    const plan = planOf(mac);
    expect(plan.steps[0]?.observers.map(({ name }) => name)).toEqual(['kali2', 'lan', 'vnet4', 'br0']);
    expect(plan.unobservable).toMatchObject([{ bridge: 'br0', port: 'winxp' }]);
  });

  it.each([
    ['', /winxp: its MAC is not in the file/],
    [`${mac}, port: gone`, /winxp: there is no interface "gone"/],
    [', mac: "00:0c:29:00:00:04"', /winxp: 00:0c:29:00:00:04 is on "vnet4", not on "br0"/],
  ])('is refused with what is wrong: %s', (parts, message) => {
    expect(() => planOf(parts)).toThrow(message);
  });
});

describe('the filter on a host', () => {
  it('takes frames by the tag of the run, whoever sends them, so an ear has to be proved for each carrier only', () => {
    const [step] = planOf(', mac: "00:0c:29:aa:bb:cc", port: vmnet0').steps;
    expect(step?.filter).toMatch(/^token 0x[0-9a-f]{8}$/);
    expect(step?.filter).not.toContain('ether src');
    const forms = new Set(
      step?.controls
        .filter(({ kind, observer, sender }) => kind === 'ear' && sender === null && observer !== 'lan')
        .map(({ frame }) => frame.srcMac),
    );
    expect([...forms]).toEqual([receiveControlMac.src]);
  });
});

describe('the ear controls of an uplink', () => {
  it("carry a MAC of the bridge's side, never that of who lives beyond", () => {
    const [step] = planOf(', mac: "00:0c:29:aa:bb:cc", port: vmnet0').steps;
    const sources = new Set(
      step?.controls
        .filter(({ kind, observer }) => kind === 'ear' && observer === 'lan')
        .map(({ frame }) => frame.srcMac),
    );
    expect([...sources]).toEqual(['00:0c:29:aa:bb:cc']);
  });
});

describe('a tunnel of a host', () => {
  const tunnelled = (kind: string | null): (() => unknown) => {
    const links = [...state.links, link('vx0', 'br0', kind), { ...link('vx0.5', 'br0', 'vlan'), lower: 'vx0' }];
    const text = `version: 1
name: t
topology:
  provider: host
  bridges: { br0: {} }
  endpoints:
    kali2: { bridge: br0, port: vnet0, mac: "52:54:00:00:00:01" }
    far: { bridge: br0, port: vx0, tunnel: {} }
    farther: { bridge: br0, port: vx0.5, tunnel: {} }
steps:
  - { name: s, probe: { class: broadcast, from: kali2, may_see: [] }, expect: private }
`;
    return () => hostTopology(loadScenario('t.yml', new TextEncoder().encode(text)), { ...state, links }, []);
  };

  it.each(['vxlan', 'geneve', 'gretap'])('is a device of kind %s, or a VLAN of it', (kind) =>
    expect(tunnelled(kind)).not.toThrow(),
  );

  it.each(['veth', 'tun', null])('is no device of kind %s, at which guests would not be judged', (kind) =>
    expect(tunnelled(kind)).toThrow(new RegExp(`^far: "vx0" is no tunnel but ${kind ?? 'a NIC'}.*\nfarther: "vx0.5"`)),
  );
});

describe('a MAC that a static entry has at a port', () => {
  it('is not the one of the endpoint there where the file has it of another', () => {
    const fdb = [...state.fdb, { ...learnedAt('52:54:00:00:00:01', 'vnet4'), state: 'static' }];
    const text = `version: 1
name: t
topology:
  provider: host
  bridges: { br0: {} }
  endpoints:
    kali2: { bridge: br0, port: vnet0, mac: "52:54:00:00:00:01" }
    other: { bridge: br0, port: vnet4 }
steps:
  - { name: s, listen: { for: 1s }, expect: private }
`;
    const written = loadScenario('t.yml', new TextEncoder().encode(text));
    const macsOf = ({ topology }: Scenario): unknown =>
      Object.fromEntries(topology.endpoints.map(({ name, macs }) => [name, macs]));
    expect(macsOf(hostTopology(written, { ...state, fdb }, []).scenario)).toMatchObject({
      kali2: ['52:54:00:00:00:01'],
      other: ['00:0c:29:00:00:04'],
    });
  });
});
