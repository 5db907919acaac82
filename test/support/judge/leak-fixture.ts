import type { LeakContext } from '../../../src/core/bridge/weakness.js';
import type { Flow } from '../../../src/core/model/plan.js';
import type { FdbState, HostState, LinkState } from '../../../src/core/model/state.js';
import { there } from '../there.js';
import { hostState, judge, perfectRun } from './perfect-run.js';

export const evidence = perfectRun();
export const step = there(evidence.plan.steps[0]);
export const flow = there(step.flows.at(0));
const [alice, bob] = evidence.plan.endpoints;
export const [a, b] = [there(alice), there(bob)];
export const c = there(step.observers.find(({ name }) => name === 'c'));
const [bridgeLink, port0, port1, port2] = hostState().links;
export const [br0, p0, p1, p2] = [there(bridgeLink), there(port0), there(port1), there(port2)];
const row = there(judge(evidence).steps[0]?.findings.find(({ observer }) => observer === 'c'));
export const finding = { ...row, leak: true, seen: 3 };
export const unicast = b.macs[0] ?? '';
export const group = '01:00:5e:01:01:01';

export const bridge = (settings: LinkState['bridge'], over: Partial<LinkState> = {}): LinkState => ({
  ...br0,
  ...over,
  bridge: { ageing_time: 30000, ...settings },
});
export const port = (link: LinkState, settings: LinkState['port']): LinkState => ({
  ...link,
  port: { state: 'forwarding', ...settings },
});
export const entry = (over: Partial<FdbState> = {}): FdbState => ({
  mac: unicast,
  port: 'p1',
  master: 'br0',
  vlan: null,
  state: 'dynamic',
  flags: [],
  usedS: 0,
  updatedS: 0,
  ...over,
});
export const host = (over: Partial<HostState> = {}): HostState => ({ ...hostState(), ...over });

/** A leak for which nothing accounts. */
export function leak(over: Partial<LeakContext> = {}): LeakContext {
  return {
    finding,
    step,
    flow,
    dstMac: unicast,
    from: a,
    to: b,
    observer: c,
    listener: null,
    endpoints: [],
    bridge: bridge({}),
    port: port(p2, {}),
    fromPort: port(p0, {}),
    entries: [entry()],
    before: host(),
    after: host(),
    ...over,
  };
}
export function never(): never {
  throw new Error('the fixture has changed');
}
export const of = (name: string, more: Partial<typeof finding> = {}): typeof finding => ({
  ...finding,
  class: name,
  ...more,
});
export const withLink = (link: LinkState): HostState =>
  host({ links: hostState().links.map((known) => (known.name === link.name ? link : known)) });
export const stimulus: Flow = { ...flow, class: 'igmp-query', from: 'c', purpose: 'stimulus' };

export const tunnel = (name: string, master: string, vni: number): LinkState => ({
  ...p1,
  name,
  master,
  kind: 'vxlan',
  vni,
});
export const onOther = bridge({}, { name: 'hv2/br1' });
