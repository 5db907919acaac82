import type { StepPlan } from '../model/plan.js';
import type { Endpoint } from '../model/scenario.js';

/** What of the differences between two states the step's own probes bring about on purpose; everything else that changes still counts. */
export interface Provoked {
  /** A setting of a bridge that a new root, or the change of topology it makes, steers (br_config_bpdu, __br_set_topology_change; net/bridge/br_stp.c). */
  setting(key: string): boolean;
  /** A port that a guard closes: only one that the probes enter by. */
  closed(port: string): boolean;
  /** A MAC that a thief took to its own port. */
  moved(mac: string, port: string): boolean;
}

const ofTheRoot = ['ageing_time', 'forward_delay', 'hello_time', 'max_age'];

export function provokedBy(step: StepPlan, endpoints: readonly Endpoint[]): Provoked {
  const provokes = (code: string): boolean => step.provokes?.includes(code) === true;
  const portOf = (name: string): string | null => endpoints.find((endpoint) => endpoint.name === name)?.port ?? null;
  return {
    setting: (key) => provokes('settings-changed') && ofTheRoot.includes(key),
    closed: (port) => provokes('not-forwarding') && step.flows.some((flow) => portOf(flow.sender) === port),
    moved: (mac, port) => provokes('mac-moved') && step.flows.some((flow) => flow.frame.srcMac === mac && portOf(flow.sender) === port),
  };
}
