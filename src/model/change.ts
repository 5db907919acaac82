import type { FdbEntry, MdbEntry, Mirror, PortVlan, SettingValue } from '../core/model/scenario.js';

/** One thing to do to the kernel, as data: the fabric executes it, reads it back and knows how to undo it. */
export type Change =
  | {
      readonly kind: 'set';
      readonly device: string;
      readonly place: 'bridge' | 'port' | 'link';
      readonly key: string;
      readonly value: SettingValue;
    }
  /** Of Open vSwitch: a column of its database, or a port's `flood`. */
  | {
      readonly kind: 'ovs-set';
      readonly table: 'Bridge' | 'Port';
      readonly device: string;
      readonly key: string;
      readonly value: SettingValue;
    }
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  /** `ovs`, here and below: of Open vSwitch. */
  | {
      readonly kind: 'vlan';
      readonly act: 'add' | 'del';
      readonly entry: PortVlan;
      readonly self: boolean;
      readonly ovs?: true;
    }
  | { readonly kind: 'fdb-flush'; readonly bridge: string; readonly ovs?: true }
  | { readonly kind: 'fdb'; readonly act: 'add' | 'del'; readonly entry: FdbEntry; readonly ovs?: true }
  /** Open vSwitch's. */
  | { readonly kind: 'mirror'; readonly bridge: string; readonly mirror: Mirror }
  | { readonly kind: 'mdb'; readonly act: 'add' | 'del'; readonly bridge: string; readonly entry: MdbEntry }
  | { readonly kind: 'start'; readonly endpoint: string }
  | { readonly kind: 'stop'; readonly endpoint: string }
  | { readonly kind: 'run'; readonly argv: readonly string[] };
