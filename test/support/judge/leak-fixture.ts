import type { RowContext } from '../../../src/core/bridge/row-context.js';
import type { Flow } from '../../../src/core/model/plan.js';
import type { Finding } from '../../../src/core/model/result.js';
import type { HostState, LinkState } from '../../../src/core/model/state.js';
import { setLink } from '../link-state.js';
import { hostState, perfectRun } from './perfect-run.js';
import { bridge, entry, flow, links, row, zero } from './row-fixture.js';

export {
  a,
  b,
  bridge,
  entry,
  flow,
  group,
  host,
  macOfB as unicast,
  observerC as c,
  port,
  step,
} from './row-fixture.js';
export const { br0, p0, p1, p2 } = links;
export const evidence = perfectRun();
export const finding: Finding = { ...zero, leak: true, seen: 3 };

/** The parts of a leak for which nothing accounts. */
export const leak = (over: Partial<RowContext> = {}): RowContext =>
  row({ finding, endpoints: [], entries: [entry()], ...over });
export function never(): never {
  throw new Error('the fixture has changed');
}
export const of = (name: string, more: Partial<Finding> = {}): Finding => ({ ...finding, class: name, ...more });
export const withLink = (link: LinkState): HostState => setLink(link.name, link)(hostState());
export const stimulus: Flow = { ...flow, class: 'igmp-query', from: 'c', purpose: 'stimulus' };

export const tunnel = (name: string, master: string, vni: number): LinkState => ({
  ...p1,
  name,
  master,
  kind: 'vxlan',
  vni,
});
export const onOther = bridge({}, { name: 'hv2/br1' });
