import type { Flow, StepPlan } from '../model/plan.js';
import type { Finding } from '../model/result.js';
import type { HostState } from '../model/state.js';
import { sentOf, type StepFacts } from './step-facts.js';
import type { StepStates } from './step-states.js';

function rootOf(state: HostState | null, bridge: string): string | null {
  const root = state?.links.find((link) => link.name === bridge)?.bridge?.['root_id'];
  return typeof root === 'string' ? root : null;
}

/** The MAC in `8000.2:76:69:fe:0:1`: iproute2 writes its octets without leading zeros. */
function macIn(root: string): string {
  return root.slice(root.indexOf('.') + 1).split(':').map((octet) => octet.padStart(2, '0')).join(':').toLowerCase();
}

function rowOf(flow: Flow, bridge: string, facts: StepFacts, states: StepStates): Finding | null {
  const before = rootOf(states.before, bridge);
  const after = rootOf(states.after, bridge);
  if (before === null || after === null) return null;
  const taken = before !== after && macIn(after) === flow.frame.srcMac;
  return {
    probe: flow.probe, class: flow.class, carrier: flow.carrier, vlan: flow.vlan, variant: 'root', from: flow.from, to: null, observer: bridge,
    sent: sentOf(facts, flow), seen: taken ? 1 : 0, allowed: 'no', leak: taken, upperBound95: null, direction: 'known', firstSighting: null, causes: [],
  };
}

/**
 * Whether a bridge took a guest's BPDU for its root: a row of the bridge itself, without a sighting, from the root that the kernel named before the
 * probes and after them. The root must be the MAC of the guest.
 */
export function rootRows(step: StepPlan, facts: StepFacts, states: StepStates): readonly Finding[] {
  if (step.provokes === undefined) return [];
  return step.flows.filter((flow) => flow.class === 'stp-root' && flow.judged).flatMap((flow) => {
    const bridge = step.observers.find((observer) => observer.name === flow.from)?.bridge;
    return bridge === undefined ? [] : (rowOf(flow, bridge, facts, states) ?? []);
  });
}
