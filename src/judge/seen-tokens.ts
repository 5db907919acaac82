import type { Flow, Flows } from '../model/plan.js';
import { mostTokens } from './classify.js';
import type { First } from './tally.js';

/**
 * Which observer saw which tokens of a step's flows. Most tokens are seen by one observer, so the first of each has a place in
 * arrays; the others, which are leaks and broadcasts, are kept by flow.
 */
export interface SeenTokens {
  /** False if this observer has seen the token before. */
  add(flow: Flow, sequence: number, observer: string, first: First): boolean;
  /** Distinct tokens of the flow that the observer saw. */
  count(flow: Flow, observer: string): number;
  first(flow: Flow, observer: string): First | undefined;
  /** Everyone who saw any token of the flow. */
  observersOf(flow: Flow): readonly string[];
}

interface Later {
  readonly sequences: Set<number>;
  first: First;
}

export function createSeenTokens(flows: Flows): SeenTokens {
  const base = flows.at(0)?.first ?? 0;
  const last = flows.at(flows.length - 1);
  const tokens = last === undefined ? 0 : Math.min(mostTokens, Math.max(0, last.first + last.count - base));
  const names: string[] = [];
  const numbers = new Map<string, number>();
  /** Number of the first observer, from 1; 0 = nobody yet. */
  const who = new Uint32Array(tokens);
  const frames = new Float64Array(tokens);
  const times = new BigInt64Array(tokens);
  const later = new Map<number, Map<number, Later>>();

  function numberOf(observer: string): number {
    const known = numbers.get(observer);
    if (known !== undefined) return known;
    names.push(observer);
    numbers.set(observer, names.length);
    return names.length;
  }
  function note(at: number, first: First): void {
    frames[at] = first.frame;
    times[at] = first.timeNs;
  }
  function addLater(flow: Flow, number: number, sequence: number, first: First): boolean {
    const ofFlow = later.get(flow.id) ?? new Map<number, Later>();
    later.set(flow.id, ofFlow);
    const known = ofFlow.get(number);
    if (known === undefined) {
      ofFlow.set(number, { sequences: new Set([sequence]), first });
      return true;
    }
    if (first.timeNs < known.first.timeNs) known.first = first;
    const fresh = !known.sequences.has(sequence);
    known.sequences.add(sequence);
    return fresh;
  }

  return {
    add(flow, sequence, observer, first) {
      const at = flow.first - base + sequence;
      if (sequence < 0 || sequence >= flow.count || at < 0 || at >= tokens) return false;
      const number = numberOf(observer);
      if (who[at] === 0) {
        who[at] = number;
        note(at, first);
        return true;
      }
      if (who[at] !== number) return addLater(flow, number, sequence, first);
      if (first.timeNs < (times[at] ?? 0n)) note(at, first);
      return false;
    },
    count(flow, observer) {
      const number = numbers.get(observer);
      if (number === undefined) return 0;
      let count = later.get(flow.id)?.get(number)?.sequences.size ?? 0;
      for (let at = flow.first - base, end = at + flow.count; at < end; at += 1) if (who[at] === number) count += 1;
      return count;
    },
    first(flow, observer) {
      const number = numbers.get(observer);
      if (number === undefined) return undefined;
      let first = later.get(flow.id)?.get(number)?.first;
      for (let at = flow.first - base, end = at + flow.count; at < end; at += 1) {
        const timeNs = times[at] ?? 0n;
        if (who[at] === number && (first === undefined || timeNs < first.timeNs)) first = { frame: frames[at] ?? 0, timeNs };
      }
      return first;
    },
    observersOf(flow) {
      const found = new Set(later.get(flow.id)?.keys() ?? []);
      for (let at = flow.first - base, end = at + flow.count; at < end; at += 1) found.add(who[at] ?? 0);
      return [...found].flatMap((number) => names[number - 1] ?? []);
    },
  };
}
