import { countProbe } from '../../../core/judge/count/count-probe.js';
import { type DiscardedFrames, tokenCollector } from '../../../core/judge/count/discarded.js';
import {
  arrivalAt,
  type CountedAs,
  createTallies,
  type FrameArrival,
  type Tallies,
} from '../../../core/judge/count/tally.js';
import { maxUngrouped } from '../../../core/judge/rows/group-rows.js';
import type { StepObserver } from '../../../core/plan/evidence-interfaces.js';
import type { Flow, Plan, StepPlan } from '../../../core/model/plan.js';

const maxOfLeak = 1000;

/** By observer and step of a mesh: a hub of 200 guests leaks eight million frames. */
const maxOfObserver = 1000;

/** How a probe is seen: towards the observer, and there it must not be. */
export interface SeenProbe {
  readonly towards: boolean;
  readonly leaks: boolean;
}

/** Decides which frames need not be kept, and counts them. */
export interface LeakStore {
  /** True if an unchanged planned probe may go, which counts it. Call it in file order. */
  mayGo(interfaceId: number, flow: Flow, sequence: number, seen: SeenProbe): boolean;
  lines(): readonly DiscardedFrames[];
}

export interface LeakStoreInput {
  /** `all`: only repeated leaks of a mesh go. */
  readonly keep: 'leaks' | 'all';
  readonly plan: Plan;
  readonly observers: readonly (StepObserver | null)[];
  /** By step: observers without directions. Their frames stay, as a second sighting counts. */
  readonly inferred: readonly ReadonlySet<string>[];
}

/** A step with grouped rows: an observer sees thousands of pairs. */
export function isMesh({ flows, observers }: StepPlan): boolean {
  return flows.length * observers.filter(({ judged }) => judged).length > maxUngrouped;
}

interface Counted {
  readonly arrival: FrameArrival;
  readonly entered: ReturnType<typeof tokenCollector>;
  readonly came: ReturnType<typeof tokenCollector>;
  again: number;
  leaks: number;
  readonly isMesh: boolean;
  readonly keepsAll: boolean;
}

class FoldedLeaks implements LeakStore {
  private readonly input: LeakStoreInput;
  private readonly tallies: Tallies;
  private readonly keptOfLeak = new Map<string, number>();
  private readonly counted: readonly (Counted | null)[];

  constructor(input: LeakStoreInput) {
    this.input = input;
    // A row for each addressee; where all hear all, bits do for the rest.
    this.tallies = createTallies(input.plan, true, 1);
    const meshes = new Set(input.plan.steps.filter(isMesh));
    this.counted = input.observers.map((source) =>
      source === null ? null : countedOf(input, source, meshes.has(source.step)),
    );
  }

  mayGo(interfaceId: number, flow: Flow, sequence: number, { towards, leaks }: SeenProbe): boolean {
    const { keep, plan } = this.input;
    const counted = this.counted[interfaceId];
    if (counted === undefined || counted === null || this.staysAnyway(counted, towards && !leaks)) return false;
    counted.arrival.towards = towards;
    const what = countProbe({ flow, sequence, form: 'as-sent' }, counted.arrival, this.tallies);
    // Of a token that entered again it decides what came before: what is counted without its order would not say.
    const isAgain = this.tallies.steps[flow.step]?.entries.isAgain(flow, sequence) ?? true;
    if (counted.keepsAll || isAgain || plan.steps[flow.step]?.during.length !== 0) return false;
    const stays = what === 'seen' && leaks ? this.isKept(flow, counted) : keep === 'all';
    return !stays && countGone(counted, what, flow.first + sequence);
  }

  lines(): readonly DiscardedFrames[] {
    return this.counted.flatMap((counted) => {
      if (counted === null) return [];
      const line = {
        step: counted.arrival.step.index,
        observer: counted.arrival.observer.name,
        entered: counted.entered.spans(),
        seen: counted.came.spans(),
        again: counted.again,
      };
      return line.entered.frames + line.seen.frames + line.again === 0 ? [] : [line];
    });
  }

  /** Then only leaks count: a mesh that holds has a million other sightings. */
  private staysAnyway({ keepsAll }: Counted, isExpected: boolean): boolean {
    return this.input.keep === 'all' && (keepsAll || isExpected);
  }

  private isKept(flow: Flow, counted: Counted): boolean {
    counted.leaks += 1;
    if (counted.isMesh) return counted.leaks <= maxOfObserver;
    const row = `${flow.id}/${counted.arrival.observer.name}`;
    const before = this.keptOfLeak.get(row) ?? 0;
    this.keptOfLeak.set(row, before + 1);
    return before < maxOfLeak;
  }
}

function countedOf({ keep, inferred }: LeakStoreInput, { step, observer }: StepObserver, inMesh: boolean): Counted {
  const unknown = inferred[step.index]?.has(observer.name) ?? true;
  return {
    arrival: arrivalAt(step, observer, unknown),
    entered: tokenCollector(),
    came: tokenCollector(),
    again: 0,
    leaks: 0,
    isMesh: inMesh,
    keepsAll: unknown || step.during.length > 0 || (keep === 'all' && !inMesh),
  };
}

function countGone(counted: Counted, what: CountedAs, token: number): boolean {
  switch (what) {
    case 'entered':
      counted.entered.add(token);
      return true;
    case 'seen':
      counted.came.add(token);
      return true;
    case 'again':
      counted.again += 1;
      return true;
    case 'other':
      return false;
  }
}

/**
 * `--keep leaks` only counts probes where they belong, and a leak's frames beyond the first thousand. All that the
 * judge inspects stays: controls, forged and re-sent tokens, answers, routed and tokenless frames. Steps with events
 * keep all frames, which time distinguishes.
 */
export function createLeakStore(input: LeakStoreInput): LeakStore {
  return new FoldedLeaks(input);
}
