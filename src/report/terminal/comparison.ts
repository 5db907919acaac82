import type { Result } from '../../core/model/result.js';
import { escapeText, nounFor } from '../../core/text/escape.js';
import { countLeakRows, type LeakRow, type RunComparison } from '../compare-results.js';
import { countText, firstLines, setText } from '../../core/text/names.js';
import { settingText } from '../setting-text.js';
import type { Difference } from '../state-differences.js';
import { leakText, overheardText } from '../reported-leaks.js';
import { foldAfter, type Paint, type Tint } from './layout.js';

const maxShown = 12;

function foldedList(texts: readonly string[], width: number): readonly string[] {
  return firstLines(texts, maxShown, (more) => `and ${more} more: --json`).flatMap((text) =>
    foldAfter('  ', escapeText(text), width),
  );
}

function rows(title: string, tint: Tint, leaks: readonly LeakRow[], width: number, paint: Paint): readonly string[] {
  if (leaks.length === 0) return [];
  return [
    paint(`${title} (${countText(countLeakRows(leaks))})`, 'bold', tint),
    ...foldedList(
      leaks.map(({ step, finding }) => `${step}: ${leakText(finding)}`),
      width,
    ),
    '',
  ];
}

function foldedLines({ folded }: RunComparison, width: number, paint: Paint): readonly string[] {
  if (folded.length === 0) return [];
  return [
    paint(`Not comparable pair by pair, ask for fewer pairs a step (${folded.length})`, 'bold', 'yellow'),
    ...foldedList(
      folded.map(
        ({ step, finding, before, after }) =>
          `${step}: ${overheardText(finding)}: ${leaksText(after)}, ${countText(before)} before`,
      ),
      width,
    ),
    '',
  ];
}

function leaksBecauseOf(place: string, rows: readonly LeakRow[]): number {
  return countLeakRows(
    rows.filter(({ finding }) => finding.causes.some((cause) => cause.place.split(', ').includes(place))),
  );
}

function leaksText(count: number): string {
  return `${countText(count)} ${nounFor(count, 'leak')}`;
}

/** Their content is JSON. */
const listings: Readonly<Record<string, string>> = {
  vlan: 'the VLANs of ports',
  mdb: 'the members of multicast groups',
  tc: 'the rules of tc',
  nft: 'the rules of nft',
};

function settingSentences(
  settings: readonly { readonly step: string; readonly differences: readonly Difference[] }[],
  { began, stopped }: RunComparison,
): readonly string[] {
  const steps = new Map<string, { readonly difference: Difference; readonly steps: string[] }>();
  for (const { step, differences } of settings) {
    for (const difference of differences) {
      const key = JSON.stringify(difference);
      const known = steps.get(key);
      if (known === undefined) steps.set(key, { difference, steps: [step] });
      else known.steps.push(step);
    }
  }
  const changes = [...steps.values()].map(({ difference: { place, before, after }, steps: names }) => {
    const [more, fewer] = [leaksBecauseOf(place, began), leaksBecauseOf(place, stopped)];
    const listing = listings[place];
    const change =
      listing === undefined
        ? `${place} ${settingText(place, before)} → ${settingText(place, after)}`
        : `${listing} changed (--json has them)`;
    const effects = [
      ...(more === 0 ? [] : [`${leaksText(more)} began because of it`]),
      ...(fewer === 0 ? [] : [`${leaksText(fewer)} ended with it`]),
    ];
    const where = names.length === settings.length ? '' : ` (${setText(names)})`;
    return { weight: more + fewer, text: [`${change}${where}`, ...effects].join('; ') };
  });
  return [...changes].sort((a, b) => b.weight - a.weight).map(({ text }) => text);
}

/** Leaks that began and stopped, verdicts, settings. */
export function comparisonText(
  runs: readonly [Result, Result],
  comparison: RunComparison,
  settings: readonly { readonly step: string; readonly differences: readonly Difference[] }[],
  width: number,
  paint: Paint,
): string {
  const [first, second] = runs;
  const { began, stopped, untold, folded, verdicts, onlyFirst, onlySecond } = comparison;
  const sentences = settingSentences(settings, comparison);
  const changed = foldedList(sentences, width);
  const lines = [
    ...foldAfter(
      '',
      `${escapeText(second.scenario.name)}: run ${escapeText(second.run.id)} of ${escapeText(second.run.startedAt)} against run ${escapeText(first.run.id)} of ${escapeText(first.run.startedAt)}${first.scenario.sha256 === second.scenario.sha256 ? '' : '; the scenario file is another one'}`,
      width,
    ),
    '',
    ...(changed.length === 0 ? [] : [paint('What was changed', 'bold'), ...changed, '']),
    ...rows('Began to leak', 'red', began, width, paint),
    ...rows('Stopped leaking, proven', 'green', stopped, width, paint),
    ...rows('Leaked before, not proven now', 'yellow', untold, width, paint),
    ...foldedLines(comparison, width, paint),
    ...(verdicts.length === 0
      ? []
      : [
          paint('Verdicts', 'bold'),
          ...foldedList(
            verdicts.map(
              ({ step, before, after }) => `${step}: was ${before ?? 'not judged'}, is ${after ?? 'not judged'}`,
            ),
            width,
          ),
          '',
        ]),
    ...[
      ...onlyFirst.map((name) => `only in the first run: ${escapeText(name)}`),
      ...onlySecond.map((name) => `only in the second run: ${escapeText(name)}`),
    ],
    ...(began.length + stopped.length + untold.length + folded.length + verdicts.length + changed.length === 0
      ? ['no difference in leaks, verdicts or settings']
      : []),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}
