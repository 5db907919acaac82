import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import type { Scenario } from '../../../core/model/scenario.js';
import { assertKnown, usageError, VerifyError } from '../../../core/model/verify-error.js';
import { counted, escapeText } from '../../../core/text/escape.js';
import { fieldsOf } from '../../../core/text/json-text.js';
import type { Helpers } from '../../../run/devices.js';
import type { Entered } from '../../../system/fabric/lab/enter.js';
import { beginLaunch, insideLab, type Launch, statusOf } from '../../../system/fabric/lab/launch.js';
import { type RunPaths, shedRights } from '../../../system/process/process-rights.js';
import type { UnendedRun } from '../../../report/reporter.js';
import { combineExitStatuses } from '../../command.js';
import { checkEnding, runPaths } from '../evidence/evidence-folder.js';
import {
  chooseReporters,
  everyReport,
  type FailedReport,
  printFailedReports,
  writeAnswerToLog,
  writeReports,
} from '../reporters.js';
import { grepSteps, hostTrust, inSeries, parseSets, strictly, trusting } from '../scenario/series.js';
import { checkBaselines, loadBaselines } from './baseline.js';
import { type RunCommandOptions, RunSeries, type SeriesRequest, Stop, timeOf } from './run-series.js';

/**
 * Runs scenarios in turn, reports, and gives the exit status. Outside the lab it launches a process inside and hands it
 * the scenarios.
 */
export async function runCommand(options: RunCommandOptions): Promise<number> {
  try {
    return await runOrLaunch(options);
  } catch (error) {
    if (error instanceof VerifyError && !insideLab()) await reportRefusal(options, error);
    throw error;
  }
}

/** A pipeline reads reports in any case. */
async function reportRefusal(options: RunCommandOptions, error: VerifyError): Promise<void> {
  const chosen = reportersOf(options).filter(({ name, path }) => path !== null || !['terminal', 'json'].includes(name));
  const names = options.files.length === 0 ? ['this host'] : options.files;
  const unended = names.map((name) => ({ name, why: `${error.message}: ${error.hint}` }));
  const failed = await writeReports(chosen, [], { status: error.exitCode, unended });
  for (const { text } of error.code === 'not-written' ? [] : failed)
    process.stderr.write(`verify-isolation: ${escapeText(text)}\n`);
}

function reportersOf({ reporter, json, report }: RunCommandOptions): ReturnType<typeof chooseReporters> {
  return [...chooseReporters(reporter, json), ...(report === undefined ? [] : everyReport(report))];
}

async function runOrLaunch(options: RunCommandOptions): Promise<number> {
  const stop = new Stop();
  const inside = await insideOf(stop);
  try {
    return await runOrLaunchFrom(options, inside, stop);
  } finally {
    inside?.helpers.captures.end(); // they keep this process alive
    await inside?.helpers.senders.end();
  }
}

async function runOrLaunchFrom(options: RunCommandOptions, inside: LabEntered | null, stop: Stop): Promise<number> {
  const early = inside === null && mayBeLab(options.files) ? tryLaunch(options) : null;
  const request = await readRequest(options, inside).catch((error: unknown) => {
    early?.abandon();
    throw error;
  });
  return carryOut(request, inside, stop, early);
}

function mayBeLab(files: readonly string[]): boolean {
  const isLab = (file: string): boolean => {
    try {
      const text = statSync(file).isFile() ? readFileSync(file, 'utf8') : '';
      return /\bprovider: *lab\b/.test(text) && !/\bprovider: *host\b/.test(text);
    } catch {
      return false; // reading it reports that
    }
  };
  return files.length > 0 && files.every(isLab);
}

function tryLaunch(options: RunCommandOptions): Launch | null {
  try {
    return launch(options);
  } catch (error) {
    assertKnown(error);
    return null;
  }
}

function launch(options: RunCommandOptions): Launch {
  return beginLaunch(process.argv.slice(2), { paths: pathsOf(options, false) });
}

async function carryOut(
  request: RunRequest,
  inside: LabEntered | null,
  stop: Stop,
  early: Launch | null,
): Promise<number> {
  const { onHost, scenarios, options } = request;
  if (inside === null && !onHost) return (await (early ?? launch(options)).hand({ scenarios })).status;
  early?.abandon();
  if (onHost) {
    shedRights(pathsOf(options, true));
    // Printed once: the program may have begun again.
    const trusted = options.quiet || options.approved !== undefined ? [] : hostTrust();
    for (const file of trusted) process.stderr.write(`Trusts what ${file.slice(1)} names.\n`);
    await (await import('./host-run.js')).prepareHostRun(stop.bySignal, options.strict === true);
  }
  const series = new RunSeries(request, inOrder(request), inside, stop);
  stop.startTimer(request.timeoutMs);
  await series.carryOut();
  const statuses = await reportSeries(request, series, stop);
  return stop.by === undefined ? combineExitStatuses(statuses) : statusOf(stop.by);
}

async function insideOf(stop: Stop): Promise<LabEntered | null> {
  if (!insideLab()) return null;
  const [{ enterLab }, { helpersOf }] = await Promise.all([
    import('../../../system/fabric/lab/enter.js'),
    import('../../../run/devices.js'),
  ]);
  const entered = { ...enterLab(stop.bySignal), helpers: helpersOf(true) };
  // while they start, and the launcher reads the scenario
  await Promise.all([import('../../../run/run.js'), import('../../../system/evidence/folder/own-folder.js')]);
  return entered;
}

interface LabEntered extends Entered {
  readonly helpers: Helpers;
}

interface RunRequest extends SeriesRequest {
  readonly scenarios: readonly Scenario[];
  readonly reporters: ReturnType<typeof chooseReporters>;
  readonly timeoutMs: number | null;
}

async function readRequest(options: RunCommandOptions, inside: LabEntered | null): Promise<RunRequest> {
  const handedOver = await inside?.handed;
  const handed = isHanded(handedOver) ? handedOver : null;
  const reporters = reportersOf(options);
  const timeoutMs = options.timeout === undefined ? null : timeOf('--timeout', options.timeout);
  const scenarios = handed?.scenarios ?? (await readyScenarios(options));
  const baselines = await loadBaselines(options.baseline ?? []);
  checkBaselines(
    baselines,
    scenarios.map(({ name }) => name),
  );
  const onHost = scenarios[0]?.topology.provider === 'host';
  if (options.dryRun === true && !onHost)
    throw usageError('--dry-run is for provider: host', 'a lab disturbs nothing: just run it');
  if (handed === null) await mustEnd(options, onHost);
  const signKey = signKeyOf(options, onHost);
  return {
    options,
    scenarios,
    reporters,
    timeoutMs,
    baselines,
    onHost,
    signKey,
  };
}

/** Paths that a run writes and reads. */
export function pathsOf(options: RunCommandOptions, onHost: boolean): RunPaths {
  return runPaths(options.out, reportersOf(options), signKeyOf(options, onHost));
}

/** VerifyError (64) where a report or a signature cannot be written at the end. */
export async function mustEnd(options: RunCommandOptions, onHost: boolean): Promise<void> {
  await checkEnding(pathsOf(options, onHost));
}

function signKeyOf({ sign }: RunCommandOptions, onHost: boolean): string | null {
  return sign ?? (onHost ? process.env['VERIFY_ISOLATION_SIGN_KEY'] : undefined) ?? null;
}

function isHanded(handed: unknown): handed is Pick<RunRequest, 'scenarios'> {
  return Array.isArray(fieldsOf(handed)?.['scenarios']);
}

async function readyScenarios(options: RunCommandOptions): Promise<readonly Scenario[]> {
  const [{ loadFiles }, { checkRunnable }] = await Promise.all([
    import('../scenario/load-files.js'),
    import('./check-runnable.js'),
  ]);
  const read = await loadFiles(options.files, { sets: parseSets(options.set ?? []), allowRun: options.allowRun });
  const loaded = grepSteps(read, options.grep);
  const adapted = options.adapt === undefined ? loaded : loaded.map(options.adapt);
  // A plan that is approved has to show what it trusts
  const isOnHost = adapted[0]?.topology.provider === 'host' && options.approved === undefined;
  const files = isOnHost ? hostTrust() : [];
  const trusted = adapted.map(trusting([...files, ...(options.trust ?? [])], options.ticket));
  const scenarios = options.strict === true ? trusted.map(strictly) : trusted;
  checkRunnable(scenarios, options);
  return scenarios;
}

function inOrder({ options, scenarios }: RunRequest): readonly Scenario[] {
  const { shuffle = null, quiet, repeat = 1 } = options;
  const seed = shuffle === true ? randomBytes(4).readUInt32BE() : shuffle;
  if (seed !== null && !quiet) process.stderr.write(`order of the runs drawn from --shuffle=${seed}\n`);
  return inSeries(scenarios, repeat, seed);
}

interface EndedSeries {
  readonly runs: readonly unknown[];
  readonly scenarios: readonly unknown[];
  readonly unrestored: readonly string[];
  readonly failures: readonly unknown[];
}

/** The reason for the stop, a sentence; null = none. */
export function stopText(
  { by, isTimedOut }: Pick<Stop, 'by' | 'isTimedOut'>,
  series: EndedSeries,
  timeout: string | undefined,
): string | null {
  const kept = `${putBackText(series)}, and what was seen is kept`;
  if (by !== undefined) return `stopped by ${by}: ${kept}`;
  const { runs, scenarios } = series;
  return isTimedOut
    ? `stopped by --timeout ${timeout}: ${runs.length} of ${counted(scenarios.length, 'run')} begun; ${kept}`
    : null;
}

function unendedRuns(
  { by, isTimedOut }: Stop,
  { runs, scenarios, failures }: RunSeries,
  timeout: string | undefined,
): readonly UnendedRun[] {
  const limit = isTimedOut ? `--timeout ${timeout}` : by;
  const why = limit === undefined ? 'not begun: a run before it failed' : `stopped by ${limit}`;
  return scenarios.slice(runs.length).map(({ name }, at) => ({ name, why: failures[at]?.why ?? why }));
}

function putBackText({ unrestored, failures }: EndedSeries): string {
  if (unrestored.length > 0) return `left: ${unrestored.join('; ')}`;
  return failures.length > 0
    ? 'see above; `verify-isolation cleanup` puts back what was left on a host'
    : 'everything is put back';
}

const inconclusiveStatus = 3;

/** Writes reports and the reason for an early end. Gives all exit statuses. */
export async function reportSeries(
  request: Pick<RunRequest, 'options' | 'reporters'>,
  series: RunSeries,
  stop: Stop,
): Promise<readonly number[]> {
  const { runs, unfinished, failures } = series;
  const statuses = [
    ...runs.map(({ result, status }) => status ?? result.exitCode),
    ...unfinished,
    ...failures.map((failure) => failure.status),
  ];
  const status = combineExitStatuses(stop.isTimedOut ? [...statuses, inconclusiveStatus] : statuses);
  const isNothing = runs.length === 0 && stop.by !== undefined;
  const failed = isNothing ? [] : await writeAnswers(request, series, status, stop);
  const reportStatuses = printFailedReports([...series.failed, ...failed]);
  const stopped = stopText(stop, series, request.options.timeout);
  if (stopped !== null) process.stderr.write(`${escapeText(stopped)}\n`);
  return [status, ...reportStatuses];
}

async function writeAnswers(
  { options, reporters }: Pick<RunRequest, 'options' | 'reporters'>,
  series: RunSeries,
  status: number,
  stop: Stop,
): Promise<readonly FailedReport[]> {
  const { verbose, wide = false, whyNotJudged, quiet, progress, timeout } = options;
  const { runs } = series;
  const brief = stop.by !== undefined;
  const unended = unendedRuns(stop, series, timeout);
  const ended = stop.by === undefined ? status : statusOf(stop.by);
  const failed = await writeReports(reporters, runs, {
    verbose,
    wide,
    whyNotJudged,
    status: ended,
    brief,
    unended,
  });
  // If stdout is for a machine, the log has the answer for people.
  const isForMachine = !reporters.some(({ name, path }) => name === 'terminal' && path === null);
  if (isForMachine && !quiet && !brief && progress !== 'json') await writeAnswerToLog(runs, { status, unended });
  return failed;
}
