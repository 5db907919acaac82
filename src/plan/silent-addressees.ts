import type { Plan } from '../core/model/plan.js';
import type { HostState } from '../model/state.js';

/**
 * Addressees of known unicast that the bridge would not know: no entry in the forwarding database although it learns,
 * and nothing in the step lets them speak first. Frames to them would be flooded, which is no fault of the barrier. A
 * line each.
 */
export function silentAddressees(plan: Plan, state: HostState): readonly string[] {
  const learns = (bridge: string, port: string): boolean => {
    const link = (name: string) => state.links.find((one) => one.name === name);
    return Number(link(bridge)?.bridge?.['ageing_time'] ?? 0) > 0 && link(port)?.port?.['learning'] !== false;
  };
  const told = plan.steps.flatMap((step) => {
    if (step.changes.length > 0) return []; // what the bridge knows then is decided by the changes
    const speaking = new Set([...step.learn, ...step.flows.map(({ sender }) => sender)]);
    const addressed = new Set(
      step.flows.filter((flow) => flow.class === 'known-unicast').flatMap((flow) => flow.to ?? []),
    );
    return plan.endpoints
      .filter(({ name, attach }) => attach === 'port' && addressed.has(name) && !speaking.has(name))
      .filter(
        ({ bridge, port, macs }) =>
          learns(bridge, port ?? '') &&
          !state.fdb.some((entry) => entry.master === bridge && entry.port === port && entry.mac === macs[0]),
      )
      .map(
        ({ name, macs }) =>
          `step ${step.index + 1}: the bridge does not know ${macs[0] ?? ''} of ${name}, so that known unicast to it would be flooded`,
      );
  });
  return [...new Set(told)];
}
