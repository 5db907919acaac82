import { waypoints } from '../bridge/bypass/segment.js';
import { tcCopies } from '../bridge/diversions.js';
import type { UnheardPort } from '../bridge/ovs.js';
import { type BridgeView, bridgeViews, stateAlone } from '../bridge/view.js';
import type { HostState } from '../model/state.js';
import { nftCopies } from './rules/mirrors.js';

interface Copy {
  readonly to: string;
  readonly by: string;
}

function copiesFrom(devices: ReadonlySet<string>, state: HostState): readonly Copy[] {
  return [
    ...tcCopies(devices, state).map(({ from, to, place }) => ({ to, by: `tc at ${from} ${place}` })),
    ...nftCopies(devices, state).map(({ to, place }) => ({ to, by: `nft in ${place}` })),
  ];
}

/** Devices that are no ports of the bridge and get copies of its frames by tc or nft, also by way of an ifb. */
function copiesOf(view: BridgeView, state: HostState): readonly UnheardPort[] {
  const links = new Map(state.links.map((link) => [link.name, link]));
  const found: UnheardPort[] = [];
  const looked = new Set(view.devices);
  const copies = [...copiesFrom(view.devices, state)];
  for (const { to, by } of copies) {
    const link = links.get(to);
    if (link === undefined || view.devices.has(to) || link.flags.includes('LOOPBACK')) continue;
    if (!waypoints.includes(link.kind))
      found.push({
        bridge: view.name,
        port: to,
        reason: `${by} carries frames there, and it is no port of ${view.name}`,
      });
    else if (!looked.has(to)) {
      looked.add(to);
      for (const onward of copiesFrom(new Set([to]), state)) copies.push({ ...onward, by: `${by}, and ${onward.by},` });
    }
  }
  return found;
}

/**
 * Where rules of tc and nft carry frames of Linux bridges that none of their own ports gets: what is behind it
 * overhears them.
 */
export function copiesElsewhere(state: HostState): readonly UnheardPort[] {
  return bridgeViews(stateAlone(state)).flatMap((view) => copiesOf(view, state));
}
