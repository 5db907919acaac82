import { linkNamed } from '../../bridge/host.js';
import type { Flow, StepPlan } from '../../model/plan.js';
import type { Finding } from '../../model/result.js';
import type { HostState, StepStates } from '../../model/state.js';
import { type StepFacts, sentOf } from '../proof/step-facts.js';
import { reason, type Reason } from '../../model/reasons.js';

function rootOf(state: HostState | null, bridge: string): string | null {
  const root = (state === null ? undefined : linkNamed(state, bridge))?.bridge?.['root_id'];
  return typeof root === 'string' ? root : null;
}

/** Of `8000.2:76:69:fe:0:1`: iproute2 leaves out leading zeros. */
function macIn(root: string): string {
  return root
    .slice(root.indexOf('.') + 1)
    .split(':')
    .map((byte) => byte.padStart(2, '0'))
    .join(':')
    .toLowerCase();
}

interface Contest {
  readonly flow: Flow;
  readonly bridge: string;
}

function contestsOf(step: StepPlan): readonly Contest[] {
  if (step.provokes === undefined) return [];
  return step.flows
    .filter((flow) => flow.class === 'stp-root' && flow.judged)
    .flatMap((flow) => {
      const bridge = step.observers.find((observer) => observer.name === flow.from)?.bridge;
      return bridge === undefined ? [] : [{ flow, bridge }];
    });
}

/**
 * Rows of bridges with a guest as root after its BPDU, by the kernel's root after the probes, even if it was root
 * before.
 */
export function rootRows(step: StepPlan, facts: StepFacts, states: StepStates): readonly Finding[] {
  return contestsOf(step).flatMap(({ flow, bridge }): Finding[] => {
    const root = rootOf(states.after, bridge);
    if (root === null) return [];
    const taken = macIn(root) === flow.frame.srcMac;
    return [
      {
        probe: flow.probe,
        class: flow.class,
        carrier: flow.carrier,
        vlan: flow.vlan,
        variant: 'root',
        from: flow.from,
        to: null,
        observer: bridge,
        sent: sentOf(facts, flow),
        seen: taken ? 1 : 0,
        allowed: 'no',
        leak: taken,
        upperBound95: null,
        direction: 'known',
        firstSighting: null,
        causes: [],
      },
    ];
  });
}

/** An unread root may be the guest. */
export function rootReasons(step: StepPlan, states: StepStates): readonly Reason[] {
  const unread = new Set(
    contestsOf(step).flatMap(({ bridge }) => (rootOf(states.after, bridge) === null ? [bridge] : [])),
  );
  return [...unread].map((bridge) => reason('state-unread', null, `the root of ${bridge} was not read`));
}
