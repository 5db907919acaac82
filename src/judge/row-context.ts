import type { Flow, Flows, Observer, Plan, StepPlan } from '../model/plan.js';
import type { Finding } from '../model/result.js';
import type { Endpoint, Mac, SettingValue } from '../model/scenario.js';
import type { FdbState, HostState, LinkState } from '../model/state.js';
import type { StepStates } from './step-states.js';

/** A row with what the plan says of its frames and the kernel said around them: all that explains why they got there, or did not. */
export interface RowContext {
  readonly finding: Finding;
  readonly step: StepPlan;
  /** Null for traffic. */
  readonly flow: Flow | null;
  readonly dstMac: Mac | null;
  readonly from: Endpoint | null;
  readonly to: Endpoint | null;
  readonly observer: Observer | null;
  /** The observer as the author wrote it; null for a bridge or a port that he did not list. */
  readonly listener: Endpoint | null;
  /** The observer's bridge. */
  readonly bridge: LinkState;
  /** The observer's port; null for a bridge or what is behind one. */
  readonly port: LinkState | null;
  /** The port on which the frames came in; null where it is none. */
  readonly fromPort: LinkState | null;
  /** Entries of the bridge's table for the destination, before the probes. */
  readonly entries: readonly FdbState[];
  readonly before: HostState;
  readonly after: HostState;
}

/** The flows of a step by who they are from: positions, for a mesh has a million. */
function byOrigin(flows: Flows): ReadonlyMap<string, readonly number[]> {
  const positions = new Map<string, number[]>();
  let at = 0;
  for (const { from } of flows) {
    const known = positions.get(from);
    if (known === undefined) positions.set(from, [at]);
    else known.push(at);
    at += 1;
  }
  return positions;
}

function isRowOf(flow: Flow, finding: Finding): boolean {
  return flow.probe === finding.probe && flow.class === finding.class && flow.carrier === finding.carrier && flow.variant === finding.variant && flow.to === finding.to && flow.vlan.join() === finding.vlan.join();
}

/** Gathers the context of a step's rows; null where the state around the step was not read, or a row's bridge is not in it. */
export function rowContexts(plan: Plan, step: StepPlan, { before, after }: StepStates): (finding: Finding) => RowContext | null {
  if (before === null || after === null) return () => null;
  const endpoints = new Map(plan.endpoints.map((one) => [one.name, one]));
  const observers = new Map(step.observers.map((one) => [one.name, one]));
  const links = new Map(before.links.map((one) => [one.name, one]));
  const portOf = (name: string | null | undefined): LinkState | null => {
    const link = links.get(name ?? '');
    return link === undefined || link.port === null ? null : link;
  };
  let origins: ReturnType<typeof byOrigin> | null = null;
  const flowOf = (finding: Finding): Flow | null => {
    origins ??= byOrigin(step.flows);
    for (const at of origins.get(finding.from) ?? []) {
      const flow = step.flows.at(at);
      if (flow !== undefined && isRowOf(flow, finding)) return flow;
    }
    return null;
  };
  return (finding) => {
    const to = endpoints.get(finding.to ?? '') ?? null;
    const observer = observers.get(finding.observer) ?? null;
    const bridgeName = observer?.bridge ?? finding.observer;
    const bridge = links.get(bridgeName);
    if (bridge === undefined) return null;
    const flow = flowOf(finding);
    const dstMac = flow?.frame.dstMac ?? to?.macs[0] ?? null;
    const entries = before.fdb.filter((entry) => entry.mac === dstMac && (entry.master === bridgeName || entry.port === bridgeName));
    const from = endpoints.get(flow?.sender ?? finding.from) ?? null;
    return { finding, step, flow, dstMac, from, to, observer, listener: endpoints.get(finding.observer) ?? null, bridge, port: portOf(observer?.interface), fromPort: portOf(from?.port), entries, before, after };
  };
}

/** Whether the frame is for one station: then a table decides where it goes. */
export function isUnicast({ dstMac }: Pick<RowContext, 'dstMac'>): boolean {
  return dstMac !== null && (Number.parseInt(dstMac.slice(0, 2), 16) & 1) === 0;
}

/** A switch as ports (true) and bridges (1) print it. */
export function isOn(value: SettingValue | undefined): boolean {
  return value === true || value === 1;
}

/** Known to be off: what this kernel does not tell is neither on nor off. */
export function isOff(value: SettingValue | undefined): boolean {
  return value === false || value === 0;
}
