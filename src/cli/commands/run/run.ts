import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Result } from '../../../core/model/result.js';
import type { Scenario } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { escapeText } from '../../../core/text/escape.js';
import { milliseconds } from '../../../core/text/time.js';
import type { ReportedRun } from '../../../report/reporter.js';
import type { Run } from '../../../run/run.js';
import type { Inside } from '../../../system/fabric/lab/enter.js';
import { insideLab, launchInside, statusOf } from '../../../system/fabric/lab/launch.js';
import type { OwnFolder } from '../../../system/evidence/folder/own-folder.js';
import { evidenceFolder } from '../evidence/evidence-folder.js';
import { shedRights } from '../../../system/process/process-rights.js';
import { combineExitStatuses } from '../exit-status.js';
import { chooseReporters, printFailedReports, writeAnswerToLog, writeReports } from '../reporters.js';
import { grepSteps, inSeries, parseSets } from '../scenario/series.js';
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
  /** `demo`: the observer whose ear is killed in the middle of every step. */
  readonly deafen?: string | undefined;
  /** `record`: called with each run when it is judged and written. */
  readonly finished?: (run: ReportedRun) => Promise<void>;
  /** `demo`: what of the scenario is run. */
  readonly adapt?: (scenario: Scenario) => Scenario;
}

/**
 * Loads every file, goes into the lab's namespaces, runs one scenario after the other and reports; returns the exit
 * status. Outside it only loads and launches: the inside is handed the scenarios and does the rest, and its exit status
 * is the program's.
 */
export async function runCommand(options: RunCommandOptions): Promise<number> {
  const chosen = chooseReporters(options.reporter, options.json);
  const stop = new AbortController();
  let stoppedBy: NodeJS.Signals | undefined;
  const inside = insideLab()
    ? (await import('../../../system/fabric/lab/enter.js')).enterLab((signal) => {
        stoppedBy = signal;
        stop.abort();
      })
    : null;
  const timeoutMs = options.timeout === undefined ? null : timeOf('--timeout', options.timeout);
  const handed = await inside?.handed;
  const scenarios = areScenarios(handed) ? handed : await readyScenarios(options);
  const baselines = await loadBaselines(options.baseline ?? []);
  checkBaselines(
    baselines,
    scenarios.map(({ name }) => name),
  );
  const onHost = scenarios[0]?.topology.provider === 'host';
  if (options.rehearse === true && !onHost)
    throw new VerifyError('usage', 64, '--dry-run is for provider: host', 'a lab disturbs nobody: just run it');
  if (inside === null && !onHost) return (await launchInside(process.argv.slice(2), { handed: scenarios })).status;
  if (onHost) shedRights([options.out ?? 'evidence', ...chosen.flatMap(({ path }) => path ?? [])]);
  // From here on for the inside and for runs on a host: the launcher needs none of it.
  const [
    { prepareHostRun, rehearsalStatus },
    { reportedRun },
    { reportFile, writeReportFile },
    { renewLab },
    { proveFixesInLab },
  ] = await Promise.all([
    import('./host-run.js'),
    import('../evidence/load-details.js'),
    import('../evidence/write-report-file.js'),
    import('../../../system/fabric/lab/enter.js'),
    import('./prove-fixes.js'),
  ]);
  if (onHost) {
    await prepareHostRun((signal) => {
      stoppedBy = signal;
      stop.abort();
    });
  }

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
  const signKey = options.sign ?? (onHost ? process.env['VERIFY_ISOLATION_SIGN_KEY'] : undefined);
  const unsigned: 69[] = [];
  try {
    for (const scenario of series) {
      if (stop.signal.aborted) break;
      const first = await runOne(
        scenario,
        options,
        series.length > 1,
        runs.length === 0 || inside === null ? inside : renewLab(inside),
        stop.signal,
      );
      const { dir, folder } = first;
      try {
        const proven =
          inside === null || options.proveFix !== true
            ? null
            : await proveFixesInLab(scenario, first, { ...options, inside, signal: stop.signal });
        const result = proven ?? first.result;
        // Trials of fixes leave more in the folder.
        const run = await reportedRun(dir, result, first.frames ?? true, proven === null ? first.input : null);
        let page: string | undefined;
        // Judged from memory: the folder takes nothing more, and the reasons say so.
        if (result.evidence.files.length > 0) {
          const failure = (await writeReportFile(run)).map((line) => line.replaceAll(folder.path, folder.name));
          failed.push(...failure);
          if (failure.length === 0) page = join(folder.name, reportFile);
          if (signKey !== undefined) unsigned.push(...(await signRun(folder, signKey, options)));
        }
        const named = { ...run, dir: folder.name, ...(page === undefined ? {} : { page }) };
        runs.push(
          options.rehearse === true ? { ...named, status: rehearsalStatus(result) } : withBaseline(baselines, named),
        );
      } finally {
        folder.handOver();
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
  for (const run of runs) await options.finished?.(run);
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

/** The same without anything that is open by design; a guest that is only observed is missing from the proof. */
function strictly(scenario: Scenario): Scenario {
  const { topology } = scenario;
  return {
    ...scenario,
    topology: {
      ...topology,
      endpoints: topology.endpoints.map((endpoint) =>
        endpoint.observedOnly === undefined ? endpoint : { ...endpoint, observedOnly: 'missing' },
      ),
    },
    steps: scenario.steps.map((step) => ({
      ...step,
      probes: step.probes.map(({ openByDesign: _, ...probe }) => probe),
    })),
  };
}

/** Whether the launcher, which is this same program, has handed over what it loaded. */
function areScenarios(handed: unknown): handed is readonly Scenario[] {
  return Array.isArray(handed);
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

async function runOne(
  scenario: Scenario,
  options: RunCommandOptions,
  several: boolean,
  inside: Inside | null,
  signal: AbortSignal,
): Promise<Run & { readonly folder: OwnFolder }> {
  // Only the inside loads what captures and builds; the launcher and a faulty scenario need none of it.
  const [
    { runScenario },
    { deafen },
    { calibrate },
    { makeProgress, progressMode },
    { approval, connecting, printJournal, printLeft },
    { namingFolder, openOwnFolder },
  ] = await Promise.all([
    import('../../../run/run.js'),
    import('../../../run/deafen.js'),
    import('../../../run/calibrate.js'),
    import('../../../report/progress/make.js'),
    import('./host-run.js'),
    import('../../../system/evidence/folder/own-folder.js'),
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
    const onHost = inside === null ? { approve: approval(options), connect: connecting(options), calibrate } : {};
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
    });
    if (inside === null) {
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
