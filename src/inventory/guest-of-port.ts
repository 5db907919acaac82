import type { Mac } from '../core/model/mac.js';
import { type GuestRecord, managers } from '../model/guest-record.js';

/**
 * Who is behind a port: the record that names it, else one with a MAC that the bridge has learned there; the first
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
