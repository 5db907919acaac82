import type { GuestRecord, Manager } from '../model/host-config.js';
import type { Mac } from '../model/scenario.js';
import { containerd } from './guests/containerd.js';
import { docker, podman } from './guests/containers.js';
import { cri } from './guests/cri.js';
import type { GuestManager } from './guests/guest-manager.js';
import { incus, lxd } from './guests/incus.js';
import { libvirt } from './guests/libvirt.js';
import { nspawn } from './guests/nspawn.js';
import { proxmox } from './guests/proxmox.js';
import { namedNamespaces } from './guests/sandbox.js';
import { groupBy } from '../text/collections.js';

/**
 * Managers of guests, the most trusted first. A new one also takes a file in guests/; null: it cannot be asked, and its
 * processes are found (guests/machine-monitors.ts).
 */
export const guestManagers: Readonly<Record<Manager, GuestManager | null>> = {
  proxmox,
  libvirt,
  incus,
  lxd,
  docker,
  podman,
  cri,
  containerd,
  nspawn,
  firecracker: null,
  'cloud-hypervisor': null,
  qemu: null,
  namespace: namedNamespaces,
};

function isManager(name: string): name is Manager {
  return Object.hasOwn(guestManagers, name);
}

export const managers: readonly Manager[] = Object.keys(guestManagers).filter(isManager);

/** A port's guest: by the record that names the port, else by a MAC learned there; the first manager wins. */
export function guestOfPort(guests: readonly GuestRecord[], port: string, macs: readonly Mac[]): GuestRecord | null {
  const rank = ({ manager, port: named }: GuestRecord): number =>
    managers.indexOf(manager) + (named === port ? 0 : managers.length);
  const fitting = guests.filter((guest) => guest.port === port || (guest.mac !== null && macs.includes(guest.mac)));
  return fitting.reduce<GuestRecord | null>(
    (best, guest) => (best === null || rank(guest) < rank(best) ? guest : best),
    null,
  );
}

/** A port with its guest's record, under its endpoint's name. */
export interface NamedPort<E> {
  readonly name: string;
  readonly guest: GuestRecord | null;
  readonly endpoint: E;
}

/**
 * Endpoints by name. Interfaces of one guest have the first one's name as `owner`: frames sent by one are no leak at
 * another. The manager's `id` makes them one, not the name, which two guests may share.
 */
export function withOwners<E extends object>(
  ports: readonly NamedPort<E>[],
): Readonly<Record<string, E & { readonly owner?: string }>> {
  const guests = groupBy(ports, ({ guest }) => (guest?.id === undefined ? null : `${guest.manager} ${guest.id}`));
  const owners = new Map(
    [...guests.values()].flatMap((same) =>
      same.length < 2 ? [] : same.map(({ name }) => [name, same[0]?.name ?? name] as const),
    ),
  );
  return Object.fromEntries(
    ports.map(({ name, endpoint }) => {
      const owner = owners.get(name);
      return [name, owner === undefined ? endpoint : { ...endpoint, owner }];
    }),
  );
}
