import { loadScenario } from '../../../core/scenario/load-scenario.js';
import { scenarioText } from '../scenario/load-files.js';
import { readFound } from './read-found.js';

/** Prints a scenario of what runs on a bridge of this host. It is read back as `run` would before it is printed. */
export async function initCommand(options: {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
}): Promise<void> {
  const { scenario, ...remarks } = await readFound(options);
  const text = scenarioText(scenario, remarks);
  loadScenario('what init found', Buffer.from(text));
  process.stdout.write(text);
}
