import { parseNeighbours } from '../fabric/host/find.js';
import { netnsPath } from '../fabric/host/netns-path.js';
import { chooseBridge, foundScenario } from '../plan/found-scenario.js';
import { loadScenario } from '../scenario/load-scenario.js';
import { readInventory } from '../state/read-inventory.js';
import { readState } from '../state/read.js';
import { readJson } from '../sys/programs.js';
import { scenarioText } from './scenario-text.js';

/** Prints a scenario of what runs on a bridge of this host. It is read back as `run` would before it is printed. */
export async function initCommand(options: { readonly bridge: string | undefined; readonly netns: string | undefined }): Promise<void> {
  const netns = options.netns ?? null;
  const where = netnsPath(netns);
  const [state, neighbours] = await Promise.all([readState({ netns: where, sysfs: false, sysctl: [] }), readJson(['ip', '-j', 'neigh', 'show'], { netns: where })]);
  const bridge = chooseBridge(state, options.bridge ?? null);
  const inventory = await readInventory(state.links, where);
  const { scenario, ...remarks } = foundScenario({ state, neighbours: parseNeighbours(neighbours), inventory, bridge, netns });
  const text = scenarioText(scenario, remarks);
  loadScenario('what init found', Buffer.from(text));
  process.stdout.write(text);
}
