import type { HostState } from '../model/state.js';

/** What the kernel said around a step's probes; null = it was not read. */
export interface StepStates {
  readonly before: HostState | null;
  readonly after: HostState | null;
  /** The readings around the events of the step, in order; absent where there were none. */
  readonly during?: readonly (HostState | null)[];
}
