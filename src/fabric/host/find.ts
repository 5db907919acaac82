import type { Scenario } from '../../core/model/scenario.js';
import type { HostState } from '../../model/state.js';
import { hostTopology, type HostTopology, type Neighbour } from '../../plan/host-topology.js';
import { readJson } from '../../sys/programs.js';
import { namespaceOf } from './netns-path.js';

/** A topology found on this host. */
export interface FoundHost extends HostTopology {
  /** Namespace of the bridges; null = the caller's. */
  readonly netns: string | null;
  readonly state: HostState;
}

/** Looks for a scenario's bridges and guests; nothing is changed or sent. Throws VerifyError as `hostTopology` does. */
export async function findHost(
  scenario: Scenario,
  readState: (netns: string | null) => Promise<HostState>,
): Promise<FoundHost> {
  const netns = namespaceOf(scenario.topology.bridges);
  const [state, neighbours] = await Promise.all([readState(netns), readJson(['ip', '-j', 'neigh', 'show'], { netns })]);
  return { ...hostTopology(scenario, state, parseNeighbours(neighbours)), netns, state };
}

/** `ip -j neigh`: entries without a MAC (failed, incomplete) and link-local addresses are left out. */
export function parseNeighbours(json: unknown): readonly Neighbour[] {
  if (!Array.isArray(json)) return [];
  return json.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const fields = new Map<string, unknown>(Object.entries(entry));
    const [mac, address] = [fields.get('lladdr'), fields.get('dst')];
    return typeof mac === 'string' && typeof address === 'string' && !address.startsWith('fe80:')
      ? [{ mac: mac.toLowerCase(), address }]
      : [];
  });
}
