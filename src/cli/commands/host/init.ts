import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { writeNamedFile } from '../../../system/evidence/folder/named-file.js';
import { scenarioText } from '../scenario/load-files.js';
import { readWhole, type WholeOptions } from './read-found.js';

export interface InitOptions extends WholeOptions {
  /** undefined = stdout. */
  readonly output?: string | undefined;
}

/**
 * Prints, or writes to `output`, the scenario that `run` without a file executes, after reading it as `run` would.
 * VerifyError 69 if the file cannot be written.
 */
export async function initCommand({ output, ...options }: InitOptions): Promise<void> {
  const { scenario, ...remarks } = await readWhole(options);
  const text = scenarioText(scenario, remarks);
  loadScenario('what init found', Buffer.from(text));
  if (output === undefined) process.stdout.write(text);
  else writeNamedFile(output, text);
}
