import type { Mac } from '../core/model/mac.js';

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
  /** The command or the file that told. */
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
