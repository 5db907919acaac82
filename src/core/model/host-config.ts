import type { Mac } from './scenario.js';
import { flag, leaf, matching, maybe, type Of, oneOf, orNull, text } from './shape/shape.js';

/**
 * Settings of a bridge or a port that a host's configuration may fix; `master` and `native_vlan` of a port beside those
 * of the kernel.
 */
export const declaredKeys = [
  'isolated',
  'learning',
  'hairpin',
  'neigh_suppress',
  'master',
  'native_vlan',
  'ageing_time',
  'stp_state',
  'vlan_filtering',
  'mcast_snooping',
] as const;
export type DeclaredKey = (typeof declaredKeys)[number];

/** One thing that a program's configuration says of a bridge or a port: what ought to be, not what is. */
export interface Declared {
  /** Whose configuration: `libvirt`, `Proxmox VE`, `netplan`, `ifupdown`. */
  readonly by: string;
  /** The command or the file that reported. */
  readonly readFrom: string;
  /** Interface name of the bridge or the port; null = `mac` has to do. */
  readonly device: string | null;
  /** MAC of the guest behind the port. */
  readonly mac: Mac | null;
  readonly key: DeclaredKey;
  /** Times in centiseconds, as the kernel counts them. */
  readonly value: boolean | number | string;
  /** What makes it act. */
  readonly apply: string;
}

/** What knows guests by name: `ip netns`, and each program whose file adds it (core/discover/guests). */
export interface Managers {
  readonly namespace: true;
}
export type Manager = keyof Managers;

export const guestRecordShape = {
  manager: leaf('a manager of guests', (value): value is Manager => typeof value === 'string'),
  name: text,
  /** What its manager reports it by, where names may come twice: records of one manager and id are one guest. */
  id: maybe(text),
  /** Its port on the host; null = not reported, `mac` has to do. */
  port: orNull(text),
  /** Where its own end of the port lives: the path of a network namespace. Absent = not reported. */
  netns: maybe(text),
  mac: orNull(matching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)),
  ips: [text],
  /** It may still run on another host, from which it migrates. Absent = it runs here. */
  isArriving: maybe(flag),
  /** Its name is the word of a process of an ordinary user, which calls itself as it likes. */
  isClaimed: maybe(oneOf(true)),
  /** Its manager promises that its network and others of which it promises so do not reach each other. */
  isApart: maybe(oneOf(true)),
  /** The tenant it belongs to, and what says so: `pool`, `project`, `tag`, …; null = nothing says. */
  zone: orNull({ name: text, from: text }),
};
/**
 * One interface of a guest as the program that manages it describes it. All text is the guest's or its owner's: data,
 * never to be trusted.
 */
export type GuestRecord = Of<typeof guestRecordShape>;

/** What the programs of a host say about its guests, and which of them could not be asked. */
export interface Inventory {
  readonly guests: readonly GuestRecord[];
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}
