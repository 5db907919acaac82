import { objectsOf } from '../core/text/json-fields.js';
import type { GuestRecord } from '../model/guest-record.js';
import type { LinkState } from '../model/state.js';

/**
 * The guest with its port on the host: the other end of the veth in its namespace that has its MAC. `inside`: `ip -j -d
 * link` in there; `links`: those of the bridges' namespace. The record as it was where there is no such pair, as with a
 * device that is no veth.
 */
export function withSandboxPort(guest: GuestRecord, inside: unknown, links: readonly LinkState[]): GuestRecord {
  const own = objectsOf(inside).find(
    ({ address }) => typeof address === 'string' && address.toLowerCase() === guest.mac,
  );
  const port = links.find(
    ({ ifindex, peer }) => own !== undefined && ifindex === own['link_index'] && peer === own['ifindex'],
  )?.name;
  return port === undefined ? guest : { ...guest, port };
}
