import { labScenario } from '../../../core/discover/whole/lab.js';
import { wholeScenario } from '../../../core/discover/whole/compose.js';
import { usageError } from '../../../core/model/verify-error.js';
import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { writeNamedFile } from '../../../system/evidence/folder/named-file.js';
import { scenarioText } from '../scenario/load-files.js';
import { howToRun, readInput, type WholeOptions } from './read-found.js';

export interface InitOptions extends WholeOptions {
  readonly output?: string | undefined;
  /** Instead: a lab with the bridges' settings. */
  readonly lab: boolean;
}

/**
 * Prints the scenario that `run` without a file executes, or writes it to `output`. VerifyError (69) if it cannot
 * write.
 */
export async function initCommand({ output, lab, ...options }: InitOptions): Promise<void> {
  if (lab && options.rules !== undefined) throw usageError('--rules: not with --lab', 'a lab has no rules of the host');
  const input = await readInput({ ...options, allowDisruptive: lab, allowNewMacs: lab });
  const { scenario, ...remarks } = (lab ? labScenario : wholeScenario)(input);
  const text = scenarioText(scenario, remarks, howToRun);
  loadScenario('what init found', Buffer.from(text));
  if (output === undefined) process.stdout.write(text);
  else writeNamedFile(output, text);
}
