import { type Fields, objectsOf, textOf } from '../../text/json-text.js';
import type { HeldLink, UndoEntry } from './parse-entry.js';

export type { FdbForm, FdbRow, HeldLink, OvsRow, UndoEntry } from './parse-entry.js';

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

/** Nothing to restore. */
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
