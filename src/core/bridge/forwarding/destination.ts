import type { Mac } from '../../model/mac.js';
import type { FdbState } from '../../model/state.js';
import { type BridgeView, isSettingOn } from '../view.js';
import { type End, portOf } from './forecast.js';

/** Where the bridge sends unicast to an endpoint: to one place, or everywhere. */
export type Destination = { readonly at: string } | { readonly flood: string };

/**
 * The entry that decides where frames of `from` to a MAC go: with VLAN filtering entries count in their own VLAN only.
 */
export function entryOf(view: BridgeView, from: End, mac: Mac): FdbState | undefined {
  const port = portOf(from);
  const vlan =
    isSettingOn(view.settings, 'vlan_filtering') === true && port !== null
      ? (view.vlansOf(port.name)?.native ?? null)
      : null;
  return view.fdb.find((entry) => entry.mac === mac && (vlan === null || entry.vlan === null || entry.vlan === vlan));
}

/**
 * What the database says of an endpoint that has announced itself, or would say once it has (br_fdb_update of the
 * kernel).
 */
export function destinationOf(view: BridgeView, from: End, to: End): Destination {
  const places = to.macs.map((mac): Destination => {
    const entry = entryOf(view, from, mac);
    return entry !== undefined && (entry.state !== 'dynamic' || view.settings['ageing_time'] !== 0)
      ? { at: entry.port }
      : wouldLearn(view, to);
  });
  return places.find((place) => 'flood' in place) ?? places[0] ?? wouldLearn(view, to);
}

function wouldLearn(view: BridgeView, to: End): Destination {
  if (to.site.kind === 'host') return { at: view.name };
  if (to.site.kind === 'behind') return { flood: `what is behind ${view.name} itself is never learned` };
  if (view.settings['ageing_time'] === 0) return { flood: `${view.name}.ageing_time 0: nothing is learned` };
  if (isSettingOn(to.site.port.settings, 'learning') === false)
    return { flood: `${to.site.port.name}.learning off, no static entry` };
  const limit = view.settings['fdb_max_learned'],
    learned = view.settings['fdb_n_learned'];
  if (typeof limit === 'number' && typeof learned === 'number' && limit > 0 && learned >= limit)
    return { flood: `${view.name}.fdb_max_learned: no room` };
  return { at: to.site.port.name };
}
