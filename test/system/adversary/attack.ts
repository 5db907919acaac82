import type { GuestName } from './guests.js';

/** The kinds of the table that this suite began with, `plain` = what has always been found, to show that it is. */
export const kinds = [
  'headers',
  'wrapped',
  'no-port',
  'unknown-copy',
  'past-the-socket',
  'in-between',
  'plain',
] as const;
export type Kind = (typeof kinds)[number];

export const fabrics = ['linux', 'ovs', 'vlan', 'routed'] as const;
export type Fabric = (typeof fabrics)[number];

/** Where a scenario finds its bridges: `lab` = built by the program, `host` = by the adversary. */
export const providers = ['lab', 'host'] as const;
export type Provider = (typeof providers)[number];

/** Which part of the defence answers for a kind. */
export const itemOf: Readonly<Record<Kind, 'token' | 'closed-accounts' | 'always'>> = {
  headers: 'token',
  wrapped: 'token',
  'no-port': 'closed-accounts',
  'unknown-copy': 'closed-accounts',
  'past-the-socket': 'closed-accounts',
  'in-between': 'closed-accounts',
  plain: 'always',
};

/** Where the ear listens: a MAC, `PID:DEVICE` with the id read from a file by the shell, `tap:DEVICE`, `queue:DEVICE` or `macvtap:DEVICE`. */
export interface EarPlace {
  readonly name: string;
  readonly place: string;
  /** How it is shown to hear, as tools/ear.py takes it. */
  readonly check: string;
}

/** Who may not have the frames and gets them: how he is made, and by what device frames come to him. */
export interface Receiver {
  readonly name: string;
  /** A device of the bridge's namespace; what leaves there reaches him. */
  readonly device: string;
  readonly setup: readonly string[];
  readonly undo: readonly string[];
  readonly ears: readonly EarPlace[];
  /** A place that is no port of the bridges that the scenario lists. */
  readonly isPort: boolean;
  readonly mac: string;
}

/** One drawn way in which frames come to somebody who may not have them. */
export interface Attack {
  readonly kind: Kind;
  readonly primitive: string;
  /** Where it takes hold: ingress, egress, bridge, uplink, host, namespace. */
  readonly place: string;
  readonly fabric: Fabric;
  readonly receiver: string;
  /** What was drawn besides. */
  readonly detail: string;
  /** Lines of a shell (`set -e`) in the bridge's namespace; $T = the folder of the tools, $W = one for files of its own. */
  readonly setup: readonly string[];
  readonly undo: readonly string[];
  readonly ears: readonly EarPlace[];
  /** The probe, as it stands in the scenario, and what is expected of it. */
  readonly probe: string;
  readonly expect: string;
  /** For so many seconds after the step the ear goes on listening. */
  readonly after?: number;
  /** A rule that the program reads names a device that is no port: it says so of all steps of a run. */
  readonly reported?: boolean;
  /** Who of the guests stands beyond an uplink. */
  readonly uplink?: GuestName;
  /** What the design says: broken, or that it may be inconclusive, for these reasons. */
  readonly due: 'broken' | readonly string[];
}

/** A kind of attack: draws what is left open. Null = not on that fabric or provider. */
export interface Primitive {
  readonly name: string;
  readonly kind: Kind;
  readonly fabrics: readonly Fabric[];
  readonly providers?: readonly Provider[];
  draw(random: Random, fabric: Fabric): Attack;
}

/** Lots, the same for the same seed. */
export interface Random {
  /** A whole number of 0 … below−1. */
  below(end: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** Mulberry32: small, and as good as a choice of cases needs. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (end: number): number => Math.floor(next() * end);
  return {
    below,
    pick: (choices) => {
      const choice = choices[below(choices.length)];
      if (choice === undefined) throw new Error('nothing to choose from');
      return choice;
    },
  };
}

/** The name of a case, the same for the same lots. */
export function nameOf(attack: Attack): string {
  const { kind, primitive, place, fabric, receiver, detail } = attack;
  return `${kind}: ${primitive} at ${place} to ${receiver} on ${fabric}${detail === '' ? '' : ` (${detail})`}`;
}
