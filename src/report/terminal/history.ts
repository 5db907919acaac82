import { counted, escapeText } from '../../core/text/escape.js';
import { type History, leakChangeText, momentText, type Uncounted } from '../history.js';
import { unendedWord } from '../word.js';
import { foldAfter, padEnd, type Paint, widthOf } from './layout.js';

function scenarioLines({ scenario, runs, since }: History, width: number, paint: Paint): readonly string[] {
  const wordWidth = Math.max(...runs.map(({ word }) => widthOf(word.text)));
  const lines = runs.flatMap(({ at, word, dir, changes }) => [
    `  ${momentText(at)}  ${paint(padEnd(word.text, wordWidth), 'bold', word.tint)}  ${escapeText(dir)}`,
    ...changes.flatMap((change) => foldAfter(' '.repeat(20), escapeText(leakChangeText(change)), width)),
  ]);
  const last = runs.at(-1);
  const name = escapeText(scenario);
  return [
    paint(name, 'bold'),
    ...lines,
    `${name}: ${last?.word.text ?? ''} since ${momentText(since)}; ${counted(runs.length, 'run')}`,
  ];
}

/** Folders without a result and copies, then leaks that began or stopped. */
export function historyText(
  histories: readonly History[],
  { unended, copies }: { readonly unended: readonly Uncounted[]; readonly copies: readonly Uncounted[] },
  width: number,
  paint: Paint,
): string {
  const { text, tint } = unendedWord;
  const lines = [
    ...unended.map(({ dir, why }) => `${paint(text, 'bold', tint)}  ${escapeText(dir)}: ${escapeText(why)}\n`),
    ...copies.map(({ dir, why }) => `${escapeText(dir)}: ${escapeText(why)}\n`),
  ];
  const scenarios = histories.map((history) => `${scenarioLines(history, width, paint).join('\n')}\n`).join('\n');
  return `${lines.join('')}${scenarios}`;
}
