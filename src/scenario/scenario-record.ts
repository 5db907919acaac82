import type { Scenario } from '../core/model/scenario.js';
import type { ScenarioRecord } from '../model/run-record.js';

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
