import type { Result } from '../core/model/result.js';
import { escapeText } from '../core/text/escape.js';
import type { ReportedRun, Reporter } from './reporter.js';
import { failingLeaks, missingProof, type Told } from './told-leaks.js';
import { expectedWord, runWord, stepWord } from './word.js';

const mostLines = 50;

function list(title: string, told: readonly Told[]): readonly string[] {
  if (told.length === 0) return [];
  return [
    '',
    `**${title}**`,
    '',
    ...told.slice(0, mostLines).map(({ step, text }) => `- step ${step + 1}: ${plainMarkdown(text)}`),
    ...(told.length > mostLines ? [`- and ${told.length - mostLines} more, all of them in result.json`] : []),
  ];
}

const marks: Readonly<Record<string, string>> = { HOLDS: '✔', BROKEN: '✖', REPRODUCED: '◆', INCONCLUSIVE: '?' };

function one(result: Result): readonly string[] {
  const rows = result.steps.map((step, at) => {
    const word = stepWord(step).text;
    return `| ${at + 1} | ${plainMarkdown(step.name)} | ${marks[word] ?? ''} ${word} | ${expectedWord(step)}${step.asExpected ? '' : ' ≠'} |`;
  });
  const seen = (pick: (observer: Result['steps'][number]['observers'][number]) => number): number =>
    result.steps.flatMap((step) => step.observers).reduce((total, observer) => total + pick(observer), 0);
  return [
    `## ${runWord(result).text}: ${plainMarkdown(result.scenario.name)}`,
    '',
    '| step | claim | the wire showed | expected |',
    '| ---: | --- | --- | --- |',
    ...rows,
    ...list('Leaks', failingLeaks(result)),
    ...list('Not proven', missingProof(result)),
    '',
    `${result.coverage.observed} of ${result.coverage.ports} ports observed, ${seen((observer) => observer.controlsSeen)} of ${seen((observer) => observer.controlsSent)} controls seen, ${seen((observer) => observer.dropped)} of ${seen((observer) => observer.received)} frames dropped. Run ${plainMarkdown(result.run.id)}.`,
  ];
}

/** For comments and job summaries. */
export const markdownReport: Reporter = (runs: readonly ReportedRun[]): string =>
  `${runs.map(({ result }) => one(result).join('\n')).join('\n\n')}\n`;

/** Text inside Markdown: no mark of it, no HTML and no mention of somebody acts. */
export function plainMarkdown(text: string): string {
  return escapeText(text).replace(/[\\`*_{}[\]()#+!|~<>&@$:]/g, (mark) => `&#${mark.charCodeAt(0)};`);
}
