import type { Random } from '../../support/lab/random.js';
import type { GuestName } from './guests.js';

/** The kinds of the first table; `plain`: kinds that the program has always found. */
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

/** The part of the defence that has to find a kind. */
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
  /** How the ear proves that it hears, as tools/ear.py takes it. */
  readonly check: string;
}

/** A victim, which gets frames that it must not have: the commands that make it, and the device that frames take to it. */
export interface Receiver {
  readonly name: string;
  /** A device of the bridge's namespace; frames that leave there reach the victim. */
  readonly device: string;
  readonly setup: readonly string[];
  readonly undo: readonly string[];
  readonly ears: readonly EarPlace[];
  /** A place that is no port of the bridges that the scenario lists. */
  readonly isPort: boolean;
  readonly mac: string;
}

/** One drawn way by which frames reach a victim. */
export interface Attack {
  readonly kind: Kind;
  readonly primitive: string;
  /** Where it acts: ingress, egress, bridge, uplink, host, namespace. */
  readonly place: string;
  readonly fabric: Fabric;
  readonly receiver: string;
  /** What else was drawn. */
  readonly detail: string;
  /** Lines of a shell (`set -e`) in the bridge's namespace; $T = the folder of the tools, $W = one for files of its own. */
  readonly setup: readonly string[];
  readonly undo: readonly string[];
  readonly ears: readonly EarPlace[];
  /** The probe in the words of the scenario, and what is expected of it. */
  readonly probe: string;
  readonly expect: string;
  /** The ear goes on listening for this number of seconds after the step. */
  readonly after?: number;
  /** A rule that the program reads names a device that is not a port: the program reports it for all steps of a run. */
  readonly reported?: boolean;
  /** Guests beyond an uplink. */
  readonly uplink?: GuestName;
  /** The expected verdict: broken, or inconclusive for one of these reasons. */
  readonly due: 'broken' | readonly string[];
}

/** A kind of attack: draws its open parameters. Null = not on that fabric or provider. */
export interface Primitive {
  readonly name: string;
  readonly kind: Kind;
  readonly fabrics: readonly Fabric[];
  readonly providers?: readonly Provider[];
  draw(random: Random, fabric: Fabric): Attack;
}

/** The name of a case, the same for the same choices. */
export function nameOf(attack: Attack): string {
  const { kind, primitive, place, fabric, receiver, detail } = attack;
  return `${kind}: ${primitive} at ${place} to ${receiver} on ${fabric}${detail === '' ? '' : ` (${detail})`}`;
}
