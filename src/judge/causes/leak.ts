import type { Flow, Observer, StepPlan } from '../../model/plan.js';
import type { Cause, Finding } from '../../model/result.js';
import type { Endpoint, Mac, SettingValue } from '../../model/scenario.js';
import type { FdbState, HostState, LinkState } from '../../model/state.js';

/** A leak with what the plan says of the frame and the kernel said around it: all that a cause is found from. */
export interface Leak {
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

/** Finds one cause in a leak; null = it is not this one. */
export type CauseFinder = (leak: Leak) => Omit<Cause, 'code'> | null;

/** Whether the frame is for one station: then a table decides where it goes. */
export function isUnicast(leak: Leak): boolean {
  return leak.dstMac !== null && (Number.parseInt(leak.dstMac.slice(0, 2), 16) & 1) === 0;
}

/** A switch as ports (true) and bridges (1) print it. */
export function isOn(value: SettingValue | undefined): boolean {
  return value === true || value === 1;
}

/** Known to be off: what this kernel does not tell is neither on nor off. */
export function isOff(value: SettingValue | undefined): boolean {
  return value === false || value === 0;
}
