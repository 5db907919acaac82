import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { writeNamedFile } from '../../../system/evidence/folder/named-file.js';
import { scenarioText } from '../scenario/load-files.js';
import { howToRun, readWhole, type WholeOptions } from './read-found.js';

export interface InitOptions extends WholeOptions {
  readonly output?: string | undefined;
}

/**
 * Prints the scenario that `run` without a file executes, or writes it to `output`. VerifyError (69) if it cannot
 * write.
 */
export async function initCommand({ output, ...options }: InitOptions): Promise<void> {
  const { scenario, ...remarks } = await readWhole(options);
  const text = scenarioText(scenario, remarks, howToRun);
  loadScenario('what init found', Buffer.from(text));
  if (output === undefined) process.stdout.write(text);
  else writeNamedFile(output, text);
}
