import { linkNamed, entriesOf } from '../../bridge/host.js';
import type { RowContext } from '../../bridge/row-context.js';
import { type Flow, type Flows, isBesideBridges, type Observer, type Plan, type StepPlan } from '../../model/plan.js';
import type { Finding } from '../../model/result.js';
import type { Endpoint } from '../../model/scenario.js';
import type { LinkState, StepStates } from '../../model/state.js';
import { ofSender } from '../../plan/flows/shortcuts.js';
import { addTo, mapByName } from '../../text/collections.js';

function isRowOf(flow: Flow, finding: Finding): boolean {
  return (
    flow.to === finding.to &&
    flow.probe === finding.probe &&
    flow.class === finding.class &&
    flow.carrier === finding.carrier &&
    flow.variant === finding.variant &&
    (flow.vlan === finding.vlan || flow.vlan.join() === finding.vlan.join())
  );
}

function flowFinder(flows: Flows): (finding: Finding) => Flow | null {
  const positions = new Map<string, number[]>();
  const flowsOf = ofSender((sender) => (positions.get(sender) ?? []).flatMap((at) => flows.at(at) ?? []));
  let looked = 0;
  return (finding) => {
    const senderFlows = flowsOf(finding.from);
    for (const flow of senderFlows) if (isRowOf(flow, finding)) return flow;
    while (looked < flows.length) {
      const flow = flows.at(looked);
      looked += 1;
      if (flow === undefined) continue;
      addTo(positions, flow.from, looked - 1);
      if (flow.from !== finding.from) continue;
      senderFlows.push(flow);
      if (isRowOf(flow, finding)) return flow;
    }
    return null;
  };
}

/** Context of a step's rows; null = the state was not read, or lacks the row's bridge. */
export function rowContexts(
  plan: Plan,
  step: StepPlan,
  { before, after }: StepStates,
): (finding: Finding) => RowContext | null {
  if (before === null || after === null) return () => null;
  const endpoints = mapByName(plan.endpoints);
  const endpointOf = (name: string | null): Endpoint | null => endpoints.get(name ?? '') ?? null;
  const observers = mapByName(step.observers);
  const portOf = (name: string | null | undefined): LinkState | null => {
    const link = linkNamed(before, name);
    return link === undefined || link.port === null ? null : link;
  };
  const bridgeOf = (observer: Observer | null, name: string): LinkState | undefined => {
    const bridged = linkNamed(before, observer?.bridge ?? name);
    if (observer === null || bridged !== undefined) return bridged;
    // a device on one that the host routes to is named after it
    const [, lower = ''] = observer.name.split(/[@#]/);
    const routed = linkNamed(before, observer.routed === true ? observer.interface : lower);
    return routed === undefined ? undefined : { ...routed, name: observer.bridge };
  };
  /** Devices beside the bridges copy the sender's frames. */
  const observerOf = (name: string, sender: string): Observer | null => {
    const observer = observers.get(name) ?? null;
    if (observer === null || !isBesideBridges(observer)) return observer;
    return { ...observer, bridge: observers.get(sender)?.bridge ?? observer.bridge };
  };
  const flowOf = flowFinder(step.flows);
  return (finding) => {
    const to = endpointOf(finding.to);
    const flow = flowOf(finding);
    const observer = observerOf(finding.observer, flow?.sender ?? finding.from);
    const bridge = bridgeOf(observer, finding.observer);
    if (bridge === undefined) return null;
    const dstMac = flow?.frame.dstMac ?? to?.macs[0] ?? null;
    const entries = entriesOf(before, dstMac).filter(({ master, port }) => [master, port].includes(bridge.name));
    const from = endpointOf(flow?.sender ?? finding.from);
    return {
      finding,
      step,
      flow,
      dstMac,
      from,
      to,
      observer,
      listener: endpointOf(finding.observer),
      endpoints: plan.endpoints,
      bridge,
      port: portOf(observer?.interface),
      fromPort: portOf(from?.port),
      entries,
      before,
      after,
    };
  };
}
