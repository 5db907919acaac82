import type { Plan } from '../core/model/plan.js';

/**
 * Source MACs of probes that nobody on the bridges has, where an uplink could carry them out: the switch there would
 * learn them. Uplinks speak as who lives beyond them.
 */
export function newSources(plan: Plan): readonly string[] {
  const uplinks = new Set(plan.endpoints.filter(({ role }) => role === 'uplink').map(({ name }) => name));
  const known = new Set([...plan.endpoints.flatMap(({ macs }) => macs), ...Object.values(plan.bridgeMacs)]);
  if (uplinks.size === 0) return [];
  const found = plan.steps.flatMap((step) =>
    step.flows
      .filter(
        ({ sender, frame }) => !uplinks.has(sender) && (!known.has(frame.srcMac) || frame.form === 'source-sweep'),
      )
      .map(({ class: name, sender }) => `step ${step.index + 1}: ${name} by ${sender}`),
  );
  return [...new Set(found)];
}
