import type { GuestRecord } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { normalizeMac } from './guest-of-port.js';

/** Where a manager keeps the namespaces of its guests; the text is its own, but nothing else is to be opened for it. */
const kept = /^\/(var\/)?run\/[\w./-]{1,200}$|^\/proc\/\d{1,10}\/ns\/net$/;

/** The path, where it may be opened as a network namespace; null = it may not. */
export function sandboxPath(path: string | null): string | null {
  return path !== null && kept.test(path) && !path.includes('..') ? path : null;
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
  return { manager, name, port: null, mac: null, ips: [], zone: null, firewall: null, netns, ...more };
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
