import type { Result } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import type { RunComparison, LeakRow } from '../compare-results.js';
import type { Difference } from '../state-differences.js';
import { leakText } from '../told-leaks.js';
import { foldAfter, type Paint, type Tint } from './layout.js';

const mostShown = 60;

function rows(title: string, tint: Tint, all: readonly LeakRow[], width: number, paint: Paint): readonly string[] {
  if (all.length === 0) return [];
  return [
    paint(`${title} (${all.length})`, 'bold', tint),
    ...all
      .slice(0, mostShown)
      .flatMap(({ step, finding }) => foldAfter('  ', `${escapeText(step)}: ${escapeText(leakText(finding))}`, width)),
    ...(all.length > mostShown ? [`  and ${all.length - mostShown} more`] : []),
    '',
  ];
}

/** What differs between two runs, for people: leaks that began and stopped, verdicts, settings. */
export function comparisonText(
  runs: readonly [Result, Result],
  comparison: RunComparison,
  settings: readonly { readonly step: string; readonly differences: readonly Difference[] }[],
  width: number,
  paint: Paint,
): string {
  const [first, second] = runs;
  const { began, stopped, untold, verdicts, onlyFirst, onlySecond } = comparison;
  const changed = settings.flatMap(({ step, differences }) =>
    differences
      .slice(0, mostShown)
      .flatMap((difference) =>
        foldAfter(
          '  ',
          `${escapeText(step)}: ${escapeText(difference.place)} was ${escapeText(difference.before ?? 'not there')}, is ${escapeText(difference.after ?? 'not there')}`,
          width,
        ),
      ),
  );
  const lines = [
    ...foldAfter(
      '',
      `${escapeText(second.scenario.name)}: run ${escapeText(second.run.id)} of ${escapeText(second.run.startedAt)} against run ${escapeText(first.run.id)} of ${escapeText(first.run.startedAt)}${first.scenario.sha256 === second.scenario.sha256 ? '' : '; the scenario file is another one'}`,
      width,
    ),
    '',
    ...rows('Began to leak', 'red', began, width, paint),
    ...rows('Stopped leaking, proven', 'green', stopped, width, paint),
    ...rows('Leaked before, not proven now', 'yellow', untold, width, paint),
    ...(verdicts.length === 0
      ? []
      : [
          paint('Verdicts', 'bold'),
          ...verdicts.flatMap(({ step, before, after }) =>
            foldAfter('  ', `${escapeText(step)}: was ${before ?? 'not judged'}, is ${after ?? 'not judged'}`, width),
          ),
          '',
        ]),
    ...(changed.length === 0 ? [] : [paint('Settings as the probes began', 'bold'), ...changed, '']),
    ...[
      ...onlyFirst.map((name) => `only in the first run: ${escapeText(name)}`),
      ...onlySecond.map((name) => `only in the second run: ${escapeText(name)}`),
    ],
    ...(began.length + stopped.length + untold.length + verdicts.length + changed.length === 0
      ? ['no difference in leaks, verdicts or settings']
      : []),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
