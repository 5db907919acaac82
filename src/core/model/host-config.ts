import type { Mac } from './scenario.js';
import { flag, leaf, matching, maybe, type Of, oneOf, orNull, text } from './shape/shape.js';

/** Settings that a host's configuration may fix: the kernel's, and a port's `master` and `native_vlan`. */
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

/** A value that a program's configuration sets for a bridge or port; the kernel's may differ. */
export interface Declared {
  /** `libvirt`, `Proxmox VE`, `netplan`, `ifupdown`. */
  readonly by: string;
  readonly readFrom: string;
  /** Name of the bridge or port; null = found by `mac`. */
  readonly device: string | null;
  /** MAC of the guest behind the port. */
  readonly mac: Mac | null;
  readonly key: DeclaredKey;
  /** Times in centiseconds, as the kernel counts them. */
  readonly value: boolean | number | string;
  readonly apply: string;
}

/** Sources of guests' names: `ip netns`, and each program whose file in core/discover/guests adds it. */
export interface Managers {
  readonly namespace: true;
}
export type Manager = keyof Managers;

export const guestRecordShape = {
  manager: leaf('a manager of guests', (value): value is Manager => typeof value === 'string'),
  name: text,
  /** The manager's id where names may repeat: records of one manager and id are one guest. */
  id: maybe(text),
  /** Port on the host; null = found by `mac`. */
  port: orNull(text),
  /** Path of the namespace of the guest's end; absent = not reported. */
  netns: maybe(text),
  mac: orNull(matching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)),
  ips: [text],
  /** It may still run on the host from which it migrates. */
  isArriving: maybe(flag),
  /** Its name comes from a process of an ordinary user, which can claim any. */
  isClaimed: maybe(oneOf(true)),
  /** Its manager promises that its networks with this promise do not reach each other. */
  isApart: maybe(oneOf(true)),
  /** Its tenant, and the source: `pool`, `project`, `tag`, …; null = none. */
  zone: orNull({ name: text, from: text }),
};
/** A guest's interface as its manager describes it; all text is untrusted data. */
export type GuestRecord = Of<typeof guestRecordShape>;

/** Guests known to a host's programs, and the programs that could not be asked. */
export interface Inventory {
  readonly guests: readonly GuestRecord[];
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}
