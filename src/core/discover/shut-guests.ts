import type { Endpoint, ProbeEntry, SeenClaim, Step } from '../model/scenario.js';
import type { Adapted } from './unlearned-addressees.js';
import type { Scenario } from '../model/scenario.js';

function claimsOf({ expect, probes, traffic }: Step): readonly SeenClaim[] {
  return [...expect.seen, ...[probes, traffic].flatMap((entries) => entries.flatMap(({ seen }) => seen))];
}

/** Whether a step says more of a guest than whom it sends to. */
function needs(step: Step, name: string): boolean {
  return (
    step.traffic.some(({ from, to }) => from === name || to === name) ||
    [...step.start, ...step.stop].includes(name) ||
    claimsOf(step).some(({ observer }) => observer === name)
  );
}

/** The scenario without guests that cannot get anything; null = a step would ask nothing, or needs one of them. */
export function withoutShutGuests(scenario: Scenario, shut: ReadonlyMap<string, string>): Adapted | null {
  const rest = (names: readonly string[]): readonly string[] => names.filter((name) => !shut.has(name));
  const orNull = (names: readonly string[] | null): readonly string[] | null => (names === null ? null : rest(names));
  const asks = ({ from, to, via }: ProbeEntry): boolean =>
    from.some((sender) => to === null || to.some((name) => name !== sender)) && (via === null || via.length > 0);
  const steps = scenario.steps.map((step): Step => {
    const probes = step.probes.map((entry) => ({
      ...entry,
      from: rest(entry.from),
      to: orNull(entry.to),
      via: orNull(entry.via),
      mustSee: orNull(entry.mustSee),
    }));
    return {
      ...step,
      learn: rest(step.learn),
      probes,
      expect: { ...step.expect, mustSee: orNull(step.expect.mustSee) },
    };
  });
  const isNeeded = scenario.steps.some((step) => [...shut.keys()].some((name) => needs(step, name)));
  if (isNeeded || steps.some(({ probes }) => probes.length > 0 && !probes.some(asks))) return null;
  const endpoints = scenario.topology.endpoints.map(
    (endpoint): Endpoint =>
      shut.has(endpoint.name) ? { ...endpoint, started: false, observedOnly: 'told' } : endpoint,
  );
  return {
    scenario: { ...scenario, topology: { ...scenario.topology, endpoints }, steps },
    notes: [...shut].map(([name, why]) => `${name}: ${why}: it is not asked`),
  };
}
