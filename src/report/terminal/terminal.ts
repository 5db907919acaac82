import type { Result, StepResult } from '../../core/model/result.js';
import { escapeText } from '../../core/text/escape.js';
import { quoteForShell } from '../../core/text/shell.js';
import type { ReportedRun, Reporter, View } from '../reporter.js';
import { runWord, stepWord } from '../word.js';
import { terminalFixes } from './fixes.js';
import { foldAfter, makePaint, type Paint } from './layout.js';
import { terminalLeaks } from './leaks.js';
import { terminalPassed } from './passed.js';
import { terminalProof, terminalReasons } from './proof.js';
import { terminalTable } from './table.js';
import { terminalWhyHolds } from './why-holds.js';

function count(steps: readonly StepResult[], word: string, one: string, many: string): readonly string[] {
  const number = steps.filter((step) => stepWord(step).text === word).length;
  return number === 0 ? [] : [`${number} ${number === 1 ? one : many}`];
}

/** `3 steps hold, 2 leaks reproduced` */
function summary(result: Result): string {
  const { steps } = result;
  const parts = [
    ...count(steps, 'BROKEN', 'step is broken', 'steps are broken'),
    ...count(steps, 'INCONCLUSIVE', 'step is inconclusive', 'steps are inconclusive'),
    ...count(steps, 'HOLDS', 'step holds', 'steps hold'),
    ...count(steps, 'REPRODUCED', 'expected leak reproduced', 'expected leaks reproduced'),
    ...count(steps, 'UNSUPPORTED', 'step unsupported here', 'steps unsupported here'),
  ];
  return `${parts.length === 0 ? 'nothing was judged' : parts.join(', ')}${result.asExpected ? '' : '; not as expected'}`;
}

function verdictLines(result: Result, width: number, paint: Paint): readonly string[] {
  const word = runWord(result);
  const seconds = (result.run.durationMs / 1000).toFixed(1);
  const [first = '', ...rest] = foldAfter(
    `${word.text}  `,
    `${escapeText(result.scenario.name)}: ${summary(result)} (${seconds} s)`,
    width,
  );
  return [paint(word.text, 'bold', word.tint) + first.slice(word.text.length), ...rest, ''];
}

function evidenceLines({ dir, result }: ReportedRun, paint: Paint): readonly string[] {
  if (dir === null) return [];
  const capture = quoteForShell(escapeText(`${dir}/evidence.pcapng`));
  return [
    paint('Evidence', 'bold'),
    `  ${escapeText(dir)}`,
    ...(result.evidence.files.some((file) => file.path === 'evidence.pcapng')
      ? [
          `  look at it:   wireshark ${result.steps.some((step) => step.findings.some((finding) => finding.leak)) ? `-Y 'frame.comment contains "LEAK"' ` : ''}${capture}`,
        ]
      : []),
    `  judge again:  npx verify-isolation replay ${quoteForShell(escapeText(dir))}`,
  ];
}

function reportOne(run: ReportedRun, width: number, paint: Paint, verbose: boolean): string {
  const { result } = run;
  const lines = [
    ...verdictLines(result, width, paint),
    ...terminalTable(result, width, paint),
    '',
    ...terminalLeaks(result, width, paint),
    ...terminalFixes(result, width, paint),
    ...terminalWhyHolds(result, width, paint),
    ...terminalReasons(result, width, paint),
    ...(verbose ? terminalPassed(result, width, paint) : []),
    ...terminalProof(result, width, paint),
    ...evidenceLines(run, paint),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

/**
 * For people: the verdict first, one table, what leaked, what is not proven, what the zeros rest on, and how to look
 * for oneself.
 */
export const terminalReport: Reporter = (runs: readonly ReportedRun[], view: View): string => {
  const paint = makePaint(view.color);
  const width = Math.min(Math.max(view.width, 60), 100);
  return runs.map((run) => reportOne(run, width, paint, view.verbose === true)).join('\n');
};
