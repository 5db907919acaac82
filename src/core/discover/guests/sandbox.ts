import type { GuestRecord } from '../../model/host-config.js';
import type { HostState, LinkState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { given, groupBy } from '../../text/collections.js';
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
 * for a veth's peer. No two namespaces have one name: ports into one are a guest's interfaces.
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
      : [
          {
            ...{ manager: 'namespace' as const, name, id: name, port, mac: null, ips: [], zone: null },
            ...given({ netns: sandboxPath(`/run/netns/${name}`) }),
          },
        ];
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

/** An interface's addresses in `ip -j address`. */
function addressesIn(link: Fields): readonly string[] {
  return objectsOf(link['addr_info']).flatMap(({ local }) => textOf(local) ?? []);
}

/**
 * The guest once for each veth pair out of its namespace, with port, MAC and addresses of its own end. `inside`: what
 * `ip -j -d address` prints there; `links`: of the bridges' namespace. Without such a pair: as it was if its port is
 * known, else none.
 */
export function portsOfSandbox(
  guest: GuestRecord,
  inside: unknown,
  links: readonly LinkState[],
): readonly GuestRecord[] {
  const found = objectsOf(inside).flatMap((link): readonly GuestRecord[] => {
    const port = links.find(({ ifindex, peer }) => ifindex === link['link_index'] && peer === link['ifindex'])?.name;
    if (port === undefined || (guest.port !== null && guest.port !== port)) return [];
    const ips = guest.ips.length > 0 ? guest.ips : addressesIn(link);
    // A machine behind a bridge in there speaks with another MAC, as in KubeVirt's pods
    const isPort = fieldsOf(link['linkinfo'])?.['info_slave_kind'] === 'bridge';
    const mac = isPort ? null : normalizeMac(textOf(link['address']));
    return [{ ...guest, port, mac, ips }];
  });
  return found.length === 0 && guest.port !== null ? [guest] : found;
}

/**
 * Guests whose MACs were read inside, where each sets its own. A MAC that another port of the bridge has too, by
 * record or learned, becomes null.
 */
export function withoutSharedMacs(
  readInside: readonly GuestRecord[],
  known: readonly GuestRecord[],
  { links, fdb }: Pick<HostState, 'links' | 'fdb'>,
): readonly GuestRecord[] {
  const masters = new Map(links.map(({ name, master }) => [name, master]));
  const placeOf = ({ mac, port }: Pick<GuestRecord, 'mac' | 'port'>): string | null =>
    mac === null || port === null ? null : `${masters.get(port) ?? ''} ${mac}`;
  const holders = groupBy([...known, ...readInside, ...fdb.filter(({ state }) => state === 'dynamic')], placeOf);
  return readInside.map((guest) => {
    const isShared = holders.get(placeOf(guest) ?? '')?.some(({ port }) => port !== guest.port) === true;
    return isShared ? { ...guest, mac: null } : guest;
  });
}
