import type { Result } from '../../core/model/result.js';
import { counted, escapeText, quoteForShell } from '../../core/text/escape.js';
import type { ReportedRun, Reporter, View } from '../reporter.js';
import { answerOf, holdLimits } from '../answer/answer.js';
import { exposedText, exposedWord } from '../answer/exposures.js';
import { proofSections } from '../answer/proof.js';
import { outcomeSections } from '../answer/sections.js';
import { summary } from '../word.js';
import { closingLines, sumLines } from './closing.js';
import { foldAfter, makePaint, type Paint } from './layout.js';
import { printSection } from './blocks.js';
import { shortReport } from './short.js';
import { terminalTable } from './table.js';

function verdictLines(result: Result, width: number, paint: Paint): readonly string[] {
  const word = exposedWord(result);
  const seconds = (result.run.durationMs / 1000).toFixed(1);
  const { limits, joint } = holdLimits(result);
  const [first = '', ...rest] = foldAfter(
    `${word.text}${limits === '' ? '  ' : joint}`,
    `${limits === '' ? '' : `${escapeText(limits)}. `}${escapeText(result.scenario.name)}: ${summary(result)}${exposedText(result) === '' ? '' : `. ${exposedText(result)}`} (${seconds} s)`,
    width,
  );
  return [paint(word.text, 'bold', word.tint) + first.slice(word.text.length), ...rest, ''];
}

function evidenceLines(
  { dir, result, capture: name = 'evidence.pcapng' }: ReportedRun,
  view: View,
  paint: Paint,
): readonly string[] {
  if (dir === null) return [];
  const capture = quoteForShell(escapeText(`${dir}/${name}`));
  return [
    paint('Evidence', 'bold'),
    `  ${escapeText(dir)}`,
    ...(result.evidence.files.some((file) => file.path === 'evidence.pcapng')
      ? [
          `  look at it:   wireshark ${result.steps.some((step) => step.findings.some((finding) => finding.leak)) ? `-Y 'frame.comment contains "LEAK"' ` : ''}${capture}`,
        ]
      : []),
    `  judge again:  ${escapeText(view.command ?? 'verify-isolation')} replay ${quoteForShell(escapeText(dir))}`,
  ];
}

const elsewhere = new Set(['claims', 'provenance', 'method']);

function wholeReport(run: ReportedRun, view: View, width: number, paint: Paint): readonly string[] {
  const { result } = run;
  return [
    ...verdictLines(result, width, paint),
    ...terminalTable(result, width, paint),
    '',
    ...[...outcomeSections(run, answerOf(run)), ...proofSections(run)]
      .filter(({ id }) => !elsewhere.has(id))
      .flatMap((section) => printSection(section, width, paint)),
    ...evidenceLines(run, view, paint),
    ...(run.dir === null ? [] : ['']),
    ...closingLines(run, view, width, paint),
  ];
}

const maxBrief = 9;

function briefLines(run: ReportedRun, view: View, width: number, paint: Paint): readonly string[] {
  const { steps } = run.result;
  const unfinished = steps.filter(({ reasons }) =>
    reasons.some(({ code }) => code === 'not-run' || code === 'interrupted'),
  );
  return [
    `${steps.length - unfinished.length} of ${counted(steps.length, 'step was', 'steps were')} carried out`,
    ...closingLines(run, view, width, paint),
  ];
}

/** The verdict first and last. With `verbose` also the table and the basis of zeros. */
export const terminalReport: Reporter = (runs: readonly ReportedRun[], view: View): string => {
  const paint = makePaint(view.color);
  const width = Math.max(view.width, 60);
  if (view.brief === true) {
    const texts = runs.flatMap((run) => briefLines(run, view, width, paint));
    return `${texts.slice(0, maxBrief).join('\n')}\n`;
  }
  const complete = view.verbose === true;
  const shown =
    runs.length === 1 || complete ? runs : runs.filter(({ result, status = result.exitCode }) => status !== 0);
  const texts = [
    ...shown.map((run) => (complete ? wholeReport : shortReport)(run, view, width, paint)),
    ...(runs.length === 1 && (view.unended ?? []).length === 0 ? [] : [sumLines(runs, view, width, paint)]),
  ];
  return texts.map((lines) => `${lines.map((line) => line.trimEnd()).join('\n')}\n`).join('\n');
};
