import { type Fields, objectsOf, textOf } from '../../text/json-text.js';
import type { HeldLink, UndoEntry } from './parse-entry.js';

export type { FdbForm, FdbRow, HeldLink, OvsRow, UndoEntry } from './parse-entry.js';

export type UndoKind = UndoEntry['kind'];
export type UndoOf<K extends UndoKind> = Extract<UndoEntry, { kind: K }>;

/** Open vSwitch's database is a file, which outlives the kernel. */
export function isOfOvs({ kind }: UndoEntry): boolean {
  return kind.startsWith('ovs-');
}

/** Present rows by name. null = the row is gone. */
export interface OvsPresent {
  readonly on: string | null;
  readonly bridge: string | null;
  /** A static entry's is its port's `_uuid`. '' = none. */
  readonly value: string;
  /** An OpenFlow port's number, or a mirror's `_uuid`. */
  readonly handle: string;
  /** The port that gets an entry back. */
  readonly wasOn: string | null;
}

/** Present state of an entry. Other parts may be absent. */
export interface Present {
  /** `ip -j -d link show`, complete. */
  readonly links: unknown;
  /** `bridge -j fdb show`, `vlan show`, `mdb show`. */
  readonly fdb?: unknown;
  readonly vlan?: unknown;
  readonly mdb?: unknown;
  readonly sysctl?: string;
  readonly ovs?: OvsPresent;
}

/** `undo`: commands restore it. `done`: as before, or gone. `left`: another's by now. */
export type UndoDecision =
  | { readonly kind: 'undo'; readonly commands: readonly (readonly string[])[] }
  | { readonly kind: 'done' }
  | { readonly kind: 'left'; readonly why: string };

export const done: UndoDecision = { kind: 'done' };

export function leave(why: string): UndoDecision {
  return { kind: 'left', why };
}

export function undo(...commands: readonly (readonly string[])[]): UndoDecision {
  return { kind: 'undo', commands };
}

export function changed(what: string, now: string, set: string): UndoDecision {
  return leave(
    `${what} is ${now === '' ? 'nothing' : now}, not what the run had set (${set === '' ? 'nothing' : set})`,
  );
}

export function linkOf(links: unknown, ifindex: number): Fields | undefined {
  return objectsOf(links).find((link) => link['ifindex'] === ifindex);
}

/** A name by index, for iproute2. */
export function byIndex(ifindex: number): string {
  return `if${ifindex}`;
}

/** True if another interface has the index as its name, which comes first. */
export function isIndexTaken(links: unknown, ifindex: number): boolean {
  return objectsOf(links).some((link) => link['ifname'] === byIndex(ifindex));
}

/** The interface's present name, if it is a port of the same bridge. */
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
