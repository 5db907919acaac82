import { countProbe } from '../../../core/judge/count/count-probe.js';
import { type DiscardedFrames, tokenCollector } from '../../../core/judge/count/discarded.js';
import { type CountedAs, createTallies, type Seen, type Tallies } from '../../../core/judge/count/tally.js';
import { maxUngrouped } from '../../../core/judge/rows/group-rows.js';
import type { StepListener } from '../../../core/plan/evidence-interfaces.js';
import { isLeak } from '../../../core/judge/parties.js';
import type { VerdictRules } from '../../../core/model/provenance.js';
import type { Flow, Plan, StepPlan } from '../../../core/model/plan.js';

/** This many frames of each leak are kept: of each flow at each observer who must not see it. */
const maxOfLeak = 1000;

/** Of a mesh this many frames are kept of all leaks at an observer in a step: a hub of 200 guests has eight million. */
const maxOfObserver = 1000;

/** Says which frames need not be kept, and counts them. */
export interface LeakStore {
  /** A planned probe as it was sent, in the order of the file: may it go? Then it is counted. */
  mayGo(interfaceId: number, flow: Flow, sequence: number, towards: boolean): boolean;
  lines(): readonly DiscardedFrames[];
}

export interface LeakStoreInput {
  /** `all`: only leaks of a mesh beyond the first at each observer go. */
  readonly keep: 'leaks' | 'all';
  readonly plan: Plan;
  /** Those that the run is judged by. */
  readonly rules: VerdictRules;
  /** By number of the interface block. */
  readonly listeners: readonly (StepListener | null)[];
  /**
   * By step: observers whose engine does not know directions. Theirs is all kept, for there a second sighting counts.
   */
  readonly inferred: readonly ReadonlySet<string>[];
}

/** A step whose rows are grouped: an observer that hears in it hears thousands of pairs. */
export function isMesh({ flows, observers }: StepPlan): boolean {
  return flows.length * observers.filter(({ judged }) => judged).length > maxUngrouped;
}

/** What is counted at an interface of the file. */
interface Counted {
  readonly seen: Seen;
  readonly entered: ReturnType<typeof tokenCollector>;
  readonly came: ReturnType<typeof tokenCollector>;
  again: number;
  leaks: number;
  readonly isMesh: boolean;
  /** Nothing goes. */
  readonly keepsAll: boolean;
}

/** `--keep leaks`, as `createLeakStore` says. */
class FoldedLeaks implements LeakStore {
  private readonly input: LeakStoreInput;
  private readonly tallies: Tallies;
  /** Frames of each leak that were kept, by flow and observer. */
  private readonly kept = new Map<string, number>();
  private readonly counted: readonly (Counted | null)[];

  constructor(input: LeakStoreInput) {
    this.input = input;
    // A row for each addressee; where all hear all, bits do for the rest.
    this.tallies = createTallies(input.plan, input.rules, true, 1);
    this.counted = input.listeners.map((listener) => (listener === null ? null : countedOf(input, listener)));
  }

  mayGo(interfaceId: number, flow: Flow, sequence: number, towards: boolean): boolean {
    const { keep, plan } = this.input;
    const counted = this.counted[interfaceId];
    if (counted === undefined || counted === null || this.staysAnyway(counted, flow, towards)) return false;
    counted.seen.towards = towards;
    const what = countProbe({ flow, sequence, form: 'as-sent' }, counted.seen, this.tallies);
    // Of a token that entered again it decides what came before: what is counted without its order would not say.
    const isAgain = this.tallies.steps[flow.step]?.entries.isAgain(flow, sequence) ?? true;
    if (counted.keepsAll || isAgain || plan.steps[flow.step]?.during.length !== 0) return false;
    const leaks = what === 'seen' && isLeak(flow, counted.seen.observer, this.tallies.parties);
    const stays = leaks ? this.isKept(flow, counted) : keep === 'all';
    return !stays && countGone(counted, what, flow.first + sequence);
  }

  lines(): readonly DiscardedFrames[] {
    return this.counted.flatMap((counted) => {
      if (counted === null) return [];
      const line = {
        step: counted.seen.step.index,
        observer: counted.seen.observer.name,
        entered: counted.entered.spans(),
        seen: counted.came.spans(),
        again: counted.again,
      };
      return line.entered.frames + line.seen.frames + line.again === 0 ? [] : [line];
    });
  }

  /** Where all but leaks is kept only these are counted: a mesh that holds has a million other sightings. */
  private staysAnyway({ seen, keepsAll }: Counted, flow: Flow, towards: boolean): boolean {
    if (this.input.keep !== 'all') return false;
    return keepsAll || (towards && !isLeak(flow, seen.observer, this.tallies.parties));
  }

  /** Is it one of the first of its leak, and in a mesh of all leaks there? */
  private isKept(flow: Flow, counted: Counted): boolean {
    counted.leaks += 1;
    if (counted.isMesh) return counted.leaks <= maxOfObserver;
    const row = `${flow.id}/${counted.seen.observer.name}`;
    const before = this.kept.get(row) ?? 0;
    this.kept.set(row, before + 1);
    return before < maxOfLeak;
  }
}

function countedOf({ keep, inferred }: LeakStoreInput, { step, observer }: StepListener): Counted {
  const unknown = inferred[step.index]?.has(observer.name) ?? true;
  return {
    seen: { step, observer, inferred: unknown, towards: false, frame: 0, high: 0, low: 0 },
    entered: tokenCollector(),
    came: tokenCollector(),
    again: 0,
    leaks: 0,
    isMesh: isMesh(step),
    keepsAll: unknown || step.during.length > 0 || (keep === 'all' && !isMesh(step)),
  };
}

/** Counts a frame that goes; false = it is none that can be counted. */
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
 * `--keep leaks`: probes that were where they belonged, and those of a leak beyond the first thousand, are counted by
 * their tokens and go. What the judge looks at closer stays: controls, forged and re-sent tokens, answers, what was
 * routed, whatever is none of the run's, and all of steps with events, which are distinguished by time.
 */
export function createLeakStore(input: LeakStoreInput): LeakStore {
  return new FoldedLeaks(input);
}
