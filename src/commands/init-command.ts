import { stringify } from 'yaml';
import { parseNeighbours } from '../fabric/host/find.js';
import { chooseBridge, foundScenario } from '../plan/found-scenario.js';
import { loadScenario } from '../scenario/load-scenario.js';
import { readState } from '../state/read.js';
import { readJson } from '../sys/programs.js';

/** Prints a scenario of what runs on a bridge of this host. It is read back as `run` would before it is printed. */
export async function initCommand(bridge: string | undefined): Promise<void> {
  const [state, neighbours] = await Promise.all([readState({ netns: null, sysfs: false, sysctl: [] }), readJson(['ip', '-j', 'neigh', 'show'])]);
  const scenario = foundScenario(state, parseNeighbours(neighbours), chooseBridge(state, bridge ?? null));
  const text = stringify(scenario, { lineWidth: 0 });
  loadScenario('what init found', Buffer.from(text));
  process.stdout.write(text);
}
