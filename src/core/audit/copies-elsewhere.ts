import { diversionsOf } from '../bridge/diversions.js';
import type { UnheardPort } from '../bridge/ovs.js';
import { type BridgeView, bridgeViews, stateAlone } from '../bridge/view.js';
import type { HostState } from '../model/state.js';
import { nftCopies } from './rules/mirrors.js';

/** Kinds of link behind which nobody is: what is shaped takes the way through an ifb and comes back (ip-link(8)). */
const nobodys: readonly (string | null)[] = ['ifb', 'dummy'];

/** Devices that are no ports of the bridge and get copies of its frames by tc or nft. */
function copiesOf(view: BridgeView, state: HostState): readonly UnheardPort[] {
  const byTc = diversionsOf(view, stateAlone(state)).copies.map(({ from, to, place }) => ({
    to,
    by: `tc at ${from} ${place}`,
  }));
  const byNft = nftCopies(view.devices, state).map(({ to, place }) => ({ to, by: `nft in ${place}` }));
  const links = new Map(state.links.map((link) => [link.name, link]));
  return [...byTc, ...byNft].flatMap(({ to, by }): readonly UnheardPort[] => {
    const link = links.get(to);
    const goesNowhere = link === undefined || link.flags.includes('LOOPBACK') || nobodys.includes(link.kind);
    return view.devices.has(to) || goesNowhere
      ? []
      : [{ bridge: view.name, port: to, reason: `${by} carries frames there, and it is no port of ${view.name}` }];
  });
}

/**
 * Where rules of tc and nft carry frames of Linux bridges that none of their own ports gets: whoever is behind it
 * overhears them.
 */
export function copiesElsewhere(state: HostState): readonly UnheardPort[] {
  return bridgeViews(stateAlone(state)).flatMap((view) => copiesOf(view, state));
}
