import type { Endpoint } from '../../core/model/scenario.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { Place } from '../../model/fabric.js';
import type { LinkState } from '../../model/state.js';
import { readJson } from '../../sys/programs.js';
import { netnsPath } from './netns-path.js';

/**
 * Where to send as the endpoints that are named by a namespace of their own, such as containers: on their own
 * interface, the other end of the port's veth pair. By endpoint. Rejects with VerifyError (69) where the namespace has
 * no such interface.
 */
export async function insidePlaces(
  endpoints: readonly Pick<Endpoint, 'name' | 'attach' | 'port' | 'netns'>[],
  links: readonly LinkState[],
  bridgeNetns: string | null,
): Promise<ReadonlyMap<string, Place>> {
  const places = new Map<string, Place>();
  for (const { name, port, netns, attach } of endpoints) {
    const path = netnsPath(netns);
    if (attach !== 'port' || path === null || path === bridgeNetns) continue;
    const peer = links.find((link) => link.name === port)?.peer;
    const device =
      peer === undefined ? undefined : nameOf(await readJson(['ip', '-j', 'link', 'show'], { netns: path }), peer);
    if (device === undefined)
      throw new VerifyError(
        'interface-gone',
        69,
        `${name}: the other end of ${JSON.stringify(port)} is not in the namespace ${netns ?? ''}`,
        'name the namespace in which the guest lives, or leave `netns` out: then it is sent through the port',
      );
    places.set(name, { device, netns: path });
  }
  return places;
}

function nameOf(links: unknown, ifindex: number): string | undefined {
  const found: unknown = Array.isArray(links)
    ? links.find(
        (link: unknown) => typeof link === 'object' && link !== null && 'ifindex' in link && link.ifindex === ifindex,
      )
    : undefined;
  return typeof found === 'object' && found !== null && 'ifname' in found && typeof found.ifname === 'string'
    ? found.ifname
    : undefined;
}
