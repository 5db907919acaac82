import { isOnPort, isRoutedTo } from '../model/attach.js';
import type { Scenario, Step, TrafficKind } from '../model/scenario.js';
import { devicePlaceOf, settingsOf } from '../model/settings.js';

/** In the contract, but not in this build. */
const unsupportedTraffic: readonly TrafficKind[] = ['tcp', 'udp'];

function acrossHosts({ topology, steps }: Scenario): readonly string[] {
  if (topology.hosts === undefined) return [];
  const say = (path: string): string => `${path} where the topology has "hosts"`;
  return [
    ...topology.bridges
      .filter(({ kind }) => kind === 'ovs')
      .map(({ name }) => say(`topology.bridges.${name}.kind: ovs`)),
    ...topology.bridges
      .filter(({ addresses }) => topology.provider === 'lab' && addresses.length > 0)
      .map(({ name }) => say(`topology.bridges.${name}.address`)),
    ...topology.endpoints
      .filter(({ attach }) => !isOnPort(attach) || isRoutedTo(attach))
      .map(({ name, attach }) => say(`topology.endpoints.${name}.attach: ${attach}`)),
    ...(topology.provider === 'host' ? settingsOf(topology).map(({ device }) => say(`settings of ${device}`)) : []),
    ...topology.endpoints
      .filter(({ started }) => !started)
      .map(({ name }) => say(`topology.endpoints.${name}.started`)),
    ...(Object.keys(topology.sysctl).length > 0 ? [say('topology.sysctl')] : []),
    ...steps.flatMap((step, at) => [
      ...(['set', 'start', 'stop', 'run', 'during', 'traffic'] as const)
        .filter((key) => step[key].length > 0)
        .map((key) => say(`steps[${at}].${key}`)),
      ...(Object.keys(step.sysctl).length > 0 ? [say(`steps[${at}].set.sysctl`)] : []),
      ...(['vlan', 'fdb', 'mdb'] as const)
        .filter((key) => Object.values(step[key]).some((entries) => entries.length > 0))
        .map((key) => say(`steps[${at}].${key}`)),
    ]),
  ];
}

const topologyRules: readonly ((scenario: Scenario) => readonly string[])[] = [
  ({ topology }) =>
    topology.endpoints
      .filter(({ netns }) => netns !== null && topology.provider === 'lab')
      .map(({ name }) => `topology.endpoints.${name}.netns`),
  ({ topology }) =>
    topology.bridges
      .filter(({ netns }) => netns !== null && topology.provider === 'lab')
      .map(({ name }) => `topology.bridges.${name}.netns`),
];

/** Guests on a lower device, and its owner, are there from start to end. */
function comingAbove({ topology: { endpoints }, steps }: Scenario): readonly string[] {
  const fixed = new Set(endpoints.flatMap(({ name, below }) => (below === undefined ? [] : [name, below.lower])));
  return steps.flatMap((step, at) =>
    (['start', 'stop'] as const).flatMap((key) =>
      step[key].filter((name) => fixed.has(name)).map((name) => `steps[${at}].${key}: ${name}, of attach: macvlan`),
    ),
  );
}

/** Traffic is recognised by its ends' MACs, which routed frames lack. */
function routedTraffic({ topology: { endpoints }, steps }: Scenario): readonly string[] {
  const routed = new Set(endpoints.filter(({ attach }) => isRoutedTo(attach)).map(({ name }) => name));
  return steps.flatMap(({ traffic }, at) =>
    traffic.some(({ from, to }) => routed.has(from) || routed.has(to))
      ? [`steps[${at}].traffic of an endpoint of attach: routed`]
      : [],
  );
}

function lackingOnOvs({ topology, steps }: Scenario): readonly string[] {
  const isOvs = ({ port }: { readonly port: string }): boolean => devicePlaceOf(topology, port).startsWith('ovs-');
  return steps.flatMap((step, at) => {
    const say = (key: string, why: string): string => `steps[${at}].${key} on Open vSwitch: ${why}`;
    return [
      ...step.vlan.add
        .filter(({ pvid, untagged }) => untagged && !pvid)
        .filter(isOvs)
        .map(() => say('vlan', 'only the pvid of a port leaves untagged')),
      ...step.fdb.add
        .filter(({ sticky, state, self }) => sticky || state !== (self ? 'permanent' : 'static'))
        .filter(isOvs)
        .map(() => say('fdb', 'entries made by hand are static there, and not sticky')),
      ...[...step.mdb.add, ...step.mdb.del]
        .filter(isOvs)
        .map(() => say('mdb', 'it has no command for members, it learns them from the guests (mcast_snooping_enable)')),
    ];
  });
}

const stepRules: readonly ((step: Step) => readonly string[])[] = [
  ({ traffic }) =>
    traffic.flatMap(({ kind }, index) =>
      unsupportedTraffic.includes(kind) ? [`traffic[${index}].kind: ${kind}`] : [],
    ),
];

/** Keys in the contract but not in this build, dotted, in the file's order: `steps[0].probe[1].class: mac-flood`. */
export function unsupportedKeys(scenario: Scenario): readonly string[] {
  return [
    ...topologyRules.flatMap((rule) => rule(scenario)),
    ...lackingOnOvs(scenario),
    ...acrossHosts(scenario),
    ...comingAbove(scenario),
    ...routedTraffic(scenario),
    ...scenario.steps.flatMap((step, at) =>
      stepRules.flatMap((rule) => rule(step)).map((key) => `steps[${at}].${key}`),
    ),
  ];
}
