import type { Flow, Observer, StepPlan } from '../../../src/core/model/plan.js';
import type { Finding } from '../../../src/core/model/result.js';
import type { Endpoint } from '../../../src/core/model/scenario.js';
import type { FdbState, HostState, LinkState } from '../../../src/core/model/state.js';
import type { RowContext } from '../../../src/core/bridge/row-context.js';
import { there } from '../there.js';
import { hostState, judge, perfectRun } from './perfect-run.js';

const evidence = perfectRun();
const [br0, p0, p1, p2] = hostState().links;

/** The plan of one step in which a sends to b, raw. */
export const { plan } = evidence;
export const step: StepPlan = there(plan.steps[0]);
export const flow: Flow = there(step.flows.at(0));
export const a: Endpoint = there(plan.endpoints[0]);
export const b: Endpoint = there(plan.endpoints[1]);
export const observerC: Observer = there(step.observers.find(({ name }) => name === 'c'));
export const links = { br0: there(br0), p0: there(p0), p1: there(p1), p2: there(p2) } as const;
export const macOfB = there(b.macs[0]);
export const group = '01:00:5e:01:01:01';
export const broadcast = 'ff:ff:ff:ff:ff:ff';

/** What c saw of it: nothing. */
export const zero: Finding = there(judge(evidence).steps[0]?.findings.find(({ observer }) => observer === 'c'));

export const bridge = (settings: LinkState['bridge'], over: Partial<LinkState> = {}): LinkState => ({
  ...links.br0,
  ...over,
  bridge: { ageing_time: 30000, ...settings },
});
export const port = (link: LinkState, settings: LinkState['port']): LinkState => ({
  ...link,
  port: { state: 'forwarding', ...settings },
});
export const entry = (over: Partial<FdbState> = {}): FdbState => ({
  mac: macOfB,
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
/** The row as one of another class, or with other details. */
export const of = (name: string, more: Partial<Finding> = {}): Finding => ({ ...zero, class: name, ...more });

/** A row about which the state says nothing at all: no entry, no setting in the way, no reason to leak. */
export function row(over: Partial<RowContext> = {}): RowContext {
  return {
    finding: zero,
    step,
    flow,
    dstMac: macOfB,
    from: a,
    to: b,
    observer: observerC,
    listener: null,
    endpoints: plan.endpoints,
    bridge: bridge({}),
    port: port(links.p2, {}),
    fromPort: port(links.p0, {}),
    entries: [],
    before: host(),
    after: host(),
    ...over,
  };
}
