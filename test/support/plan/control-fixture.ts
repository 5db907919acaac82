import type { Control, Flow, FrameSpec, TrafficPlan } from '../../../src/core/model/plan.js';
import type { Endpoint } from '../../../src/core/model/scenario.js';
import { type ControlInput } from '../../../src/core/plan/controls.js';
import { ingressControls, type IngressControlsInput } from '../../../src/core/plan/ingress-controls.js';
import { flow as base, plan, step } from '../judge/row-fixture.js';

export const mac = {
  a: '52:54:00:00:00:01',
  b: '52:54:00:00:00:02',
  c: '52:54:00:00:00:03',
  lan: '00:11:22:33:44:55',
  bridge: '02:76:69:fe:00:00',
} as const;
export const endpoints = new Map<string, Endpoint>(plan.endpoints.map((endpoint) => [endpoint.name, endpoint]));
export const bridges = new Map(plan.bridges.map((bridge) => [bridge.name, bridge]));
export const flowOf = (over: Partial<Flow> = {}, frame: Partial<FrameSpec> = {}): Flow => ({
  ...base,
  ...over,
  frame: { ...base.frame, ...frame },
});
export const input = (over: Partial<ControlInput> = {}): ControlInput => ({
  flows: [base],
  traffic: [],
  observers: step.observers,
  endpoints,
  bridgeMacs: { br0: mac.bridge },
  filtersByMac: true,
  firstToken: 100,
  onHost: false,
  closing: [],
  compared: new Set(),
  ingress: [],
  untaggedOnly: [],
  devicesDown: [],
  ...over,
});
export const talk: TrafficPlan = {
  kind: 'http',
  from: 'a',
  to: 'lan',
  requests: 1,
  bytes: 1,
  must: ['a', 'lan'],
  may: ['a', 'lan'],
};
export const ears = (controls: readonly Control[], observer: string, phase = 'before'): readonly FrameSpec[] =>
  controls
    .filter(
      (control) =>
        control.kind === 'ear' && control.sender === null && control.observer === observer && control.phase === phase,
    )
    .map(({ frame }) => frame);
export const entering = (over: Partial<IngressControlsInput> = {}) =>
  ingressControls({
    flows: [base],
    observers: step.observers,
    endpoints,
    bridges,
    onHost: false,
    inPlace: [],
    ...over,
  });
/** `SOURCE > DESTINATION` by observer. */
export const proving = (over: Partial<IngressControlsInput> = {}): Readonly<Record<string, string>> =>
  Object.fromEntries(
    entering(over).controls.map(({ observer, frame }) => [observer.name, `${frame.srcMac} > ${frame.dstMac}`]),
  );
