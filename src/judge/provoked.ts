import type { StepPlan } from '../core/model/plan.js';
import type { Endpoint } from '../core/model/scenario.js';
import type { LinkState } from '../model/state.js';

/**
 * What of the differences between two states the step's own probes bring about on purpose; everything else that changes
 * still counts.
 */
export interface Provoked {
  /**
   * A setting of a bridge that a new root, or the change of topology it makes, steers (br_config_bpdu,
   * __br_set_topology_change; net/bridge/br_stp.c). `readings`: of the bridge.
   */
  setting(key: string, readings: readonly LinkState[]): boolean;
  /** A port that a guard closes: only one that the probes enter by. */
  closed(port: string): boolean;
  /** A MAC that a thief took to its own port. */
  moved(mac: string, port: string): boolean;
}

const ofTheRoot = ['forward_delay', 'hello_time', 'max_age'];

/**
 * While a topology change is in effect a bridge ages in twice the forward delay; an ageing time without one is
 * somebody's (__br_set_topology_change).
 */
function agesByTopology({ bridge }: LinkState): boolean {
  return bridge?.['topology_change'] === 1 && bridge['ageing_time'] === 2 * Number(bridge['forward_delay']);
}

export function provokedBy(step: StepPlan, endpoints: readonly Endpoint[]): Provoked {
  const provokes = (code: string): boolean => step.provokes?.includes(code) === true;
  const portOf = (name: string): string | null => endpoints.find((endpoint) => endpoint.name === name)?.port ?? null;
  return {
    setting: (key, readings) =>
      provokes('settings-changed') &&
      (ofTheRoot.includes(key) || (key === 'ageing_time' && readings.some(agesByTopology))),
    closed: (port) => provokes('not-forwarding') && step.flows.some((flow) => portOf(flow.sender) === port),
    moved: (mac, port) =>
      provokes('mac-moved') && step.flows.some((flow) => flow.frame.srcMac === mac && portOf(flow.sender) === port),
  };
}
