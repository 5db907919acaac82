import type { Plan, StepPlan } from '../../model/plan.js';
import { createEnteredTokens, type EnteredTokens } from './entered-tokens.js';
import { createSeenTokens, type First, type SeenTokens } from './seen-tokens.js';

/** A probe's sighting in time. */
export interface SeenAt {
  readonly sequence: number;
  readonly timeNs: bigint;
}

/** Frames of one direction of traffic, or of one foreign conversation, at one observer. */
export interface FrameCount {
  frames: number;
  first: First;
}

/**
 * What the capture says of one step, counted while it is read. Keys of maps name a flow or conversation and an
 * observer.
 */
export interface StepTally {
  /** Sightings towards observers that are the probe itself. */
  readonly seen: SeenTokens;
  /** When each was seen, by `flow|observer`, in a step with events; else empty. */
  readonly moments: Map<string, SeenAt[]>;
  readonly entries: EnteredTokens;
  readonly controls: Set<number>;
  /** Token → the observer at which a guest sent it again, and whether that is an uplink. */
  readonly reentered: Map<number, { readonly observer: string; readonly uplink: boolean }>;
  /** Observers without known direction that saw a token twice. */
  readonly twice: Map<string, number>;
  /** `traffic index/way/observer` → frames; way `>` from → to, `<` back. */
  readonly traffic: Map<string, FrameCount>;
  readonly trafficEntered: Map<string, number>;
  /** Listening: `observer|source|destination` → foreign unicast; and unicast that entered from whom. */
  readonly foreign: Map<string, FrameCount>;
  readonly crossed: Map<string, { readonly from: string; readonly to: string }>;
  /** By observer and source MAC: frames that are none of the run's, on their way to the observer or in at its port. */
  readonly noise: Map<string, Map<string, { towards: number; entered: number }>>;
  /** Frames read from the capture, by observer. */
  readonly read: Map<string, number>;
}

function createTally(step: StepPlan): StepTally {
  return {
    seen: createSeenTokens(step.flows),
    moments: new Map(),
    entries: createEnteredTokens(step.flows),
    controls: new Set(),
    reentered: new Map(),
    twice: new Map(),
    traffic: new Map(),
    trafficEntered: new Map(),
    foreign: new Map(),
    crossed: new Map(),
    noise: new Map(),
    read: new Map(),
  };
}

export function createTallies(plan: Plan): readonly StepTally[] {
  return plan.steps.map(createTally);
}

export function raise(map: Map<string, number>, key: string, by = 1): void {
  map.set(key, (map.get(key) ?? 0) + by);
}

export function countFrame(map: Map<string, FrameCount>, key: string, first: First): void {
  const count = map.get(key);
  if (count === undefined) map.set(key, { frames: 1, first });
  else {
    count.frames += 1;
    if (first.timeNs < count.first.timeNs) count.first = first;
  }
}
