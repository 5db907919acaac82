import type { Result } from '../core/model/result.js';
import { countText, setText } from '../core/text/names.js';
import { compareResults, countLeakRows, leakKey, type LeakRow, type RunComparison } from './compare-results.js';
import { exposedWord } from './answer/exposures.js';
import type { Word } from './word.js';

/** Changed leaks between two runs. */
export interface LeakChange {
  readonly kind: 'began' | 'stopped' | 'not proven now';
  readonly leaks: number;
  /** `c overhears a and b (known-unicast)` */
  readonly text: string;
  /** RFC 3339, the first of several. */
  readonly since: string;
}

/** A run of a scenario. */
export interface HistoryRun {
  readonly dir: string;
  readonly at: string;
  readonly word: Word;
  readonly status: number;
  readonly changes: readonly LeakChange[];
}

/** Runs of a scenario in order. */
export interface History {
  readonly scenario: string;
  readonly runs: readonly HistoryRun[];
  /** The run since which all have the last one's word. */
  readonly since: string;
}

function changeText(leaks: readonly LeakRow[]): string {
  const namesOf = (key: 'from' | 'observer' | 'class'): readonly string[] => [
    ...new Set(leaks.map(({ finding }) => finding[key])),
  ];
  const observers = namesOf('observer');
  return `${setText(observers)} ${observers.length === 1 ? 'overhears' : 'overhear'} ${setText(namesOf('from'))} (${setText(namesOf('class'))})`;
}

function changesOf(compared: RunComparison, at: string, began: Map<string, string>): readonly LeakChange[] {
  const keyOf = ({ step, finding }: LeakRow): string => leakKey(step, finding);
  for (const row of compared.began) began.set(keyOf(row), at);
  const changeOf = (kind: LeakChange['kind'], leaks: readonly LeakRow[]): readonly LeakChange[] => {
    const [since = at] = leaks.flatMap((row) => began.get(keyOf(row)) ?? []).sort();
    return leaks.length === 0 ? [] : [{ kind, leaks: countLeakRows(leaks), text: changeText(leaks), since }];
  };
  return [
    ...changeOf('began', compared.began),
    ...changeOf('stopped', compared.stopped),
    ...changeOf('not proven now', compared.untold),
  ];
}

/** A folder that is not counted. */
export interface Uncounted {
  readonly dir: string;
  readonly why: string;
}

interface JudgedFolder {
  readonly dir: string;
  readonly result: Result;
}

/** Runs, and folders with the id of an earlier one. */
export function withoutCopies<R extends JudgedFolder>(
  runs: readonly R[],
): { readonly runs: readonly R[]; readonly copies: readonly Uncounted[] } {
  const first = new Map(runs.toReversed().map((run) => [run.result.run.id, run] as const));
  const copies = runs.flatMap(({ dir, result }) => {
    const original = first.get(result.run.id)?.dir ?? dir;
    return original === dir ? [] : [{ dir, why: `a copy of ${original}, which is counted` }];
  });
  return { runs: runs.filter((run) => first.get(run.result.run.id) === run), copies };
}

/** Runs by scenario and time, compared with the one before; the first with a run without leaks. */
export function historiesOf(runs: readonly JudgedFolder[]): readonly History[] {
  const sorted = runs.toSorted((a, b) => a.result.run.startedAt.localeCompare(b.result.run.startedAt, 'en'));
  const names = [...new Set(sorted.map(({ result }) => result.scenario.name))];
  return names.map((scenario): History => {
    const began = new Map<string, string>();
    let open: readonly LeakRow[] = [];
    const mine = sorted.filter(({ result }) => result.scenario.name === scenario);
    const known = mine.map(({ dir, result }, index): HistoryRun => {
      const before = mine[index - 1]?.result ?? { ...result, steps: [] };
      const compared = compareResults(before, result, open);
      open = compared.untold;
      const at = result.run.startedAt;
      return { dir, at, word: exposedWord(result), status: result.exitCode, changes: changesOf(compared, at, began) };
    });
    const last = known.at(-1);
    const otherwise = known.findLastIndex(({ word }) => word.text !== last?.word.text);
    return { scenario, runs: known, since: known[otherwise + 1]?.at ?? '' };
  });
}

/** One line, with the begin unless leaks began. */
export function leakChangeText({ kind, leaks, text, since }: LeakChange): string {
  const count = `${countText(leaks)} ${leaks === 1 ? 'leak' : 'leaks'} ${kind}`;
  return `${count}: ${text}${kind === 'began' ? '' : `, which began ${momentText(since)}`}`;
}

/** `2026-11-24 17:00` */
export function momentText(at: string): string {
  return at.slice(0, 16).replace('T', ' ');
}
