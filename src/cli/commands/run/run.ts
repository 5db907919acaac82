import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Result } from '../../../core/model/result.js';
import type { Scenario } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { escapeText } from '../../../core/text/escape.js';
import { fieldsOf } from '../../../core/text/json-text.js';
import { milliseconds } from '../../../core/text/time.js';
import type { ReportedRun } from '../../../report/reporter.js';
import type { Run } from '../../../run/run.js';
import type { Inside } from '../../../system/fabric/lab/enter.js';
import { insideLab, launchInside, statusOf } from '../../../system/fabric/lab/launch.js';
import type { OwnFolder } from '../../../system/evidence/folder/own-folder.js';
import { evidenceFolder, runPaths } from '../evidence/evidence-folder.js';
import { handedVariable, takeHanded } from '../../../system/process/handed.js';
import { giveUpRights, type RunPaths, shedRights } from '../../../system/process/process-rights.js';
import { combineExitStatuses } from '../../command.js';
import { chooseReporters, printFailedReports, writeAnswerToLog, writeReports } from '../reporters.js';
import { grepSteps, inSeries, parseSets, strictly } from '../scenario/series.js';
import { checkBaselines, loadBaselines, withBaseline } from './baseline.js';

export interface RunCommandOptions {
  readonly files: readonly string[];
  readonly out: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** Before the answer a picture. */
  readonly picture?: boolean;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  readonly reporter: readonly string[];
  /** Evidence folders of earlier runs whose leaks are known. */
  readonly baseline?: readonly string[];
  readonly keep: 'leaks' | 'all';
  /** `NAME=VALUE` for variables of the files. */
  readonly set?: readonly string[];
  /** Judge only steps whose name matches this regular expression. */
  readonly grep?: string | undefined;
  /** How often each file is run; once where absent. */
  readonly repeat?: number;
  /** Run the files in an order drawn from this seed; `true` draws the seed too. */
  readonly shuffle?: number | true | undefined;
  /** After this long the run is stopped, such as `90s`; what was not done is inconclusive. */
  readonly timeout?: string | undefined;
  /** It is listened for this long after the last probe of each step, such as `10s`. */
  readonly linger?: string | undefined;
  readonly allowRun: boolean;
  /** On a host: what the command line allows; nothing where absent. */
  readonly allowChanges?: boolean;
  readonly allowDisruptive?: boolean;
  readonly yes?: boolean;
  readonly allowNewMacs?: boolean;
  /** What is open by design (`open_by_design`) is a leak too. */
  readonly strict?: boolean;
  /** In the lab: tries the fix for every cause of a leak. */
  readonly proveFix?: boolean;
  readonly payload?: boolean;
  /** On a host: everything but sending. */
  readonly rehearse?: boolean;
  /** `json`: progress is an event a line on stderr. */
  readonly progress?: 'auto' | 'json' | undefined;
  readonly approved?: string | undefined;
  /** The responsible person and the change ticket: for the record. */
  readonly operator?: string | undefined;
  readonly ticket?: string | undefined;
  /** OpenSSH key that signs the evidence. */
  readonly sign?: string | undefined;
  readonly toolVersion: string;
  /** False: without report.html. */
  readonly page?: boolean;
  /** `demo`: the observer whose ear is killed in the middle of every step. */
  readonly deafen?: string | undefined;
  /** `record`: called with each run when it is judged and written, before its folder is handed over. */
  readonly finished?: (run: ReportedRun) => Promise<void>;
  /** `demo`: what of the scenario is run. */
  readonly adapt?: (scenario: Scenario) => Scenario;
}

/**
 * Loads every file, goes into the lab's namespaces, runs one scenario after the other and reports; returns the exit
 * status. Outside it only loads and launches: the inside is handed the scenarios and does the rest, and its exit status
 * is the program's.
 */
export function runCommand(options: RunCommandOptions): Promise<number> {
  return runOrLaunch(options);
}

/**
 * As `runCommand`, where the process before this one has read the command line and the files, and hands them over.
 * Rejects with VerifyError (64) where it does not.
 */
export function runHanded(): Promise<number> {
  return runOrLaunch(null);
}

/** What a run is handed; a function cannot be, and where it takes one `options` is null. */
interface HandedRun {
  readonly options: RunCommandOptions | null;
  readonly scenarios: readonly Scenario[];
}

async function runOrLaunch(given: RunCommandOptions | null): Promise<number> {
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const inside = insideLab()
    ? (await import('../../../system/fabric/lab/enter.js')).enterLab((signal) => {
        stoppedBy = signal;
        stop.abort();
      })
    : null;
  const before = takeHanded();
  const found = inside === null ? before : await inside.handed;
  const handed = isHandedRun(found) ? found : null;
  const options = given ?? handed?.options ?? null;
  if (options === null) throw new VerifyError('usage', 64, 'nothing was handed to this run', `unset ${handedVariable}`);
  const chosen = chooseReporters(options.reporter, options.json);
  const timeoutMs = options.timeout === undefined ? null : timeOf('--timeout', options.timeout);
  const scenarios = handed?.scenarios ?? (await readyScenarios(options));
  const baselines = await loadBaselines(options.baseline ?? []);
  checkBaselines(
    baselines,
    scenarios.map(({ name }) => name),
  );
  const onHost = scenarios[0]?.topology.provider === 'host';
  if (options.rehearse === true && !onHost)
    throw new VerifyError('usage', 64, '--dry-run is for provider: host', 'a lab disturbs nobody: just run it');
  const isWhole = options.finished === undefined;
  const handing: HandedRun = { options: isWhole ? options : null, scenarios };
  if (inside === null && !onHost)
    return (await launchInside(process.argv.slice(2), { handed: handing, isWhole })).status;
  const signKey = options.sign ?? (onHost ? process.env['VERIFY_ISOLATION_SIGN_KEY'] : undefined) ?? null;
  const paths = runPaths(options.out, chosen, signKey);
  if (onHost) shedRights(paths, isWhole && handed === null ? handing : null);
  // From here on for the inside and for runs on a host: the launcher needs none of it.
  const [host, { reportedRun }, { renewLab }] = await Promise.all([
    onHost ? import('./host-run.js') : null,
    import('../evidence/load-details.js'),
    import('../../../system/fabric/lab/enter.js'),
  ]);
  await host?.prepareHostRun((signal) => {
    stoppedBy = signal;
    stop.abort();
  });

  const seed = options.shuffle === true ? randomBytes(4).readUInt32BE() : (options.shuffle ?? null);
  if (seed !== null && !options.quiet) process.stderr.write(`order of the runs drawn from --shuffle=${seed}\n`);
  const series = inSeries(scenarios, options.repeat ?? 1, seed);
  let timedOut = false;
  const timer =
    timeoutMs === null
      ? undefined
      : setTimeout(() => {
          timedOut = true;
          stop.abort();
        }, timeoutMs);
  const runs: ReportedRun[] = [];
  const failed: string[] = [];
  const unsigned: 69[] = [];
  try {
    for (const [at, scenario] of series.entries()) {
      if (stop.signal.aborted) break;
      const isLast = isWhole && at === series.length - 1 && (onHost || options.proveFix !== true);
      const first = await runOne(scenario, options, {
        several: series.length > 1,
        inside: runs.length === 0 || inside === null ? inside : renewLab(inside),
        signal: stop.signal,
        paths: isLast ? paths : null,
      });
      const { dir, folder } = first;
      try {
        const proven =
          inside === null || options.proveFix !== true
            ? null
            : await (await import('./prove-fixes.js')).proveFixesInLab(scenario, first, {
                ...options,
                inside,
                signal: stop.signal,
              });
        const result = proven ?? first.result;
        // Trials of fixes leave more in the folder.
        const run = await reportedRun(dir, result, first.frames ?? true, proven === null ? first.input : null);
        let page: string | undefined;
        // Judged from memory: the folder takes nothing more, and the reasons say so.
        if (result.evidence.files.length > 0 && options.page !== false) {
          const { reportFile, writeReportFile } = await import('../evidence/write-report-file.js');
          const failure = (await writeReportFile(run)).map((line) => line.replaceAll(folder.path, folder.name));
          failed.push(...failure);
          if (failure.length === 0) page = join(folder.name, reportFile);
          if (signKey !== null) unsigned.push(...(await signRun(folder, signKey, options)));
        }
        await options.finished?.(run);
        const named = { ...run, dir: folder.name, ...(page === undefined ? {} : { page }) };
        runs.push(
          options.rehearse === true && host !== null
            ? { ...named, status: host.rehearsalStatus(result) }
            : withBaseline(baselines, named),
        );
      } finally {
        folder.handOver();
        if (isLast) giveUpRights('written', paths);
      }
    }
  } catch (error) {
    if (stoppedBy === undefined && !timedOut) throw error;
  } finally {
    clearTimeout(timer);
  }
  const statuses = [...runs.map(({ result, status }) => status ?? result.exitCode), ...unsigned];
  const status = combineExitStatuses(timedOut ? [...statuses, inconclusiveStatus] : statuses);
  const { picture = false } = options;
  if (runs.length > 0)
    failed.push(
      ...(await writeReports(chosen, runs, {
        verbose: options.verbose,
        picture,
        status,
        brief: stoppedBy !== undefined,
      })),
    );
  // Where stdout is for a machine, the log has the answer for people.
  const isForMachine = !chosen.some(({ name, path }) => name === 'terminal' && path === null);
  if (runs.length > 0 && isForMachine && !options.quiet && stoppedBy === undefined && options.progress !== 'json')
    await writeAnswerToLog(runs, status, picture);
  const reportStatuses = printFailedReports(failed);
  if (stoppedBy !== undefined) {
    process.stderr.write(`stopped by ${stoppedBy}: everything is put back, and what was seen is kept\n`);
    return statusOf(stoppedBy);
  }
  if (timedOut)
    process.stderr.write(
      `stopped by --timeout ${options.timeout}: ${runs.length} of ${series.length} runs begun; everything is put back, and what was seen is kept\n`,
    );
  return combineExitStatuses([status, ...reportStatuses]);
}

type HostModules = readonly [typeof import('./host-run.js'), typeof import('../../../run/calibrate.js')];

/** What a run on a host asks before it sends, and how it shows that it sees: in a lab, whose page nobody reads. */
function hostOptions([{ approval, connecting }, { calibrate }]: HostModules, options: RunCommandOptions) {
  const { toolVersion } = options;
  const quietly = { files: [], json: true, quiet: true, verbose: false, page: false, reporter: [], allowRun: false };
  return {
    approve: approval(options),
    connect: connecting(options),
    calibrate: (engine: 'libpcap' | 'cap', dir: string) =>
      calibrate(
        engine,
        dir,
        (scenario, out): HandedRun => ({
          options: { ...quietly, out, engine, keep: 'all', toolVersion },
          scenarios: [scenario],
        }),
      ),
  };
}

/** Signs the evidence of a run; says where that fails, and returns the exit status that it adds. */
async function signRun(
  { path, name }: OwnFolder,
  key: string,
  { operator, quiet }: RunCommandOptions,
): Promise<readonly 69[]> {
  const { attestFolder } = await import('../../../system/evidence/folder/signature.js');
  try {
    const root = await attestFolder(path, key, operator ?? 'the run itself');
    if (!quiet) process.stderr.write(`signed ${root}\n`);
    return [];
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).replaceAll(path, name);
    process.stderr.write(`verify-isolation: ${escapeText(`${name} is not signed: ${why}`)}\n  sign it with attest\n`);
    return [69];
  }
}

/** The scenarios of every file, as they are to be run. Rejects with VerifyError (64, 69). */
async function readyScenarios(options: RunCommandOptions): Promise<readonly Scenario[]> {
  const [{ loadFiles }, { checkRunnable }] = await Promise.all([
    import('../scenario/load-files.js'),
    import('./check-runnable.js'),
  ]);
  const loaded = grepSteps(
    await loadFiles(options.files, { sets: parseSets(options.set ?? []), allowRun: options.allowRun }),
    options.grep,
  );
  const adapted = options.adapt === undefined ? loaded : loaded.map(options.adapt);
  const scenarios = options.strict === true ? adapted.map(strictly) : adapted;
  checkRunnable(scenarios, options);
  return scenarios;
}

/** Whether this same program has handed it over, as launcher or before it began anew. */
function isHandedRun(handed: unknown): handed is HandedRun {
  const fields = fieldsOf(handed);
  return Array.isArray(fields?.['scenarios']) && typeof fields['options'] === 'object';
}

/** The contract's exit status of a run that was not done. */
const inconclusiveStatus = 3;

/** A time such as `90s` in milliseconds. Throws VerifyError (64). */
function timeOf(option: string, text: string): number {
  const ms = milliseconds(text);
  if (ms === null || ms === 0 || ms > 0x7fffffff)
    throw new VerifyError(
      'usage',
      64,
      `${option} ${text}: expected a time with unit`,
      `for example ${option} 90s or ${option} 10m; at most 24 days`,
    );
  return ms;
}

interface RunPlace {
  readonly several: boolean;
  readonly inside: Inside | null;
  readonly signal: AbortSignal;
  /** Of the last run, which gives up what it takes no more; null = others follow. */
  readonly paths: RunPaths | null;
}

async function runOne(
  scenario: Scenario,
  options: RunCommandOptions,
  { several, inside, signal, paths }: RunPlace,
): Promise<Run & { readonly folder: OwnFolder }> {
  // Only the inside loads what captures and builds; the launcher and a faulty scenario need none of it.
  const [{ runScenario }, { deafen }, { makeProgress, progressMode }, { namingFolder, openOwnFolder }, host] =
    await Promise.all([
      import('../../../run/run.js'),
      import('../../../run/deafen.js'),
      import('../../../report/progress/make.js'),
      import('../../../system/evidence/folder/own-folder.js'),
      inside === null ? Promise.all([import('./host-run.js'), import('../../../run/calibrate.js')]) : null,
    ]);
  const altered = options.deafen === undefined ? {} : { alter: deafen(options.deafen) };
  const runId = randomBytes(8).toString('hex');
  const folder = openOwnFolder(evidenceFolder(options.out, scenario.name, several, new Date(), runId));
  const mode = progressMode({
    quiet: options.quiet,
    verbose: options.verbose,
    progress: options.progress,
    isTty: process.stderr.isTTY,
    env: process.env,
  });
  const progress = await makeProgress(
    mode,
    scenario.name,
    scenario.steps.map((step) => step.name),
    options.verbose,
  );
  const { engine, keep, toolVersion } = options;
  let result: Result | null = null;
  try {
    const onHost = host === null ? {} : hostOptions(host, options);
    const run = await runScenario(scenario, {
      outDir: folder.path,
      runId,
      inside,
      engine,
      keep,
      toolVersion,
      signal,
      onProgress: progress.onProgress,
      lookForLeaks: mode === 'live' || mode === 'json',
      ...altered,
      payload: options.payload ?? false,
      lingerMs: options.linger === undefined ? 0 : timeOf('--linger', options.linger),
      rehearse: options.rehearse ?? false,
      declared: { operator: options.operator ?? null, ticket: options.ticket ?? null },
      ...onHost,
      // A lab ends with its process.
      ...(paths === null
        ? {}
        : {
            giveUp: (moment) => {
              if (inside === null || moment === 'undone') giveUpRights(moment, paths);
            },
          }),
    });
    if (host !== null) {
      const [{ printJournal, printLeft }] = host;
      if (run.result.evidence.files.length > 0) await printJournal(run.result, folder.path, options.quiet);
      printLeft(scenario, run);
    }
    ({ result } = run);
    return { ...run, folder };
  } catch (error) {
    throw namingFolder(folder, error);
  } finally {
    if (result === null) folder.handOver();
    await progress.end(result);
  }
}
