import { VerifyError } from '../model/verify-error.js';
import type { ReportedRun, View } from '../report/reporter.js';
import { isReporterName, reporterNames, reporters } from '../report/reporters.js';
import type { ReporterName } from '../report/reporters.js';

/** A reporter and where its text goes; null = stdout. */
export interface ChosenReporter {
  readonly name: ReporterName;
  readonly path: string | null;
}

function usage(message: string, hint: string): VerifyError {
  return new VerifyError('usage', 64, message, hint);
}

/** Reads `--reporter NAME[=PATH]` and `--json`. One reporter at most has stdout: the terminal's where nobody asks for it. */
export function chooseReporters(asked: readonly string[], json: boolean): readonly ChosenReporter[] {
  const chosen: ChosenReporter[] = asked.map((text) => {
    const at = text.indexOf('=');
    const name = at === -1 ? text : text.slice(0, at);
    const path = at === -1 ? null : text.slice(at + 1);
    if (!isReporterName(name)) throw usage(`--reporter: ${name} is not a reporter`, `known: ${reporterNames.join(', ')}`);
    if (path === '') throw usage(`--reporter ${text}: no path after =`, `give one, as in --reporter ${name}=report.txt`);
    return { name, path };
  });
  if (json) chosen.push({ name: 'json', path: null });
  const onStdout = chosen.filter((reporter) => reporter.path === null);
  if (onStdout.length > 1) throw usage(`${onStdout.map((reporter) => reporter.name).join(' and ')} both write to stdout`, 'give all but one a path: --reporter NAME=PATH');
  return onStdout.length === 0 ? [{ name: 'terminal', path: null }, ...chosen] : chosen;
}

/** Writes every report: files first, so that they are there when stdout is read. */
export async function writeReports(chosen: readonly ChosenReporter[], runs: readonly ReportedRun[]): Promise<void> {
  const { mkdir, writeFile } = await import('node:fs/promises');
  const { dirname } = await import('node:path');
  const sorted = [...chosen].sort((a, b) => Number(a.path === null) - Number(b.path === null));
  for (const { name, path } of sorted) {
    if (path === null) {
      process.stdout.write(reporters[name](runs, stdoutView()));
      continue;
    }
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, reporters[name](runs, { width: 100, color: false }));
    } catch (error) {
      throw new VerifyError('report-not-written', 70, `the ${name} report could not be written to ${path}: ${error instanceof Error ? error.message : String(error)}`, 'the evidence is complete; write the report again with replay');
    }
  }
}

function stdoutView(): View {
  return { width: process.stdout.columns ?? 80, color: wantsColor(process.stdout.isTTY) };
}

/** NO_COLOR (no-color.org) rules, then a terminal decides. */
export function wantsColor(isTty: boolean | undefined): boolean {
  return isTty === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';
}
