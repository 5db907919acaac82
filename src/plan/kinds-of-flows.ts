import type { Flow, Flows } from '../core/model/plan.js';

/**
 * The first flow of each form and sender, in the order of sending: all that is to be looked at where nothing depends on
 * whom a flow is for. A mesh of a thousand guests has a thousand of them, and a million flows. Of a list: every flow.
 */
export function kindsOfFlows(flows: Flows): Iterable<Flow> {
  return flows.kinds?.() ?? flows;
}
