import { describe, expect, it } from 'vitest';
import { carriers, probeClasses, type Carrier, type ProbeClassName } from '../../../../src/core/model/scenario.js';
import { VerifyError } from '../../../../src/core/model/verify-error.js';
import { classicHeader, classicRecord } from '../../../../src/core/pcap/classic/writer.js';
import { makePlan } from '../../../../src/core/plan/make-plan.js';
import { buildFrame } from '../../../../src/core/probe/frames/frame.js';
import { loadScenario } from '../../../../src/core/scenario/load-scenario.js';
import { findToken, tokensFor } from '../../../../src/core/wire/token.js';
import { available, concat, runOn } from '../../../support/pcap/helpers.js';

const runTag = 0x12345678;
const key = new Uint8Array(32).fill(9);
const withoutAddressee: readonly ProbeClassName[] = [
  'unknown-unicast',
  'broadcast',
  'multicast',
  'link-local-multicast',
  'vlan-hop',
  'dhcp-offer',
  'igmp-query',
  'stp-root',
];

function scenario(name: ProbeClassName, carrier: Carrier): string {
  const group =
    name === 'multicast' || name === 'igmp-query'
      ? `group: ${carrier.startsWith('ipv6') ? '"ff0e::1:1"' : '239.1.1.1'}, `
      : '';
  return `version: 1
name: one
allow_disruptive: true
topology:
  provider: lab
  bridges: { br0: { ageing_time: 1s, address: [ 10.0.0.1/24, "fd00::1/64" ] } }
  endpoints:
    alice: { bridge: br0, port: tap0, mac: "52:54:00:00:00:0a", ip: [ 10.0.0.10/24, "fd00::10/64" ] }
    bob: { bridge: br0, port: tap1, mac: "52:54:00:00:00:0b", ip: [ 10.0.0.11/24, "fd00::11/64" ] }
    lan: { bridge: br0, port: eth9, mac: "00:11:22:33:44:55", ip: [ 10.0.0.200/24, "fd00::200/64" ], role: uplink }
steps:
  - { name: one, wait: 2s, probe: { class: ${name}, from: alice, ${withoutAddressee.includes(name) ? '' : `to: ${name === 'gateway-steal' ? 'lan' : 'bob'}, `}${group}${name === 'stp-root' ? '' : 'count: 1, '}carriers: ${carrier} }, expect: unjudged }
`;
}

/** The frames of a class as a carrier, one a flow; none where the class refuses the carrier. */
function framesOf(name: ProbeClassName, carrier: Carrier): readonly Uint8Array[] {
  try {
    const plan = makePlan(loadScenario('one.yml', Buffer.from(scenario(name, carrier))), {
      runTag,
      keySha256: '0'.repeat(64),
      bridgeMacs: { br0: '02:76:69:fe:00:00' },
    });
    return plan.steps.flatMap(({ flows }) =>
      [...flows].map((flow) => buildFrame(flow.frame, tokensFor(key, runTag, flow.first, 1))),
    );
  } catch (error) {
    if (error instanceof VerifyError && error.exit === 64) return [];
    throw error;
  }
}

const all = probeClasses.flatMap((name) =>
  carriers.flatMap((carrier) => framesOf(name, carrier).map((frame) => ({ name, carrier, frame }))),
);
const capture = concat(
  classicHeader('micro', 65_535),
  ...all.map(({ frame: data }, i) =>
    classicRecord('micro', { timeNs: BigInt(i) * 1_000_000n, originalLength: data.length, data }),
  ),
);

describe('the frames of every class with every carrier that it takes', () => {
  it('are there, and each has its token', () => {
    expect(new Set(all.map(({ name }) => name))).toEqual(new Set(probeClasses));
    expect(new Set(all.map(({ carrier }) => carrier))).toEqual(new Set(carriers));
    for (const name of ['known-unicast', 'unknown-unicast', 'broadcast', 'vlan-hop', 'mac-spoof', 'mac-steal'] as const)
      expect(
        new Set(all.filter((one) => one.name === name).map(({ carrier }) => carrier)).size,
        name,
      ).toBeGreaterThanOrEqual(6);
    expect(all.filter(({ frame }) => findToken(frame, 0, frame.length, runTag, -1) === null)).toEqual([]);
  });

  it.skipIf(!available('tcpdump'))('are whole for tcpdump', () => {
    const lines = runOn(capture, 'tcpdump', ['-r', 'FILE', '-nevvt'])
      .stdout.replaceAll(/\n\s+/g, ' ')
      .trim()
      .split('\n');
    expect(lines).toHaveLength(all.length);
    expect(
      lines.flatMap((line, at) =>
        /bad|wrong|incorrect|truncated|invalid/.test(line.replaceAll('2001:db8:bad::66', ''))
          ? [`${all[at]?.name ?? ''} ${all[at]?.carrier ?? ''}: ${line}`]
          : [],
      ),
    ).toEqual([]);
  });

  it.skipIf(!available('tshark'))('are whole for tshark at every layer', () => {
    const checks = ['ip', 'tcp', 'udp'].flatMap((layer) => ['-o', `${layer}.check_checksum:TRUE`]);
    const { stdout, status } = runOn(capture, 'tshark', [
      '-r',
      'FILE',
      '-n',
      ...checks,
      '-T',
      'fields',
      '-e',
      '_ws.malformed',
      '-e',
      '_ws.expert.severity',
      '-e',
      '_ws.expert.message',
    ]);
    expect(status).toBe(0);
    const lines = stdout.replace(/\n$/, '').split('\n');
    expect(lines).toHaveLength(all.length);
    expect(
      lines.flatMap((line, at) =>
        /malformed|checksum|bad|exceeds|bogus|truncat/i.test(line)
          ? [`${all[at]?.name ?? ''} ${all[at]?.carrier ?? ''}: ${line}`]
          : [],
      ),
    ).toEqual([]);
  });
});
