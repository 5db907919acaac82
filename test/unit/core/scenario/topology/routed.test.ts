import { describe, expect, it } from 'vitest';
import { coverageOf } from '../../../../../src/core/judge/proof/coverage.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { makePlan } from '../../../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../../../src/core/scenario/load-scenario.js';
import { unsupportedKeys } from '../../../../../src/core/scenario/unsupported.js';

const web = 'web: { bridge: routes, port: tap1, mac: "02:00:00:00:00:11", ip: [10.0.0.1/32, "fd00::1/128"] }';
const db = 'db: { bridge: routes, port: tap2, mac: "02:00:00:00:00:12", ip: [10.0.0.2/32, "fd00::2/128"] }';

const text = (
  endpoints: readonly string[],
  { segment = '{ kind: routed }', probe = 'class: known-unicast, from: web, to: db', provider = 'lab' } = {},
): string =>
  `version: 1
name: routed
topology:
  provider: ${provider}
  bridges: { routes: ${segment}, br0: {} }
  endpoints:
${endpoints.map((line) => `    ${line}\n`).join('')}steps:
  - name: one
    probe: [ { ${probe}, count: 3 } ]
    expect: separated
`;
const load = (...args: Parameters<typeof text>) => loadScenario('routed.yml', Buffer.from(text(...args)));

function faultsOf(...args: Parameters<typeof text>): string {
  try {
    load(...args);
    return '';
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return error.message;
  }
}

describe('a guest to which the host routes', () => {
  const plan = makePlan(load([web, db]), { runTag: 1, keySha256: '' });
  const [step] = plan.steps;

  it('is heard at its port, as one that is on no bridge; the segment is no device', () => {
    expect(step?.observers.map(({ name, interface: device, place, routed }) => [name, device, place, routed])).toEqual([
      ['web', 'tap1', 'port', true],
      ['db', 'tap2', 'port', true],
      ['br0', 'br0', 'bridge', undefined],
    ]);
  });

  it('sends packets to the host, which is to route them, and none but packets', () => {
    const { routes } = plan.bridgeMacs;
    expect([...(step?.flows ?? [])].map(({ carrier, frame }) => [carrier, frame.dstMac, frame.dstIp])).toEqual([
      ['ipv4-udp', routes, '10.0.0.2'],
    ]);
    const raw = makePlan(load([web, db], { probe: 'class: known-unicast, from: web, to: db, carriers: raw' }), {
      runTag: 1,
      keySha256: '',
    });
    expect(raw.steps[0]?.flows.at(0)?.frame.dstMac).toBe('02:00:00:00:00:12');
  });

  it('takes the MAC of the host at its own port where that is known', () => {
    const found = makePlan(load([web, db]), { runTag: 1, keySha256: '', bridgeMacs: { tap1: '02:00:00:00:00:aa' } });
    expect(found.steps[0]?.flows.at(0)?.frame.dstMac).toBe('02:00:00:00:00:aa');
  });

  it('counts among the ports that have to be observed', () => {
    const link = { flags: [], master: null } as const;
    const links = ['tap1', 'eth0'].map((name) => ({ ...link, name }));
    const state = JSON.parse(JSON.stringify({ links, fdb: [], sysctl: {} }));
    const { complete, ports, observed } = coverageOf(plan, [], [{ before: state, after: state }]);
    expect([complete, ports, observed]).toEqual([false, 1, 0]);
  });

  it.each([
    [
      'a bridge of the kernel',
      ['web: { bridge: br0, attach: routed, port: tap1 }', db],
      'got attach routed and kind linux',
    ],
    [
      'a port on the segment',
      ['web: { bridge: routes, attach: port, port: tap1 }', db],
      'got attach port and kind routed',
    ],
    ['no port', ['web: { bridge: routes }', db], 'web.port is missing'],
    ['a role', ['web: { bridge: routes, port: tap1, role: uplink }', db], 'expected guest with "attach: routed"'],
    ['VLANs', ['web: { bridge: routes, port: tap1, vlans: [ { vid: 3 } ] }', db], 'goes with a port of a bridge only'],
    [
      'settings of a port',
      ['web: { bridge: routes, port: tap1, settings: { learning: off } }', db],
      'is no setting of a link',
    ],
  ])('is refused with %s', (_, endpoints, fault) => expect(faultsOf(endpoints)).toContain(fault));

  it('has settings of a link', () =>
    expect(faultsOf(['web: { bridge: routes, port: tap1, settings: { mtu: 1400 } }', db])).toBe(''));

  it('is refused with a setting of a bridge at the segment, and on a host with an address', () => {
    expect(faultsOf([web, db], { segment: '{ kind: routed, ageing_time: 0 }' })).toContain('ageing_time');
    const segment = '{ kind: routed, address: 10.0.0.9/32 }';
    expect(faultsOf([web, db], { segment })).toBe('');
    expect(faultsOf([web, db], { segment, provider: 'host' })).toContain('address is of the lab only');
  });

  it('has no traffic, which is recognised by MACs', () => {
    const pinging = text([web, db]).replace(/probe: .*/, 'traffic: [ { kind: ping, from: web, to: db } ]');
    expect(unsupportedKeys(loadScenario('routed.yml', Buffer.from(pinging)))).toEqual([
      'steps[0].traffic of an endpoint of attach: routed',
    ]);
  });

  it('is on one host only', () => {
    const hosts = text([web, db]).replace('  endpoints:', '  hosts: { h1: {} }\n  endpoints:');
    const scenario = loadScenario('routed.yml', Buffer.from(hosts.replaceAll('port: tap', 'host: h1, port: tap')));
    expect(unsupportedKeys(scenario).join()).toContain('attach: routed where the topology has "hosts"');
  });
});
