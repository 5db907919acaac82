import type { GuestRecord } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { type GuestManager, normalizeMac } from './guest-manager.js';

/** Namespaces that `ip netns` has given a name. */
export const namedNamespaces: GuestManager = {
  what: 'ip netns',
  besideBridges: true,
  async queries(ask) {
    const namespaces = await ask(['ip', '-j', 'netns', 'list']);
    const isEmpty = /^\s*(\[\s*\])?\s*$/.test(namespaces);
    return isEmpty ? [] : [{ argv: ['ip', '-j', '-d', 'link', 'show'], about: { namespaces } }];
  },
  guests: ({ json, about: { namespaces = '' } }) => namespaceGuests(JSON.parse(namespaces), json()),
};

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
      : [{ manager: 'namespace', name, port, mac: null, ips: [], zone: null }];
  });
}

/** Where a manager keeps the namespaces of its guests; the text is its own, but nothing else is to be opened for it. */
const pathForm = /^\/(var\/)?run\/[\w./-]{1,200}$|^\/proc\/\d{1,10}\/ns\/net$/;

/** The path, where it may be opened as a network namespace; null = it may not. */
export function sandboxPath(path: string | null): string | null {
  return path !== null && pathForm.test(path) && !path.includes('..') ? path : null;
}

/** The entry of its network in the specification of a container (OCI runtime specification, `linux.namespaces`). */
export function networkOf(specification: unknown): Fields | undefined {
  return objectsOf(fieldsOf(fieldsOf(specification)?.['linux'])?.['namespaces']).find(({ type }) => type === 'network');
}

/** A zone where a text names one; null = it is empty or none. */
export function zoneBy(name: string | null, from: string): GuestRecord['zone'] {
  return name === null || name === '' ? null : { name, from };
}

/** A guest that is known by its namespace: what else there is to say of it, its interfaces report. */
export function guestInSandbox(
  manager: GuestRecord['manager'],
  name: string,
  netns: string,
  more: Partial<Pick<GuestRecord, 'zone' | 'ips' | 'id'>> = {},
): GuestRecord {
  return { manager, name, port: null, mac: null, ips: [], zone: null, netns, ...more };
}

/**
 * The guest once for each pair of a veth that leads out of its namespace, with the port and the MAC of its own end.
 * `inside`: `ip -j link` in there; `links`: those of the bridges' namespace. Nothing where there is no such pair, as
 * with a guest in the host's own namespace.
 */
export function portsOfSandbox(
  guest: GuestRecord,
  inside: unknown,
  links: readonly LinkState[],
): readonly GuestRecord[] {
  return objectsOf(inside).flatMap((link): readonly GuestRecord[] => {
    const port = links.find(({ ifindex, peer }) => ifindex === link['link_index'] && peer === link['ifindex'])?.name;
    return port === undefined ? [] : [{ ...guest, port, mac: normalizeMac(textOf(link['address'])) }];
  });
}
