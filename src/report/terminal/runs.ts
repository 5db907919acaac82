import { escapeText } from '../../core/text/escape.js';
import { exposedWord } from '../answer/exposures.js';
import type { ReportedRun, UnendedRun } from '../reporter.js';
import { unendedWord, type Word } from '../word.js';
import { padEnd, type Paint, widthOf } from './layout.js';

interface Row {
  readonly word: Word;
  readonly cells: readonly string[];
}

function rowOf(run: ReportedRun | UnendedRun): Row {
  if ('why' in run) return { word: unendedWord, cells: ['–', '–', '–', run.why] };
  const { result, details, dir } = run;
  const when = `${result.run.startedAt.slice(0, 16).replace('T', ' ')} UTC`;
  const host = details?.run.provenance?.where.host ?? '–';
  return { word: exposedWord(result), cells: [result.scenario.name, host, when, dir ?? ''] };
}

/** A line a run: its word, scenario, host, time and folder. */
export function runsTable(runs: readonly (ReportedRun | UnendedRun)[], paint: Paint): string {
  const rows = runs.map(rowOf).map(({ word, cells }) => ({ word, cells: [word.text, ...cells.map(escapeText)] }));
  const widths = [0, 1, 2, 3].map((at) => Math.max(...rows.map(({ cells }) => widthOf(cells[at] ?? ''))));
  const lines = rows.map(({ word, cells }) => {
    const [first = '', ...rest] = cells.map((cell, at) => padEnd(cell, widths[at] ?? 0));
    return [paint(first, 'bold', word.tint), ...rest].join('  ');
  });
  return `${lines.join('\n')}\n`;
}
