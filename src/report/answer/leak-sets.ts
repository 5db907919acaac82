import type { ReportedRun } from '../reporter.js';
import { answerOf, storyText } from './answer.js';
import { whoText } from './participants.js';

/** In a picture. */
export const maxSets = 4;

/** Senders and overhearing observers of one cause. */
export interface LeakSet {
  /** From 1. */
  readonly number: number;
  readonly from: ReadonlySet<string>;
  readonly observers: ReadonlySet<string>;
  /** Not escaped. */
  readonly who: string;
  readonly text: string;
  readonly failing: boolean;
}

/** An endpoint's part in a set. */
export type SetPart = 'sends' | 'overhears' | 'both';

/** null = none. */
export function partIn({ from, observers }: LeakSet, name: string): SetPart | null {
  if (observers.has(name)) return from.has(name) ? 'both' : 'overhears';
  return from.has(name) ? 'sends' : null;
}

/** The largest part of one of `names`. */
export function partOfAll(set: LeakSet, names: readonly string[]): SetPart | null {
  const parts = new Set(names.map((name) => partIn(set, name)));
  if (parts.has('both') || (parts.has('sends') && parts.has('overhears'))) return 'both';
  if (parts.has('overhears')) return 'overhears';
  return parts.has('sends') ? 'sends' : null;
}

export const partMarks: Readonly<Record<SetPart, string>> = { sends: '●', overhears: '▲', both: '◆' };

function isMost(names: ReadonlySet<string>, among: readonly string[]): boolean {
  return names.size > 2 && among.filter((name) => names.has(name)).length * 2 > among.length;
}

/** Unexpected leaks first. */
export function leakSets(run: ReportedRun): readonly LeakSet[] {
  const { stories, audience } = answerOf(run);
  return stories.map((story, at) => {
    const { from, observers } = story.group;
    const [senders, ears] = [new Set(from), new Set(observers)];
    const everybody = [...audience.names];
    // An uplink that only listens keeps nobody from hearing all.
    const isAll = everybody.length > 2 && everybody.every((name) => ears.has(name)) && isMost(senders, everybody);
    const lead = isAll ? 'all hear all: ' : '';
    return {
      number: at + 1,
      from: senders,
      observers: ears,
      who: `${lead}${whoText(story.group, audience)}`,
      text: `${lead}${storyText(story, audience)}`,
      failing: story.failing,
    };
  });
}
