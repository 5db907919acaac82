import type { ScenarioRecord } from '../model/run-record.js';
import type { Scenario, Step } from '../model/scenario.js';

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
 * The scenario with only the steps of `keep` judged. Others send and claim nothing, but make their changes, which last
 * until a later step.
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
