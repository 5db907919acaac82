import type { Mac } from '../core/model/mac.js';

/** Programs that know guests by name, in the order in which they are believed. */
export const managers = ['proxmox', 'libvirt', 'incus', 'lxd', 'docker', 'podman', 'namespace'] as const;
export type Manager = (typeof managers)[number];

/**
 * One interface of a guest as the program that manages it describes it. All text is the guest's or its owner's: data,
 * never to be trusted.
 */
export interface GuestRecord {
  readonly manager: Manager;
  readonly name: string;
  /** Its port on the host; null = not told, `mac` has to do. */
  readonly port: string | null;
  /** Where its own end of the port lives: the path of a network namespace. Absent = not told. */
  readonly netns?: string;
  readonly mac: Mac | null;
  readonly ips: readonly string[];
  /** The tenant it belongs to, and what says so: `pool`, `project`, `tag`, …; null = nothing says. */
  readonly zone: { readonly name: string; readonly from: string } | null;
  /** Proxmox: the bridge of its firewall, which lies between the guest and the bridge. */
  readonly firewall: string | null;
}

/** What the programs of a host say about its guests, and which of them could not be asked. */
export interface Inventory {
  readonly guests: readonly GuestRecord[];
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}
