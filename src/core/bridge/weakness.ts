import type { AuditFinding } from '../model/audit.js';
import type { Change, Fix } from '../model/fabric.js';
import type { Cause } from '../model/result.js';
import type { Snapshot } from '../model/state.js';
import type { RowContext } from './row-context.js';
import type { BridgeView } from './view.js';

/** A leak with what the plan says of the frame and the kernel said around it: all that a cause is found from. */
export type LeakContext = RowContext;

/** Finds one cause in a leak; null = it is not this one. */
export type CauseFinder = (leak: LeakContext) => FoundCause | null;

/** A cause as it was found; `fix` null = none is known. */
export interface FoundCause extends Pick<Cause, 'place' | 'value' | 'text'> {
  readonly fix: Fix | null;
}

/** What the places and the value of a cause give to its phrase. */
export interface PhraseParts {
  /** Devices that the places name: `br0`, `vnet0, vnet4 and 2 more`. */
  readonly devices: string;
  readonly isOne: boolean;
  /** The first place, whole. */
  readonly place: string;
  readonly value: string;
}

/** A verb for one device or for several. */
export function verb({ isOne }: PhraseParts, singular: string, plural: string): string {
  return isOne ? singular : plural;
}

/** What guests pay for a fix, from nothing to all that they live on. */
export const prices = {
  nothing: 0,
  /** The host pays, or something that watches guests. */
  host: 1,
  /** Entries have to follow guests. */
  upkeep: 2,
  /** Guests that are silent are not reached. */
  silence: 3,
  /** A port gets less than it got. */
  share: 4,
  /** Guests do not reach each other, or the network. */
  apart: 5,
  /** ARP and DHCP do not reach a guest, or the host routes for no guest: the last lines never advise it. */
  cutOff: 6,
} as const;

/** What a fix costs: who loses what in one sentence, and how much that is. */
export interface FixCost {
  readonly price: keyof typeof prices;
  readonly text: string;
}

/** Of an entry that somebody has to keep. */
export const entryCost: FixCost = { price: 'upkeep', text: 'the entry has to follow the guest when it moves' };

/** A finding before it has its name and its bridge. */
export interface RuleFinding extends Omit<AuditFinding, 'id' | 'bridge' | 'fix' | 'lasting'> {
  /** null where nothing needs to be done. */
  readonly fix: Fix | null;
  /** What runs already and has to stay, where that is all there is to do: `fix` is then words. */
  readonly kept?: readonly Change[];
}

/** What one rule sees wrong with one bridge. Pure; reads nothing but what it is given. */
export type BridgeRule = (view: BridgeView, snapshot: Snapshot) => readonly RuleFinding[];

/** What one rule sees wrong with the host, whatever its bridges. */
export type HostRule = (snapshot: Snapshot) => readonly RuleFinding[];

/** A weakness that explains leaks of a run. */
export interface Explained {
  /** What it means, whatever host it was seen on: one or two sentences. */
  readonly meaning: string;
  readonly cause: {
    /** A main clause that ends a sentence about who hears whom. */
    readonly phrase: (parts: PhraseParts) => string;
    /**
     * What its fix costs, where that depends on what was found; null = it has no fix, or none that costs anything
     * known.
     */
    readonly cost:
      | FixCost
      | null
      | ((fix: { readonly place: string; readonly changes?: readonly Change[] }) => FixCost);
    readonly find: CauseFinder;
    /**
     * It is a cause of a bridge as a whole: leaks of two bridges are two groups. Absent: of a port, an entry, a rule.
     */
    readonly isOfBridge?: true;
  };
}

/** A weakness that an audit finds in settings: of each bridge, or of the host as a whole. */
export interface Audited {
  /** As of `Explained`. */
  readonly meaning: string;
  readonly finding: ({ readonly onBridge: BridgeRule } | { readonly onHost: HostRule }) & {
    /** What its fix costs; absent: as the cause of the same name says, or nothing known. */
    readonly cost?: FixCost;
  };
}
