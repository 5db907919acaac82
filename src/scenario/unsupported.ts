import type { Bridge, Scenario, Step, TrafficKind } from '../model/scenario.js';

/** What the contract knows and this build does not do yet: remove a line when it does. */
const unsupportedTraffic: readonly TrafficKind[] = ['tcp', 'udp'];

const topologyRules: readonly ((scenario: Scenario) => readonly string[])[] = [
  ({ topology }) => topology.endpoints.filter(({ netns }) => netns !== null && topology.provider === 'lab').map(({ name }) => `topology.endpoints.${name}.netns`),
  ({ topology }) => topology.bridges.filter(({ netns }) => netns !== null && topology.provider === 'lab').map(({ name }) => `topology.bridges.${name}.netns`),
];

const bridgeRules: readonly ((bridge: Bridge) => string | null)[] = [
  ({ kind }) => (kind === 'ovs' ? 'kind: ovs' : null),
  ({ mirrors }) => (mirrors.length > 0 ? 'mirrors' : null),
];

const stepRules: readonly ((step: Step) => readonly string[])[] = [
  ({ traffic }) => traffic.flatMap(({ kind }, index) => (unsupportedTraffic.includes(kind) ? [`traffic[${index}].kind: ${kind}`] : [])),
];

/** The keys of a scenario that are in the contract but not in this build, dotted, in the file's order: `steps[0].probe[1].class: mac-flood`. */
export function unsupportedKeys(scenario: Scenario): readonly string[] {
  return [
    ...topologyRules.flatMap((rule) => rule(scenario)),
    ...scenario.topology.bridges.flatMap((bridge) => bridgeRules.flatMap((rule) => rule(bridge) ?? []).map((key) => `topology.bridges.${bridge.name}.${key}`)),
    ...scenario.steps.flatMap((step, at) => stepRules.flatMap((rule) => rule(step)).map((key) => `steps[${at}].${key}`)),
  ];
}
