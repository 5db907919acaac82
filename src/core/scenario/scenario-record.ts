import type { ScenarioRecord } from '../model/run-record.js';
import type { Scenario, Step } from '../model/scenario.js';

/** What a run's record says of its scenario. */
export function scenarioRecord({ name, file, sha256, files, variables, grep }: Scenario): ScenarioRecord {
  return {
    name,
    file,
    sha256,
    ...(files.length > 0 && { files }),
    ...(Object.keys(variables).length > 0 && { variables }),
    ...(grep !== null && { grep }),
  };
}

/**
 * The scenario with only the steps judged that `keep` chooses. The others still change what they change, since a
 * setting stays until a later step changes it, but they send nothing and claim nothing.
 */
export function judgeOnly(scenario: Scenario, keep: (step: Step) => boolean): Scenario {
  const silenced = (step: Step): Step => ({
    ...step,
    probes: [],
    traffic: [],
    listenMs: null,
    expect: { ...step.expect, expected: null, seen: [] },
  });
  return { ...scenario, steps: scenario.steps.map((step) => (keep(step) ? step : silenced(step))) };
}
