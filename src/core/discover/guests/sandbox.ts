import type { GuestRecord } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { type GuestManager, normalizeMac } from './guest-manager.js';

/** Namespaces with a name of `ip netns`. */
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
 * Ports whose other end is in a named namespace: `ip -j netns list` numbers namespaces, `ip -j -d link` has the number
 * for a veth's peer.
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

/** Managers' folders of namespaces; no other path of their text is opened. */
const pathForm = /^\/(var\/)?run\/[\w./-]{1,200}$|^\/proc\/\d{1,10}\/ns\/net$/;

/** The path, if it may be opened as a network namespace; else null. */
export function sandboxPath(path: string | null): string | null {
  return path !== null && pathForm.test(path) && !path.includes('..') ? path : null;
}

/** The network's entry in a container's specification (OCI runtime specification, `linux.namespaces`). */
export function networkOf(specification: unknown): Fields | undefined {
  return objectsOf(fieldsOf(fieldsOf(specification)?.['linux'])?.['namespaces']).find(({ type }) => type === 'network');
}

/** A zone by name; null = empty or none. */
export function zoneBy(name: string | null, from: string): GuestRecord['zone'] {
  return name === null || name === '' ? null : { name, from };
}

/** A guest that is known by its namespace; its interfaces report the rest. */
export function guestInSandbox(
  manager: GuestRecord['manager'],
  name: string,
  netns: string,
  more: Partial<Pick<GuestRecord, 'zone' | 'ips' | 'id'>> = {},
): GuestRecord {
  return { manager, name, port: null, mac: null, ips: [], zone: null, netns, ...more };
}

/**
 * The guest once for each veth pair out of its namespace, with port and MAC of its own end. `inside`: `ip -j link`
 * there; `links`: of the bridges' namespace. Empty without such a pair, as in the host's own namespace.
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
