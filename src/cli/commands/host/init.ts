import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { packagePath } from '../../../system/process/package-path.js';
import { scenarioText } from '../scenario/load-files.js';
import { readWhole, type WholeOptions } from './read-found.js';

/**
 * Prints the scenario that `run` without a file carries out on this host. It is read back as `run` would before it is
 * printed.
 */
export async function initCommand(options: WholeOptions): Promise<void> {
  const { scenario, ...remarks } = await readWhole(options);
  const text = scenarioText(scenario, remarks, packagePath('schema/scenario.v1.json'));
  loadScenario('what init found', Buffer.from(text));
  process.stdout.write(text);
}
