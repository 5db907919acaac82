import type { Reach } from '../model/audit.js';
import type { Mac, ProbeClassName } from '../model/scenario.js';
import { isOn, type BridgeView, type PortView } from './bridge-view.js';
import type { Diversions } from './diversions.js';

/** Where somebody is: on a port, behind the bridge device (what holds it promiscuous hands over frames to these MACs), or the host itself. */
export type Site = { readonly kind: 'port'; readonly port: PortView } | { readonly kind: 'behind' } | { readonly kind: 'host' };

export interface End {
  readonly name: string;
  readonly site: Site;
  readonly macs: readonly Mac[];
}

export interface Forecast {
  readonly reach: Reach;
  readonly why: string;
}

const yes = (why: string): Forecast => ({ reach: 'yes', why });
const no = (why: string): Forecast => ({ reach: 'no', why });
const unknown = (why: string): Forecast => ({ reach: 'unknown', why });

/** Where the bridge sends unicast to an endpoint that has announced itself: to one place, or everywhere. */
type Aim = { readonly at: string } | { readonly flood: string };

/** What the database says of a MAC, or would say once its owner has spoken (br_fdb_update of the kernel). */
function aimAt(view: BridgeView, to: End): Aim {
  const places = to.macs.map((mac): Aim => {
    const entry = view.fdb.find((one) => one.mac === mac);
    if (entry !== undefined && (entry.state !== 'dynamic' || view.settings['ageing_time'] !== 0)) return { at: entry.port };
    return wouldLearn(view, to);
  });
  const flooded = places.find((place) => 'flood' in place);
  return flooded ?? places[0] ?? wouldLearn(view, to);
}

function wouldLearn(view: BridgeView, to: End): Aim {
  if (to.site.kind === 'host') return { at: view.name };
  if (to.site.kind === 'behind') return { flood: `what is behind ${view.name} itself is never learned` };
  if (view.settings['ageing_time'] === 0) return { flood: `${view.name}.ageing_time 0: nothing is learned` };
  if (isOn(to.site.port.settings, 'learning') === false) return { flood: `${to.site.port.name}.learning off, no static entry` };
  const limit = view.settings['fdb_max_learned'], learned = view.settings['fdb_n_learned'];
  if (typeof limit === 'number' && typeof learned === 'number' && limit > 0 && learned >= limit) return { flood: `${view.name}.fdb_max_learned: no room` };
  return { at: to.site.port.name };
}

/** The port's own barriers: isolated, state, and the flag that a flood of this kind asks for. */
function throughPort(from: End, observer: End, flag: 'flood' | 'bcast_flood' | 'mcast_flood' | null, why: string): Forecast {
  if (observer.site.kind !== 'port') return unknown('what is behind the bridge device decides itself');
  const { name, settings } = observer.site.port;
  if (settings['state'] !== 'forwarding') return unknown(`${name} does not forward now`);
  if (from.site.kind === 'port' && from.site.port.settings['state'] !== 'forwarding') return unknown(`${from.site.port.name} does not forward now`);
  if (from.site.kind === 'port' && from.site.port.name === name) return isOn(settings, 'hairpin') === true ? unknown(`${name}.hairpin on`) : no('a frame does not return to its port');
  if (from.site.kind === 'port' && isOn(from.site.port.settings, 'isolated') === true) {
    const isolated = isOn(settings, 'isolated');
    if (isolated === true) return no('both ports are isolated');
    if (isolated === null) return unknown('isolated is not told');
  }
  // br_flood: what the host itself sends is held back by `flood` alone (br_forward.c)
  if (flag === null || (from.site.kind !== 'port' && flag !== 'flood')) return yes(why);
  const flood = isOn(settings, flag);
  if (flood === null) return unknown(`${name}.${flag} is not told`);
  return flood ? yes(`${why}; ${name}.${flag} on`) : no(`${name}.${flag} off`);
}

function flooded(from: End, observer: End, flag: 'flood' | 'bcast_flood' | 'mcast_flood', why: string): Forecast {
  if (observer.site.kind === 'port') return throughPort(from, observer, flag, why);
  // up the stack: a host takes groups; other unicast it drops unless promiscuous. A holder of the device hands over what is for its guest.
  return flag === 'flood' ? no('not for what is behind the bridge device') : yes(`${why}; the bridge device takes it`);
}

/** Unicast from one to another who has announced itself: would a third, or the addressee, get it? */
function unicast(view: BridgeView, from: End, to: End, observer: End): Forecast {
  const aim = aimAt(view, to);
  if (observer.name === to.name && observer.site.kind !== 'port') return yes(`for what is behind ${view.name}`);
  if ('flood' in aim) return flooded(from, observer, 'flood', aim.flood);
  if (observer.site.kind !== 'port') return no(`known on ${aim.at}`);
  return aim.at === observer.site.port.name ? throughPort(from, observer, null, `known on ${aim.at}`) : no(`known on ${aim.at}`);
}

function bare(view: BridgeView, { querier }: Diversions, probe: ProbeClassName, from: End, to: End | null, observer: End): Forecast {
  switch (probe) {
    case 'known-unicast':
      return to === null ? unknown('no addressee') : unicast(view, from, to, observer);
    case 'unknown-unicast':
      return flooded(from, observer, 'flood', 'a MAC that nobody has');
    case 'broadcast':
    case 'arp-request':
      return observer.site.kind === 'port' && isOn(observer.site.port.settings, 'neigh_suppress') === true
        ? unknown('neighbours are suppressed')
        : flooded(from, observer, 'bcast_flood', 'a broadcast');
    case 'multicast':
      return isOn(view.settings, 'mcast_snooping') === true && (querier || isOn(view.settings, 'mcast_querier') !== false)
        ? unknown('snooping with a querier: members and router ports decide')
        : observer.site.kind === 'port' && view.settings['mcast_snooping'] === undefined
          ? unknown('snooping is not told')
          : flooded(from, observer, 'mcast_flood', 'multicast that nobody joined');
    default:
      return unknown('not predicted for this class');
  }
}

/**
 * Whether a frame of a class from `from` (to `to`, who has announced itself) would reach `observer`, by the state alone. `unknown` where the
 * state does not decide it: filters, mirrors, VLANs, a class whose way is not modelled. Where the wire says otherwise the wire is right.
 */
export function predict(view: BridgeView, diversions: Diversions, flow: { readonly class: ProbeClassName; readonly from: End; readonly to: End | null; readonly observer: End }): Forecast {
  const { from, to, observer } = flow;
  if (diversions.unread !== null) return unknown(diversions.unread);
  const ports = [from, to, observer].flatMap((end) => (end?.site.kind === 'port' ? [end.site.port.name] : []));
  const toObserver = diversions.copies.find((copy) => observer.site.kind === 'port' && copy.to === observer.site.port.name && (ports.includes(copy.from) && copy.from !== observer.site.port.name));
  if (toObserver !== undefined) return yes(`a mirror carries frames of ${toObserver.from} to ${toObserver.to}`);
  const forecast = bare(view, diversions, flow.class, from, to, observer);
  if (isOn(view.settings, 'vlan_filtering') === true && forecast.reach === 'yes') return unknown('VLANs decide');
  if (forecast.reach === 'yes' && diversions.filter !== null) return unknown(diversions.filter);
  if (forecast.reach === 'no' && diversions.program !== null) return unknown(diversions.program);
  return forecast;
}
