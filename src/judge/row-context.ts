import type { Flow, Observer, Plan, StepPlan } from '../model/plan.js';
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

/** Gathers the context of a row; null where the state around its step was not read, or its bridge is not in it. */
export function rowContext(finding: Finding, plan: Plan, step: StepPlan, states: StepStates): RowContext | null {
  const { before, after } = states;
  if (before === null || after === null) return null;
  const endpointOf = (name: string | null): Endpoint | null => plan.endpoints.find((one) => one.name === name) ?? null;
  const to = endpointOf(finding.to);
  const observer = step.observers.find((one) => one.name === finding.observer) ?? null;
  const bridgeName = observer?.bridge ?? finding.observer;
  const portOf = (name: string | null | undefined): LinkState | null => before.links.find((link) => link.name === name && link.port !== null) ?? null;
  const bridge = before.links.find((link) => link.name === bridgeName);
  if (bridge === undefined) return null;
  const flow = step.flows.filter((one) => one.probe === finding.probe && one.class === finding.class && one.carrier === finding.carrier && one.variant === finding.variant
    && one.from === finding.from && one.to === finding.to && one.vlan.join() === finding.vlan.join())[0] ?? null;
  const dstMac = flow?.frame.dstMac ?? to?.macs[0] ?? null;
  const entries = before.fdb.filter((entry) => entry.mac === dstMac && (entry.master === bridgeName || entry.port === bridgeName));
  const from = endpointOf(flow?.sender ?? finding.from);
  return { finding, step, flow, dstMac, from, to, observer, listener: endpointOf(finding.observer), bridge, port: portOf(observer?.interface), fromPort: portOf(from?.port), entries, before, after };
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
