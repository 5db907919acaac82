import { counted, escapeText } from '../../core/text/escape.js';
import { type History, leakChangeText, momentText } from '../history.js';
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

/** Runs of scenarios from the first to the last, with what began to leak and what stopped; a last line for each. */
export function historyText(histories: readonly History[], width: number, paint: Paint): string {
  return histories.map((history) => `${scenarioLines(history, width, paint).join('\n')}\n`).join('\n');
}
