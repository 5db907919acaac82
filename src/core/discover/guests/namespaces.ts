import type { GuestRecord } from '../../model/host-config.js';
import { objectsOf, textOf } from '../../text/json-fields.js';

/**
 * Ports whose other end lives in a network namespace that has a name: `ip -j netns list` numbers the namespaces, `ip -j
 * -d link` says by number where the peer of a veth is.
 */
export function namespaceGuests(netns: unknown, links: unknown): readonly GuestRecord[] {
  const names = new Map(
    objectsOf(netns).flatMap((one) => {
      const name = textOf(one['name']);
      return typeof one['id'] === 'number' && name !== null ? [[one['id'], name] as const] : [];
    }),
  );
  return objectsOf(links).flatMap((link): readonly GuestRecord[] => {
    const [port, id] = [textOf(link['ifname']), link['link_netnsid']];
    const name = typeof id === 'number' ? names.get(id) : undefined;
    return port === null || name === undefined
      ? []
      : [{ manager: 'namespace', name, port, mac: null, ips: [], zone: null, firewall: null }];
  });
}
