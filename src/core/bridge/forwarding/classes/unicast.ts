import type { Diversions } from '../../diversions.js';
import { isSettingOn } from '../../view.js';
import { destinationOf, entryOf, flooded, sentTo, unicast } from '../delivery.js';
import { type ClassForecast, type End, no, portOf, unknown } from '../forecast.js';

export const predictKnownUnicast: ClassForecast = (view, _, { from, to, observer }) =>
  unicast(view, from, to, observer);

/** Frames to an addressee have its MAC. */
export const predictWritten: ClassForecast = (view, _, { from, to, observer }) =>
  to === null ? unknown('the scenario writes its MAC') : unicast(view, from, to, observer);

export const predictUnknownUnicast: ClassForecast = (_, __, { from, observer }) =>
  flooded(from, observer, 'flood', 'a MAC that no guest has');

/** Only a static entry survives its owner's silence. */
export const predictAgedUnicast: ClassForecast = (view, _, { from, to, observer }) => {
  if (to === null) return unknown('no addressee');
  const staticEntry = to.macs
    .map((mac) => entryOf(view, from, mac))
    .find((entry) => entry !== undefined && entry.state !== 'dynamic');
  return sentTo(
    view,
    from,
    to,
    observer,
    staticEntry === undefined && to.site.kind !== 'host'
      ? { flood: 'its entry ages while it is silent' }
      : destinationOf(view, from, to),
  );
};

/** A locked port takes known sources. With MAC bypass user space may admit others. */
export const predictMacSpoof: ClassForecast = (view, _, { from, to, observer }) => {
  const port = portOf(from);
  if (port !== null && isSettingOn(port.settings, 'locked') === null)
    return unknown(`${port.name}.locked is not reported`);
  if (port === null || isSettingOn(port.settings, 'locked') === false) return unicast(view, from, to, observer);
  return isSettingOn(port.settings, 'mab') === true
    ? unknown(`${port.name}.mab on: an authenticator may let it in`)
    : no(`${port.name} is locked`);
};

/** A bridge does not read IP: only filters stop another's address. */
export const predictIpSpoof = predictKnownUnicast;

function forwardsCarrier({ ipv4, ipv6 }: Diversions['forwards'], carrier: string): boolean {
  if (carrier.startsWith('ipv4')) return ipv4;
  return carrier.startsWith('ipv6') ? ipv6 : ipv4 || ipv6;
}

/** A forwarding host routes frames to the bridge's MAC as its own. */
export const predictRoutedBounce: ClassForecast = (view, { forwards }, { to, observer, carrier = '' }) => {
  if (!forwardsCarrier(forwards, carrier)) return no('the host forwards nothing');
  if (observer.site.kind !== 'port') return unknown('the guests behind the bridge device decide it');
  if (to !== null && observer.name !== to.name && 'at' in destinationOf(view, hostEnd, to))
    return no('the host sends it to its addressee');
  return unknown('the host forwards: its routes, addresses and rules decide');
};

const hostEnd: End = { name: 'the host', site: { kind: 'host' }, macs: [] };
