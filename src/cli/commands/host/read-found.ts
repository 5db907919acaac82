import { chooseBridge, type Found, foundScenario } from '../../../core/discover/found-scenario.js';
import { netnsPath, parseNeighbours } from '../../../system/fabric/host/find.js';
import { readJson } from '../../../system/process/programs.js';
import { readState } from '../../../system/state/read.js';
import { readInventory } from '../../../system/state/read-inventory.js';

/**
 * Reads what runs on a bridge of this host: nothing is changed or sent. VerifyError as `chooseBridge` and
 * `foundScenario` throw it.
 */
export async function readFound(options: {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
}): Promise<Found> {
  const netns = options.netns ?? null;
  const where = netnsPath(netns);
  const [state, neighbours] = await Promise.all([
    readState({ netns: where, sysfs: false, sysctl: [], ovs: true }),
    readJson(['ip', '-j', 'neigh', 'show'], { netns: where }),
  ]);
  const bridge = chooseBridge(state, options.bridge ?? null);
  const inventory = await readInventory(state.links, where);
  return foundScenario({ state, neighbours: parseNeighbours(neighbours), inventory, bridge, netns });
}
