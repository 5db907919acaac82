import type { Beside } from '../../core/model/state.js';
import { objectsOf, textOf } from '../../core/text/json-text.js';
import { readSysctl } from '../kernel/sysctl.js';
import { readIfSupported } from './read-filters.js';
import { readAround } from './read-linked-devices.js';

const perDevice = ['rp_filter', 'accept_local', 'proxy_arp', 'route_localnet', 'forwarding'];

async function routesIn(netns: string | null, family: '-4' | '-6'): Promise<Beside['routes']> {
  const routes = objectsOf(await readIfSupported(['ip', '-j', family, 'route', 'show'], netns, []));
  return routes.flatMap((route) => {
    const destination = textOf(route['dst']);
    if (destination === null) return [];
    // a route with several next hops has only their devices
    const devices = [route, ...objectsOf(route['nexthops'])].flatMap(({ dev }) => textOf(dev) ?? []);
    return [...new Set(devices)].map((device) => ({ device, destination }));
  });
}

/**
 * Lower devices, routed guests, other namespaces' bridges. `netns`: null = the caller's. Rejects with VerifyError
 * without routes.
 */
export async function readBeside(netns: string | null): Promise<Beside> {
  const [ipv4, ipv6] = await Promise.all([routesIn(netns, '-4'), routesIn(netns, '-6')]);
  const routes = [...ipv4, ...ipv6];
  const devices = ['all', ...new Set(routes.map(({ device }) => device.replaceAll('.', '/')))];
  const sysctl = readSysctl(
    netns,
    devices.flatMap((device) => perDevice.map((key) => `net.ipv4.conf.${device}.${key}`)),
  );
  return { ...readAround(netns), routes, sysctl };
}
