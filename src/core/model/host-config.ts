import type { Mac } from './scenario.js';
import { flag, leaf, matching, maybe, type Of, oneOf, orNull, text } from './shape/shape.js';

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/** A guest's port that `by` promises to isolate; the kernel's may not be. */
export interface IsolatedPort {
  /** `libvirt`, `Proxmox VE`. */
  readonly by: string;
  /** null = found by `mac`. */
  readonly device: string | null;
  /** Of the guest. */
  readonly mac: Mac | null;
}

/** Sources of guests' names. Each program's file in core/discover/guests adds its own. */
export interface Managers {
  readonly namespace: true;
}
export type Manager = keyof Managers;

export const guestRecordShape = {
  manager: leaf('a manager of guests', (value): value is Manager => typeof value === 'string'),
  name: text,
  /** Unique at the manager, if names may repeat. */
  id: maybe(text),
  /** null = found by `mac`. */
  port: orNull(text),
  /** A path. */
  netns: maybe(text),
  mac: orNull(matching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/)),
  ips: [text],
  /** It may still run on the host that it leaves. */
  isArriving: maybe(flag),
  /** An ordinary user's process claims its name. */
  isClaimed: maybe(oneOf(true)),
  /** Its manager separates networks that have this promise. */
  isApart: maybe(oneOf(true)),
  /** Its tenant, from `pool`, `project`, `tag`, … */
  zone: orNull({ name: text, from: text }),
};
/** A guest's interface as its manager describes it. All text is untrusted. */
export type GuestRecord = Of<typeof guestRecordShape>;

/** Guests, and programs that could not be asked. */
export interface Inventory {
  readonly guests: readonly GuestRecord[];
  readonly unread: readonly { readonly what: string; readonly why: string }[];
}
