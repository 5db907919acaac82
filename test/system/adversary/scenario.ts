import type { Attack, Fabric, Provider } from './attack.js';
import { endpointLines, gateways } from './guests.js';

/** The name of a case in a scenario, by which its step is found. */
export const stepName = (at: number): string => `case ${at}`;

const bridgeLines: Readonly<Record<Fabric, readonly string[]>> = {
  linux: Object.entries(gateways).map(([name, { ip, ip6 }]) => `    ${name}: { address: [${ip}/24, "${ip6}/64"] }`),
  routed: Object.entries(gateways).map(([name, { ip, ip6 }]) => `    ${name}: { address: [${ip}/24, "${ip6}/64"] }`),
  vlan: Object.keys(gateways).map((name) => `    ${name}: { vlan_filtering: on }`),
  ovs: Object.keys(gateways).map((name) => `    ${name}: { kind: ovs }`),
};

/** Cases on one fabric, one after the other; on a host a single one, which is set up already. */
export function scenarioOf(
  fabric: Fabric,
  provider: Provider,
  cases: readonly { readonly attack: Attack; readonly does: string; readonly undoes: string }[],
): string {
  const isLab = provider === 'lab';
  const bridges = isLab
    ? bridgeLines[fabric]
    : Object.keys(gateways).map((name) => `    ${name}: ${fabric === 'ovs' ? '{ kind: ovs }' : '{}'}`);
  const steps = cases.flatMap(({ attack, does, undoes }, at) => [
    `  - name: ${stepName(at)}`,
    ...(isLab ? [`    run: [ [ sh, ${JSON.stringify(does)} ] ]`] : []),
    `    probe: ${attack.probe}`,
    `    expect: ${attack.expect}`,
    ...(isLab ? [`  - { name: ${stepName(at)} undone, run: [ [ sh, ${JSON.stringify(undoes)} ] ] }`] : []),
  ]);
  return [
    'version: 1',
    'name: adversary',
    'topology:',
    `  provider: ${provider}`,
    '  bridges:',
    ...bridges,
    '  endpoints:',
    ...endpointLines(isLab ? undefined : cases[0]?.attack.uplink),
    ...(isLab && fabric === 'routed' ? ['  sysctl: { net.ipv4.ip_forward: 1 }'] : []),
    'steps:',
    ...steps,
    '',
  ].join('\n');
}
