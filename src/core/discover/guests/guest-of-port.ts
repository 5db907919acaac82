import { type GuestRecord, managers } from '../../model/host-config.js';
import type { Mac } from '../../model/mac.js';
import type { HostState, LinkState } from '../../model/state.js';
import { objectsOf, textOf } from '../../text/json-text.js';

/**
 * What is behind a port: the record that names it, else one with a MAC that the bridge has learned there; the first
 * manager of the list is believed.
 */
export function guestOfPort(guests: readonly GuestRecord[], port: string, macs: readonly Mac[]): GuestRecord | null {
  const rank = ({ manager, port: named }: GuestRecord): number =>
    managers.indexOf(manager) + (named === port ? 0 : managers.length);
  const fitting = guests.filter((guest) => guest.port === port || (guest.mac !== null && macs.includes(guest.mac)));
  return fitting.reduce<GuestRecord | null>(
    (best, guest) => (best === null || rank(guest) < rank(best) ? guest : best),
    null,
  );
}

/**
 * The link that a configuration means: by name; by the guest's MAC where the bridges know it, or as libvirt gives it to
 * the tap (fe: instead of its first byte).
 */
export function linkOfRecord(
  { device, mac }: { readonly device: string | null; readonly mac: Mac | null },
  { links, fdb }: Pick<HostState, 'links' | 'fdb'>,
): LinkState | undefined {
  if (device !== null) return links.find(({ name }) => name === device);
  if (mac === null) return undefined;
  const port = fdb.find((entry) => entry.mac === mac && entry.master !== null && entry.state !== 'permanent')?.port;
  return (
    links.find(({ name }) => name === port) ??
    links.find((link) => link.master !== null && link.mac === `fe${mac.slice(2)}`)
  );
}

/** A MAC address as the rest of the program writes it; null = the text is none. */
export function normalizeMac(text: string | null | undefined): string | null {
  return text !== null && text !== undefined && /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text)
    ? text.toLowerCase()
    : null;
}

/**
 * Ports whose other end lives in a network namespace that has a name: `ip -j netns list` numbers the namespaces, `ip -j
 * -d link` says by number where the peer of a veth is.
 */
export function namespaceGuests(netns: unknown, links: unknown): readonly GuestRecord[] {
  const names = new Map(
    objectsOf(netns).flatMap((record) => {
      const name = textOf(record['name']);
      return typeof record['id'] === 'number' && name !== null ? [[record['id'], name] as const] : [];
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
