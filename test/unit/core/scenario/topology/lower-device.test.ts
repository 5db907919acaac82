import { describe, expect, it } from 'vitest';
import { makePlan } from '../../../../../src/core/plan/make-plan.js';
import { loadScenario } from '../../../../../src/core/scenario/load-scenario.js';
import { neededFeatures } from '../../../../../src/core/scenario/needed-features.js';
import { unsupportedKeys } from '../../../../../src/core/scenario/unsupported.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';

const hv = 'hv: { bridge: br0, port: p0 }';
const lan = 'lan: { bridge: br0, port: p1, mac: "02:00:00:00:00:20", role: uplink }';
const web = 'web: { bridge: br0, attach: macvlan, lower: hv, mode: bridge, mac: "02:00:00:00:00:11" }';

const text = (endpoints: readonly string[], provider = 'lab'): string =>
  `version: 1
name: lower
topology:
  provider: ${provider}
  bridges: { br0: {}, br1: {} }
  endpoints:
${endpoints.map((line) => `    ${line}\n`).join('')}steps:
  - name: one
    probe: [ { class: known-unicast, from: web, to: lan, count: 3 } ]
    expect: private
`;

function faultsOf(endpoints: readonly string[], provider?: string): string {
  try {
    loadScenario('lower.yml', Buffer.from(text(endpoints, provider)));
    return '';
  } catch (error) {
    if (!(error instanceof VerifyError)) throw error;
    return error.message;
  }
}

describe('an endpoint on the interface of another one', () => {
  it('is heard at its own device, by frames that come to its MAC by the port of the lower device, which is not judged', () => {
    const tap = 'tap: { bridge: br0, attach: macvtap, lower: hv, mode: private }';
    const scenario = loadScenario('lower.yml', Buffer.from(text([hv, lan, web, tap])));
    const [step] = makePlan(scenario, { runTag: 1, keySha256: '' }).steps;
    expect(
      step?.observers.map(({ name, interface: device, place, judged, by }) => [name, device, place, judged, by]),
    ).toEqual([
      ['hv', 'p0', 'port', false, undefined],
      ['lan', 'p1', 'port', true, undefined],
      ['web', 'macvlan1', 'above', true, { lower: 'hv', mode: 'bridge', port: 'p0' }],
      ['tap', 'macvtap1', 'above', true, { lower: 'hv', mode: 'private', port: 'p0' }],
      ['br0', 'br0', 'bridge', false, undefined],
      ['br1', 'br1', 'bridge', false, undefined],
    ]);
    const to = (observer: string): ReadonlySet<string> =>
      new Set(
        step?.controls
          .filter((control) => control.kind === 'ear' && control.observer === observer)
          .map(({ frame }) => frame.dstMac),
      );
    expect(to('web')).toEqual(new Set(['02:00:00:00:00:11']));
    expect(to('lan')).not.toContain('02:00:00:00:00:11');
  });

  it.each([
    ['no lower device', 'web: { bridge: br0, attach: macvlan, mode: bridge }', 'web.lower is missing'],
    ['no mode', 'web: { bridge: br0, attach: macvlan, lower: hv }', 'web.mode is missing'],
    ['another mode than the kernel has', web.replace('mode: bridge', 'mode: hairpin'), 'passthru'],
    ['a lower device that is not there', web.replace('lower: hv', 'lower: hw'), 'there is no endpoint "hw"'],
    ['one on another bridge', web.replace('bridge: br0', 'bridge: br1'), 'expected an endpoint with a port on "br1"'],
    ['itself', web.replace('lower: hv', 'lower: web'), 'expected an endpoint with a port on "br0"'],
    ['a start later on', web.replace(' }', ', started: off }'), 'expected both to be there from the start'],
    [
      'settings of a port',
      web.replace(' }', ', settings: { flood: off } }'),
      'a guest on a lower device has no bridge port',
    ],
  ])('has a fault with %s', (_, endpoint, fault) => {
    expect(faultsOf([hv, lan, endpoint])).toContain(fault);
  });

  it('has the MAC of its lower device by ipvlan, is sent packets, and is heard by what is for its address', () => {
    const ipvlans = ['11', '12'].map(
      (n) => `g${n}: { bridge: br0, attach: ipvlan, lower: hv, mode: l3, flag: vepa, ip: 192.168.7.${n}/24 }`,
    );
    const probes = text([hv, lan, ...ipvlans]).replace('from: web, to: lan', 'from: [g11, lan], to: g12');
    const scenario = loadScenario('lower.yml', Buffer.from(probes));
    const plan = makePlan(scenario, { runTag: 1, keySha256: '' });
    const [step] = plan.steps;
    const [, , first, second] = plan.endpoints;
    expect([first?.macs, second?.macs]).toEqual([plan.endpoints[0]?.macs, plan.endpoints[0]?.macs]);
    expect(step?.observers.find(({ name }) => name === 'g12')?.by).toEqual({
      lower: 'hv',
      mode: 'l3',
      flag: 'vepa',
      port: 'p0',
    });
    expect(new Set([...(step?.flows ?? [])].map(({ carrier, frame }) => `${carrier} ${frame.dstIp}`))).toEqual(
      new Set(['ipv4-udp 192.168.7.12']),
    );
    const controls = step?.controls.filter(
      ({ kind, observer, sender }) => observer === 'g12' && (kind === 'ear' || sender),
    );
    expect(new Set(controls?.map(({ frame }) => `${frame.dstMac} ${frame.dstIp}`))).toEqual(
      new Set([`${second?.macs[0]} 192.168.7.12`]),
    );
    expect(step?.controls.filter(({ kind, sender }) => kind === 'entry' && sender !== 'lan')).toEqual([]);
    expect(neededFeatures(scenario)).toContain('ipvlan');
  });

  it.each([
    ['a MAC', 'mode: l2, mac: "02:00:00:00:00:11", ip: 192.168.7.1/24', 'has the MAC of its lower device'],
    ['no address', 'mode: l2', 'hands packets to "attach: ipvlan" by their address'],
    ['a mode of macvlan', 'mode: vepa, ip: 192.168.7.1/24', 'expected one of l2, l3, l3s'],
    ['another mode than its neighbour', 'mode: l2, flag: private, ip: 192.168.7.1/24', 'ipvlans of one mode and flag'],
  ])('has a fault with %s at an ipvlan', (_, keys, fault) => {
    const neighbour = 'db: { bridge: br0, attach: ipvlan, lower: hv, mode: l2, ip: 192.168.7.2/24 }';
    const guest = `web: { bridge: br0, attach: ipvlan, lower: hv, ${keys} }`;
    expect(faultsOf([hv, lan, neighbour, guest])).toContain(fault);
  });

  it('has a flag by ipvlan only', () => {
    expect(faultsOf([hv, lan, web.replace('mode: bridge', 'mode: bridge, flag: vepa')])).toContain(
      'goes with "attach: ipvlan" only',
    );
  });

  it('neither comes nor goes in a step, and so does what it stands on', () => {
    const gone = `${text([hv, lan, web])}  - name: two
    stop: [ web, hv ]
`;
    expect(unsupportedKeys(loadScenario('lower.yml', Buffer.from(gone)))).toEqual([
      'steps[1].stop: hv, of attach: macvlan',
      'steps[1].stop: web, of attach: macvlan',
    ]);
  });

  it('alone has a lower device and a mode, which on a host are as found', () => {
    expect(faultsOf([hv.replace(' }', ', mode: vepa }'), lan, web])).toContain('goes with "attach: macvlan"');
    expect(faultsOf([hv, lan, web], 'host')).toContain('got attach macvlan and kind linux');
    expect(faultsOf([hv, lan, web])).toBe('');
  });
});
