import { carriers, type Carrier, type ProbeClassName } from '../../../src/core/model/scenario.js';
import { probeClasses } from '../../../src/core/probe/classes.js';
import { VerifyError } from '../../../src/core/model/verify-error.js';
import { makePlan } from '../../../src/core/plan/make-plan.js';
import { buildFrame } from '../../../src/core/probe/frames/frame.js';
import { loadScenario } from '../../../src/core/scenario/load-scenario.js';
import { tokensFor } from '../../../src/core/wire/token.js';

export const runTag = 0x12345678;
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

function scenario(name: ProbeClassName, carrier: Carrier, vlan: readonly number[]): string {
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
  - { name: one, wait: 2s, probe: { class: ${name}, from: alice, ${withoutAddressee.includes(name) ? '' : `to: ${name === 'gateway-steal' ? 'lan' : 'bob'}, `}${group}${name === 'stp-root' ? '' : 'count: 1, '}carriers: ${carrier}${vlan.length === 0 ? '' : `, vlan: [[${vlan.join(', ')}]]`} }, expect: unjudged }
`;
}

/** The frames of a class as a carrier, one a flow; none if the class refuses the carrier. */
function framesOf(name: ProbeClassName, carrier: Carrier, vlan: readonly number[]): readonly Uint8Array[] {
  try {
    const plan = makePlan(loadScenario('one.yml', Buffer.from(scenario(name, carrier, vlan))), {
      runTag,
      keySha256: '0'.repeat(64),
      bridgeMacs: { br0: '02:76:69:fe:00:00' },
    });
    return plan.steps.flatMap(({ flows }) =>
      [...flows].map((flow) => buildFrame(flow.frame, tokensFor(key, runTag, flow.first, 1))),
    );
  } catch (error) {
    if (error instanceof VerifyError && error.exitCode === 64) return [];
    throw error;
  }
}

/** The frames of every class with every carrier that it takes, behind these tags. */
export function classCasesBehind(
  vlan: readonly number[],
): readonly { readonly name: ProbeClassName; readonly carrier: Carrier; readonly frame: Uint8Array }[] {
  return probeClasses.flatMap((name) =>
    carriers.flatMap((carrier) => framesOf(name, carrier, vlan).map((frame) => ({ name, carrier, frame }))),
  );
}

export const classCases = classCasesBehind([]);
