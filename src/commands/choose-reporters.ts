import { VerifyError } from '../model/verify-error.js';
import { escapeText } from '../report/escape-text.js';
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

/**
 * Writes every report: files first, so that they are there when stdout is read. One that fails keeps no other from being written; returns
 * what failed, one line each.
 */
export async function writeReports(chosen: readonly ChosenReporter[], runs: readonly ReportedRun[], verbose = false): Promise<readonly string[]> {
  const { mkdir, writeFile } = await import('node:fs/promises');
  const { dirname } = await import('node:path');
  const failed: string[] = [];
  const sorted = [...chosen].sort((a, b) => Number(a.path === null) - Number(b.path === null));
  for (const { name, path } of sorted) {
    try {
      if (path === null) {
        process.stdout.write(reporters[name](runs, { ...stdoutView(), verbose }));
        continue;
      }
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, reporters[name](runs, { width: 100, color: false, verbose }));
    } catch (error) {
      failed.push(`the ${name} report could not be written${path === null ? '' : ` to ${path}`}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return failed;
}

/** Names the reports that failed on stderr; returns the exit statuses that they add: none, or 70. A verdict of 2 still stands before it. */
export function tellFailedReports(failed: readonly string[]): readonly number[] {
  for (const line of failed) process.stderr.write(`verify-isolation: ${escapeText(line)}\n  the evidence is complete and the other reports were written; write this one again with: verify-isolation report DIR --format NAME\n`);
  return failed.length === 0 ? [] : [70];
}

function stdoutView(): View {
  return { width: process.stdout.columns ?? 80, color: wantsColor(process.stdout.isTTY) };
}

/** NO_COLOR (no-color.org) rules, then a terminal decides. */
export function wantsColor(isTty: boolean | undefined): boolean {
  return isTty === true && (process.env.NO_COLOR ?? '') === '' && process.env.TERM !== 'dumb';
}
