import { listText } from '../../core/text/names.js';
import { join } from 'node:path';
import { VerifyError, messageOf, usageError } from '../../core/model/verify-error.js';
import { escapeText } from '../../core/text/escape.js';
import type { ReportedRun, UnendedRun, View } from '../../report/reporter.js';
import { type ReporterName, reporterNames, reporters } from '../../report/reporters.js';
import { writeNamedFile } from '../../system/evidence/folder/named-file.js';
import { ownCall } from '../called-as.js';
import { columnsOf, wantsColor } from '../screen.js';

/** path null = stdout. */
export interface ChosenReporter {
  readonly name: ReporterName;
  readonly path: string | null;
}

/** An unwritten report and the exit status it adds. */
export interface FailedReport {
  readonly text: string;
  readonly status: 69 | 70;
}

/** `error`: the system's refusal, or a fault in the program. */
export function failedReport(text: string, error: unknown): FailedReport {
  const isRefused = error instanceof VerifyError || (error instanceof Error && 'syscall' in error);
  return { text: `${text}: ${messageOf(error)}`, status: isRefused ? 69 : 70 };
}

/** Reads `--reporter NAME[=PATH]` and `--json`. At most one reporter has stdout, by default the terminal's. */
export function chooseReporters(requested: readonly string[], json: boolean): readonly ChosenReporter[] {
  const chosen: ChosenReporter[] = requested.map((text) => {
    const at = text.indexOf('=');
    const word = at === -1 ? text : text.slice(0, at);
    const path = at === -1 ? null : text.slice(at + 1);
    const name = reporterNames.find((reporter) => reporter === word);
    if (name === undefined)
      throw usageError(`--reporter: ${word} is not a reporter`, `known: ${reporterNames.join(', ')}`);
    if (path === '')
      throw usageError(`--reporter ${text}: no path after =`, `give one, as in --reporter ${name}=report.txt`);
    return { name, path };
  });
  if (json) chosen.push({ name: 'json', path: null });
  const onStdout = chosen.filter((reporter) => reporter.path === null);
  if (onStdout.length > 1)
    throw usageError(
      `${listText(onStdout.map((reporter) => reporter.name))} both write to stdout`,
      'give all but one a path: --reporter NAME=PATH',
    );
  return onStdout.length === 0 ? [{ name: 'terminal', path: null }, ...chosen] : chosen;
}

const reportFiles: Readonly<Record<ReporterName, string>> = {
  terminal: 'report.txt',
  json: 'result.json',
  junit: 'junit.xml',
  html: 'report.html',
  markdown: 'report.md',
  github: 'annotations.txt',
  prometheus: 'metrics.prom',
  ndjson: 'events.ndjson',
  sarif: 'report.sarif',
  csv: 'rows.csv',
};

/** Every reporter with a file in the folder. */
export function everyReport(folder: string): readonly ChosenReporter[] {
  return reporterNames.map((name) => ({ name, path: join(folder, reportFiles[name]) }));
}

export interface ReportWriting {
  readonly verbose?: boolean;
  readonly wide?: boolean;
  readonly whyNotJudged?: string | undefined;
  /** Of all runs. */
  readonly status?: number;
  readonly brief?: boolean;
  readonly unended?: readonly UnendedRun[];
}

/** Writes every report of runs, as `writeTexts` does. */
export async function writeReports(
  chosen: readonly ChosenReporter[],
  runs: readonly ReportedRun[],
  writing: ReportWriting = {},
): Promise<readonly FailedReport[]> {
  const loaded = await Promise.all(
    chosen.map(async ({ name, path }) => ({ name, path, reporter: await reporters[name]() })),
  );
  return writeTexts(
    loaded.map(({ name, path, reporter }) => ({ name, path, render: (view) => reporter(runs, view) })),
    writing,
  );
}

/** The short answer on stderr, beside a machine's report on stdout. */
export async function writeAnswerToLog(
  runs: readonly ReportedRun[],
  about: Pick<ReportWriting, 'status' | 'unended'>,
): Promise<void> {
  const { terminalReport } = await import('../../report/terminal/terminal.js');
  const view = { width: columnsOf(process.stderr), color: wantsColor(process.stderr) };
  process.stderr.write(terminalReport(runs, { ...view, command: ownCall(), ...about }));
}

/** Rendered on writing; path null = stdout. */
export interface ReportText {
  readonly name: string;
  readonly path: string | null;
  readonly render: (view: View) => string;
}

/** Writes files before stdout. A failure does not stop others; gives all failures. */
export async function writeTexts(
  texts: readonly ReportText[],
  { brief = false, wide = false, ...writing }: ReportWriting,
): Promise<readonly FailedReport[]> {
  const { whyNotJudged, ...known } = writing;
  const context = { ...known, command: ownCall(), ...(whyNotJudged === undefined ? {} : { whyNotJudged }) };
  const failed: FailedReport[] = [];
  const sorted = [...texts].sort((a, b) => Number(a.path === null) - Number(b.path === null));
  for (const { name, path, render } of sorted) {
    try {
      if (path === null) {
        process.stdout.write(render({ ...stdoutView(wide), ...context, brief }));
        continue;
      }
      writeNamedFile(path, render({ width: 100, color: false, ...context }));
    } catch (error) {
      failed.push(failedReport(`the ${name} report could not be written${path === null ? '' : ` to ${path}`}`, error));
    }
  }
  return failed;
}

/** Prints failed reports on stderr. Gives the statuses they add, below a verdict of 2. */
export function printFailedReports(
  failed: readonly FailedReport[],
  again = 'report DIR --format NAME -o FILE',
  isAlone = false,
): readonly number[] {
  for (const { text } of failed)
    process.stderr.write(
      `verify-isolation: ${escapeText(text)}\n  the evidence is complete${isAlone ? '' : ' and the other reports were written'}; write this one again with: ${escapeText(ownCall())} ${again}\n`,
    );
  return failed.map(({ status }) => status);
}

function stdoutView(isWide: boolean): View {
  const { isTTY, rows } = process.stdout;
  const size = isTTY ? { height: rows } : { uncut: true };
  return { width: columnsOf(process.stdout, 80, isWide), color: wantsColor(process.stdout), ...size };
}
