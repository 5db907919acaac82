import type { Mac, SettingValue, VlanRange } from '../../model/scenario.js';
import type { SettingPlace } from '../../model/settings.js';
import { type Fields, objectsOf, textOf } from '../../text/json-text.js';

/**
 * An interface as a run found it. Its name is used again at once for another guest, its index where somebody asks for
 * it (`ip link add … index`). `master`: the index of its bridge; 0 = it is a port of none. `identity`: what no other
 * interface has while the kernel runs; absent = not known.
 */
export interface HeldLink {
  readonly name: string;
  readonly ifindex: number;
  readonly master: number;
  readonly identity?: string;
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
 * One thing that a run changes, as its journal keeps it: of what, what the run set, and what was there before. Data of
 * a closed set of kinds: the commands that undo it are derived from it (decide.ts).
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
  /** The mirror carries the run's id (external_ids). */
  | { readonly kind: 'ovs-mirror'; readonly bridge: OvsRow; readonly mirror: string; readonly runId: string };

export type UndoKind = UndoEntry['kind'];
export type UndoOf<K extends UndoKind> = Extract<UndoEntry, { kind: K }>;

/** Entries of Open vSwitch outlive the kernel: its database is a file. */
export function isOfOvs({ kind }: UndoEntry): boolean {
  return kind.startsWith('ovs-');
}

/** What Open vSwitch says of an entry. Names are what the rows are called now; null = there is no such row any more. */
export interface OvsPresent {
  readonly on: string | null;
  readonly bridge: string | null;
  /** As the entry's `set` and `was`; of an entry by hand the `_uuid` of its port; '' = nothing. */
  readonly value: string;
  /** Of a port of OpenFlow its number; of a mirror its `_uuid`. */
  readonly handle: string;
  /** What the port that is to have an entry again is called. */
  readonly wasOn: string | null;
}

/** What the system says at this moment of what an entry is about; what it is not about may be left out. */
export interface Present {
  /** `ip -j -d link show` of the namespace, whole. */
  readonly links: unknown;
  /** `bridge -j fdb show`, `vlan show`, `mdb show`. */
  readonly fdb?: unknown;
  readonly vlan?: unknown;
  readonly mdb?: unknown;
  /** Absent where the kernel has none of that name. */
  readonly sysctl?: string;
  readonly ovs?: OvsPresent;
}

/**
 * `undo`: it is as the run has set it, and these commands put it back. `done`: it is as it was, or gone. `left`: it is
 * another's by now.
 */
export type UndoDecision =
  | { readonly kind: 'undo'; readonly commands: readonly (readonly string[])[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'left'; readonly why: string };

/** Nothing is owed. */
export const done: UndoDecision = { kind: 'done' };

/** It is another's by now, and why. */
export function leave(why: string): UndoDecision {
  return { kind: 'left', why };
}

/** These commands put it back. */
export function undo(...commands: readonly (readonly string[])[]): UndoDecision {
  return { kind: 'undo', commands };
}

/** Somebody else has set it since. */
export function changed(what: string, now: string, set: string): UndoDecision {
  return leave(
    `${what} is ${now === '' ? 'nothing' : now}, not what the run had set (${set === '' ? 'nothing' : set})`,
  );
}

/** The interface of that index. */
export function linkOf(links: unknown, ifindex: number): Fields | undefined {
  return objectsOf(links).find((link) => link['ifindex'] === ifindex);
}

/** How iproute2 finds an interface by its index. */
export function byIndex(ifindex: number): string {
  return `if${ifindex}`;
}

/** Why an interface cannot be named by its index: another has that as a name, which goes first. */
export function isIndexTaken(links: unknown, ifindex: number): boolean {
  return objectsOf(links).some((link) => link['ifname'] === byIndex(ifindex));
}

/** Finds the interface by its index, and sees that it is a port of the same bridge; its name now. */
export function findLink(on: HeldLink, links: unknown): { readonly name: string } | UndoDecision {
  const link = linkOf(links, on.ifindex);
  if (link === undefined) return done;
  const identity = textOf(link['identity']);
  if (on.identity !== undefined && identity !== null && identity !== on.identity) return done; // made again: it is gone
  const name = textOf(link['ifname']) ?? on.name;
  const bridge = textOf(link['master']);
  const master = bridge === null ? 0 : objectsOf(links).find((link) => link['ifname'] === bridge)?.['ifindex'];
  if (master !== on.master)
    return leave(
      `${name} is no longer ${on.master === 0 ? 'without a bridge' : 'a port of the bridge that it was a port of'}`,
    );
  if (isIndexTaken(links, on.ifindex)) return leave(`another interface is called ${byIndex(on.ifindex)}`);
  return { name };
}
