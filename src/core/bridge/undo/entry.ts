import type { Mac } from '../../model/mac.js';
import type { SettingValue, VlanRange } from '../../model/scenario.js';
import type { SettingPlace } from '../../model/settings.js';

/**
 * An interface as a run found it. Its name is used again at once for another guest, its index is not while the kernel
 * runs. `master`: the index of its bridge; 0 = it is a port of none.
 */
export interface HeldLink {
  readonly name: string;
  readonly ifindex: number;
  readonly master: number;
}

/** A row of Open vSwitch's database: its `_uuid` is never used again, its name is. */
export interface OvsRow {
  readonly uuid: string;
  readonly name: string;
}

/** What an entry of the forwarding database is, besides where it leads. */
export interface FdbForm {
  readonly state: 'static' | 'permanent' | 'dynamic';
  readonly sticky: boolean;
}

/** An entry of the forwarding database in one VLAN (null = without one); null = there is none. */
export interface FdbRow {
  readonly vlan: number | null;
  readonly set: FdbForm | null;
  readonly was: FdbForm | null;
}

type MdbForm = 'permanent' | 'temp' | null;

/**
 * One thing that a run changes, as its journal keeps it: of what, what the run set, and what was there before. Data of a
 * closed set of kinds: the commands that undo it are derived from it (decide.ts).
 */
export type UndoEntry =
  /** The run made the interface itself, under an index that it chose. */
  | { readonly kind: 'interface'; readonly name: string; readonly ifindex: number }
  | {
      readonly kind: 'setting';
      readonly on: HeldLink;
      readonly place: SettingPlace;
      readonly key: string;
      readonly set: SettingValue;
      readonly was: SettingValue;
    }
  /** `on`: the interface that its name names; null = it names none. */
  | {
      readonly kind: 'sysctl';
      readonly on: HeldLink | null;
      readonly name: string;
      readonly set: string;
      readonly was: string;
    }
  /** Of VLANs that stand in neither list nothing was changed. */
  | {
      readonly kind: 'vlan';
      readonly on: HeldLink;
      readonly self: boolean;
      readonly set: readonly VlanRange[];
      readonly was: readonly VlanRange[];
    }
  | {
      readonly kind: 'fdb';
      readonly on: HeldLink;
      readonly self: boolean;
      readonly mac: Mac;
      readonly rows: readonly FdbRow[];
    }
  | {
      readonly kind: 'mdb';
      readonly on: HeldLink;
      readonly bridge: HeldLink;
      readonly group: string;
      readonly vlan: number | null;
      readonly set: MdbForm;
      readonly was: MdbForm;
    }
  /** A column, or one key of a map (COLUMN:KEY), as ovs-vsctl prints it; '' = the map has no such key. */
  | {
      readonly kind: 'ovs-column';
      readonly table: 'Bridge' | 'Port';
      readonly on: OvsRow;
      readonly key: string;
      readonly set: string;
      readonly was: string;
    }
  | {
      readonly kind: 'ovs-flood';
      readonly on: OvsRow;
      readonly bridge: OvsRow;
      readonly set: 'on' | 'off';
      readonly was: 'on' | 'off';
    }
  | {
      readonly kind: 'ovs-vlan';
      readonly on: OvsRow;
      readonly set: { readonly tag: string; readonly trunks: string };
      readonly was: { readonly tag: string; readonly trunks: string };
    }
  /** The port on which an entry by hand is: a bridge has one for each MAC and VLAN. */
  | {
      readonly kind: 'ovs-fdb';
      readonly bridge: OvsRow;
      readonly mac: Mac;
      readonly vlan: number;
      readonly set: OvsRow | null;
      readonly was: OvsRow | null;
    }
  /** The mirror bears the run's id (external_ids). */
  | { readonly kind: 'ovs-mirror'; readonly bridge: OvsRow; readonly mirror: string; readonly runId: string };

export type UndoKind = UndoEntry['kind'];
export type UndoOf<K extends UndoKind> = Extract<UndoEntry, { kind: K }>;

/** Entries of Open vSwitch outlive the kernel: its database is a file. */
export function isOfOvs({ kind }: UndoEntry): boolean {
  return kind.startsWith('ovs-');
}
