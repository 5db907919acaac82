import type { Scenario, Step, TrafficKind } from '../model/scenario.js';

/** What the contract knows and this build does not do yet: remove a line when it does. */
const unsupportedTraffic: readonly TrafficKind[] = ['tcp', 'udp'];

const topologyRules: readonly ((scenario: Scenario) => readonly string[])[] = [
  ({ topology }) => topology.endpoints.filter(({ netns }) => netns !== null && topology.provider === 'lab').map(({ name }) => `topology.endpoints.${name}.netns`),
  ({ topology }) => topology.bridges.filter(({ netns }) => netns !== null && topology.provider === 'lab').map(({ name }) => `topology.bridges.${name}.netns`),
];

/** What is set with iproute2 does not reach Open vSwitch. */
function linuxSettingsOnOvs({ topology, steps }: Scenario): readonly string[] {
  const bridges = new Set(topology.bridges.filter(({ kind }) => kind === 'ovs').map(({ name }) => name));
  const own = topology.endpoints.filter(({ bridge }) => bridges.has(bridge));
  const devices = new Set([...bridges, ...own.flatMap(({ port }) => port ?? [])]);
  const say = (path: string): string => `${path} on Open vSwitch: \`run: [ovs-vsctl …]\` sets it`;
  return [
    ...own.filter(({ settings }) => Object.keys(settings).length > 0).map(({ name }) => say(`topology.endpoints.${name}.settings`)),
    ...steps.flatMap((step, at) => [
      ...step.set.filter(({ device }) => devices.has(device)).map(({ device }) => say(`steps[${at}].set.${device}`)),
      ...[...step.vlan.add, ...step.vlan.del].filter(({ port }) => devices.has(port)).map(() => say(`steps[${at}].vlan`)),
      ...[...step.fdb.add, ...step.fdb.del].filter(({ port }) => devices.has(port)).map(() => say(`steps[${at}].fdb`)),
      ...step.fdb.flush.filter((name) => devices.has(name)).map(() => say(`steps[${at}].fdb.flush`)),
      ...[...step.mdb.add, ...step.mdb.del].filter(({ port }) => devices.has(port)).map(() => say(`steps[${at}].mdb`)),
    ]),
  ];
}

const stepRules: readonly ((step: Step) => readonly string[])[] = [
  ({ traffic }) => traffic.flatMap(({ kind }, index) => (unsupportedTraffic.includes(kind) ? [`traffic[${index}].kind: ${kind}`] : [])),
];

/** The keys of a scenario that are in the contract but not in this build, dotted, in the file's order: `steps[0].probe[1].class: mac-flood`. */
export function unsupportedKeys(scenario: Scenario): readonly string[] {
  return [
    ...topologyRules.flatMap((rule) => rule(scenario)),
    ...linuxSettingsOnOvs(scenario),
    ...scenario.steps.flatMap((step, at) => stepRules.flatMap((rule) => rule(step)).map((key) => `steps[${at}].${key}`)),
  ];
}
