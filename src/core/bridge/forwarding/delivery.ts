import type { Mac, Settings } from '../../model/scenario.js';
import type { FdbState } from '../../model/state.js';
import type { PortKey } from '../attributes.js';
import { type BridgeView, isSettingOn } from '../view.js';
import { type End, type Forecast, no, portOf, unknown, yes } from './forecast.js';

/** Unicast goes to one place, or all. */
export type Destination = { readonly at: string } | { readonly flood: string };

/** The deciding entry, with VLAN filtering in the sender's VLAN. */
export function entryOf(view: BridgeView, from: End, mac: Mac): FdbState | undefined {
  const port = portOf(from);
  const vlan =
    isSettingOn(view.settings, 'vlan_filtering') === true && port !== null
      ? (view.vlansOf(port.name)?.native ?? null)
      : null;
  return view.fdb.find((entry) => entry.mac === mac && (vlan === null || entry.vlan === null || entry.vlan === vlan));
}

/** The destination of frames to an endpoint that has announced itself (br_fdb_update). */
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
  if (to.site.kind === 'behind') return { flood: `a MAC behind ${view.name} itself is never learned` };
  if (view.settings['ageing_time'] === 0) return { flood: `${view.name}.ageing_time 0: nothing is learned` };
  if (isSettingOn(to.site.port.settings, 'learning') === false)
    return { flood: `${to.site.port.name}.learning off, no static entry` };
  const limit = view.settings['fdb_max_learned'],
    learned = view.settings['fdb_n_learned'];
  if (typeof limit === 'number' && typeof learned === 'number' && limit > 0 && learned >= limit)
    return { flood: `${view.name}.fdb_max_learned: no room` };
  return { at: to.site.port.name };
}

/** Flags by kind of flood (br_flood, net/bridge/br_forward.c). */
export type FloodFlag = Extract<PortKey, 'flood' | 'bcast_flood' | 'mcast_flood'>;

function isolationOf(from: Settings, to: Settings): Forecast | null {
  if (isSettingOn(from, 'isolated') !== true) return null;
  const isolated = isSettingOn(to, 'isolated');
  if (isolated === null) return unknown('isolated is not reported');
  return isolated ? no('both ports are isolated') : null;
}

function shouldDeliver(from: End, observer: End, flag: FloodFlag | null, why: string): Forecast {
  const port = portOf(observer);
  if (port === null) return unknown('the guests behind the bridge device decide it');
  const { name, settings } = port;
  const source = portOf(from);
  if (settings['state'] !== 'forwarding') return unknown(`${name} does not forward now`);
  if (source !== null && source.settings['state'] !== 'forwarding')
    return unknown(`${source.name} does not forward now`);
  if (source?.name === name)
    return isSettingOn(settings, 'hairpin') === true
      ? unknown(`${name}.hairpin on`)
      : no('a frame does not return to its port');
  const isolation = source === null ? null : isolationOf(source.settings, settings);
  if (isolation !== null) return isolation;
  // what the host itself sends is held back by `flood` alone
  if (flag === null || (source === null && flag !== 'flood')) return yes(why);
  const flood = isSettingOn(settings, flag);
  if (flood === null) return unknown(`${name}.${flag} is not reported`);
  return flood ? yes(`${why}; ${name}.${flag} on`) : no(`${name}.${flag} off`);
}

/** A frame to every port whose flag allows it. */
export function flooded(from: End, observer: End, flag: FloodFlag, why: string): Forecast {
  if (observer.site.kind === 'port') return shouldDeliver(from, observer, flag, why);
  // up the stack: a host takes groups; other unicast it drops unless promiscuous. A holder of the device hands over
  // what is for its guest.
  return flag === 'flood'
    ? no('not for the guest behind the bridge device')
    : yes(`${why}; the bridge device takes it`);
}

/** Unicast that the bridge sends to one place, or all. */
export function sentTo(view: BridgeView, from: End, to: End, observer: End, destination: Destination): Forecast {
  if (observer.name === to.name && observer.site.kind !== 'port') return yes(`for the guest behind ${view.name}`);
  if ('flood' in destination) return flooded(from, observer, 'flood', destination.flood);
  const port = portOf(observer);
  return port !== null && destination.at === port.name
    ? shouldDeliver(from, observer, null, `known on ${destination.at}`)
    : no(`known on ${destination.at}`);
}

/** Unicast to an endpoint that has announced itself, at the addressee or others. */
export function unicast(view: BridgeView, from: End, to: End | null, observer: End): Forecast {
  return to === null ? unknown('no addressee') : sentTo(view, from, to, observer, destinationOf(view, from, to));
}
