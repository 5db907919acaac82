import type { AuditFinding } from '../model/audit.js';
import type { Change, Fix } from '../model/fabric.js';
import type { Cause } from '../model/result.js';
import type { Snapshot } from '../model/state.js';
import type { RowContext } from './row-context.js';
import type { BridgeView } from './view.js';

/** A leak with the plan's flow and the kernel's state. */
export type LeakContext = RowContext;

/** Finds one cause in a leak; null = it is another. */
export type CauseFinder = (leak: LeakContext) => FoundCause | null;

/** `fix` null = none known. */
export interface FoundCause extends Pick<Cause, 'place' | 'value' | 'text'> {
  readonly fix: Fix | null;
}

export interface PhraseParts {
  /** `br0`, `vnet0, vnet4 and 2 more`. */
  readonly devices: string;
  readonly isOne: boolean;
  readonly place: string;
  readonly value: string;
}

/** A verb for one device or several. */
export function verb({ isOne }: PhraseParts, singular: string, plural: string): string {
  return isOne ? singular : plural;
}

/** A fix's price for guests, from nothing to all connectivity. */
export const prices = {
  nothing: 0,
  /** Paid by the host, or an observer of guests. */
  host: 1,
  /** Entries have to follow guests. */
  upkeep: 2,
  /** Silent guests are not reached. */
  silence: 3,
  /** A port gets less. */
  share: 4,
  /** Guests do not reach each other, or the network. */
  apart: 5,
  /** No ARP, DHCP or routing: never advised in the last lines. */
  cutOff: 6,
} as const;

/** A fix's loss in a sentence, and its price. */
export interface FixCost {
  readonly price: keyof typeof prices;
  readonly text: string;
}

export const entryCost: FixCost = { price: 'upkeep', text: 'the entry has to follow the guest when it moves' };

export interface RuleFinding extends Omit<AuditFinding, 'id' | 'bridge' | 'fix' | 'lasting'> {
  /** null = nothing to do. */
  readonly fix: Fix | null;
}

/** A rule on a bridge. */
export type BridgeRule = (view: BridgeView, snapshot: Snapshot) => readonly RuleFinding[];

/** A rule on the host. */
export type HostRule = (snapshot: Snapshot) => readonly RuleFinding[];

export interface Explained {
  /** One or two sentences, for any host. */
  readonly meaning: string;
  readonly cause: {
    /** A main clause about sender and observer. */
    readonly phrase: (parts: PhraseParts) => string;
    /** null = no fix, or no known cost. */
    readonly cost:
      | FixCost
      | null
      | ((fix: { readonly place: string; readonly changes?: readonly Change[] }) => FixCost);
    readonly find: CauseFinder;
    /** Leaks of two bridges are two groups. */
    readonly isOfBridge?: true;
    /** The bridge itself forwards, for want of an entry in its table or by a setting. Absent: another way. */
    readonly forwards?: 'table' | 'setting';
  };
}

/** A weakness that an audit finds. */
export interface Audited {
  readonly meaning: string;
  readonly finding: ({ readonly onBridge: BridgeRule } | { readonly onHost: HostRule }) & {
    /** Absent: as the cause of the same name, or unknown. */
    readonly cost?: FixCost;
  };
}
