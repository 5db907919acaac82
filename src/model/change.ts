import type { FdbEntry, MdbEntry, PortVlan, SettingValue } from './scenario.js';

/** One thing to do to the kernel, as data: the fabric executes it, reads it back and knows how to undo it. */
export type Change =
  | { readonly kind: 'set'; readonly device: string; readonly place: 'bridge' | 'port' | 'link'; readonly key: string; readonly value: SettingValue }
  | { readonly kind: 'sysctl'; readonly name: string; readonly value: string }
  | { readonly kind: 'vlan'; readonly act: 'add' | 'del'; readonly entry: PortVlan; readonly self: boolean }
  | { readonly kind: 'fdb-flush'; readonly bridge: string }
  | { readonly kind: 'fdb'; readonly act: 'add' | 'del'; readonly entry: FdbEntry }
  | { readonly kind: 'mdb'; readonly act: 'add' | 'del'; readonly bridge: string; readonly entry: MdbEntry }
  | { readonly kind: 'start'; readonly endpoint: string }
  | { readonly kind: 'stop'; readonly endpoint: string }
  | { readonly kind: 'run'; readonly argv: readonly string[] };
