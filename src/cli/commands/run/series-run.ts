import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Result } from '../../../core/model/result.js';
import type { Scenario } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { escapeText } from '../../../core/text/escape.js';
import { milliseconds } from '../../../core/text/time.js';
import type { makeProgress } from '../../../report/progress/make.js';
import type { ReportedRun } from '../../../report/reporter.js';
import type { RunOptions } from '../../../run/context.js';
import type { Run } from '../../../run/run.js';
import type { OwnFolder } from '../../../system/evidence/folder/own-folder.js';
import type { Inside } from '../../../system/fabric/lab/enter.js';
import { evidenceFolder } from '../evidence/evidence-folder.js';
import { type loadBaselines, withBaseline } from './baseline.js';

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

/** What ends a series before its time: a signal, or `--timeout`. */
export class Stop {
  private readonly controller = new AbortController();
  private readonly timeoutMs: number | null;
  private timer: NodeJS.Timeout | undefined;
  by: NodeJS.Signals | undefined;
  timedOut = false;

  /** Throws VerifyError (64) for a time that is none. */
  constructor(timeout: string | undefined) {
    this.timeoutMs = timeout === undefined ? null : timeOf('--timeout', timeout);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  readonly byProcess = (signal: NodeJS.Signals): void => {
    this.by = signal;
    this.controller.abort();
  };

  startTimer(): void {
    if (this.timeoutMs === null) return;
    this.timer = setTimeout(() => {
      this.timedOut = true;
      this.controller.abort();
    }, this.timeoutMs);
  }

  stopTimer(): void {
    clearTimeout(this.timer);
  }
}

/** What every run of a series shares. */
export interface Series {
  readonly options: RunCommandOptions;
  /** null = on a host. */
  readonly inside: Inside | null;
  readonly onHost: boolean;
  readonly baselines: Awaited<ReturnType<typeof loadBaselines>>;
  readonly several: boolean;
  readonly stop: Stop;
}

/** What the runs of a series left. */
export interface SeriesDone {
  readonly runs: ReportedRun[];
  /** Reports that could not be written, a line each. */
  readonly failed: string[];
  readonly unsigned: 69[];
}

/** What reports need; loaded before the first run, since a run may take the program's files out of sight. */
const loadReporting = () =>
  Promise.all([
    import('../evidence/load-details.js'),
    import('../evidence/write-report-file.js'),
    import('./host-run.js'),
  ]);

/** Runs a scenario, with its fixes where they are to be proved, and adds what is to be reported to `done`. */
export async function runInSeries(scenario: Scenario, series: Series, done: SeriesDone): Promise<void> {
  const { options, inside, several, stop } = series;
  const [{ renewLab }] = await Promise.all([import('../../../system/fabric/lab/enter.js'), loadReporting()]);
  const lab = done.runs.length === 0 || inside === null ? inside : renewLab(inside);
  const first = await runOne(scenario, options, several, lab, stop.signal);
  try {
    done.runs.push(await reportable(scenario, first, series, done));
  } finally {
    first.folder.handOver();
  }
}

/** The run as reporters get it; its page and its signature are written. */
async function reportable(
  scenario: Scenario,
  first: Awaited<ReturnType<typeof runOne>>,
  { options, inside, onHost, baselines, stop }: Series,
  { failed, unsigned }: SeriesDone,
): Promise<ReportedRun> {
  const [{ reportedRun }, { reportFile, writeReportFile }, { rehearsalStatus }] = await loadReporting();
  const { dir, folder } = first;
  let proven: Result | null = null;
  if (inside !== null && options.proveFix === true) {
    const { proveFixesInLab } = await import('./prove-fixes.js');
    proven = await proveFixesInLab(scenario, first, { ...options, inside, signal: stop.signal });
  }
  const result = proven ?? first.result;
  // Trials of fixes leave more in the folder.
  const run = await reportedRun(dir, result, first.frames ?? true, proven === null ? first.input : null);
  const named = { ...run, dir: folder.name };
  const reported = (page: string | undefined): ReportedRun => {
    const whole = { ...named, ...(page === undefined ? {} : { page }) };
    return options.rehearse === true ? { ...whole, status: rehearsalStatus(result) } : withBaseline(baselines, whole);
  };
  // Judged from memory: the folder takes nothing more, and the reasons say so.
  if (result.evidence.files.length === 0) return reported(undefined);
  const failure = (await writeReportFile(run)).map((line) => line.replaceAll(folder.path, folder.name));
  failed.push(...failure);
  const signKey = options.sign ?? (onHost ? process.env['VERIFY_ISOLATION_SIGN_KEY'] : undefined);
  if (signKey !== undefined) unsigned.push(...(await signRun(folder, signKey, options)));
  return reported(failure.length === 0 ? join(folder.name, reportFile) : undefined);
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

/** Runs a scenario into an evidence folder of its own, with its progress on stderr. */
async function runOne(
  scenario: Scenario,
  options: RunCommandOptions,
  several: boolean,
  inside: Inside | null,
  signal: AbortSignal,
): Promise<Run & { readonly folder: OwnFolder }> {
  const { namingFolder, openOwnFolder } = await import('../../../system/evidence/folder/own-folder.js');
  const runId = randomBytes(8).toString('hex');
  const folder = openOwnFolder(evidenceFolder(options.out, scenario.name, several, new Date(), runId));
  const progress = await progressOf(scenario, options);
  let result: Result | null = null;
  try {
    const { onProgress, lookForLeaks } = progress;
    const run = await runInto(folder, scenario, { options, runId, inside, signal, onProgress, lookForLeaks });
    ({ result } = run);
    return { ...run, folder };
  } catch (error) {
    throw namingFolder(folder, error);
  } finally {
    if (result === null) folder.handOver();
    await progress.end(result);
  }
}

/** The view of a run, and whether it shows leaks while they come. */
async function progressOf(
  scenario: Scenario,
  options: RunCommandOptions,
): Promise<Awaited<ReturnType<typeof makeProgress>> & { readonly lookForLeaks: boolean }> {
  const { makeProgress: make, progressMode } = await import('../../../report/progress/make.js');
  const { quiet, verbose, progress } = options;
  const mode = progressMode({ quiet, verbose, progress, isTty: process.stderr.isTTY, env: process.env });
  const steps = scenario.steps.map((step) => step.name);
  const made = await make(mode, scenario.name, steps, verbose);
  return { ...made, lookForLeaks: mode === 'live' || mode === 'json' };
}

interface RunAbout extends Pick<RunOptions, 'runId' | 'inside' | 'signal' | 'onProgress' | 'lookForLeaks'> {
  readonly options: RunCommandOptions;
}

async function runInto(
  folder: OwnFolder,
  scenario: Scenario,
  { options, runId, inside, signal, onProgress, lookForLeaks = false }: RunAbout,
): Promise<Run> {
  // Only the inside loads what captures and builds; the launcher and a faulty scenario need none of it.
  const [{ runScenario }, { deafen }, { calibrate }, { approval, connecting, printJournal, printLeft }] =
    await Promise.all([
      import('../../../run/run.js'),
      import('../../../run/deafen.js'),
      import('../../../run/calibrate.js'),
      import('./host-run.js'),
    ]);
  const { engine, keep, toolVersion } = options;
  const onHost = inside === null ? { approve: approval(options), connect: connecting(options), calibrate } : {};
  const run = await runScenario(scenario, {
    outDir: folder.path,
    runId,
    inside,
    engine,
    keep,
    toolVersion,
    signal,
    onProgress,
    lookForLeaks,
    ...(options.deafen === undefined ? {} : { alter: deafen(options.deafen) }),
    payload: options.payload ?? false,
    lingerMs: options.linger === undefined ? 0 : timeOf('--linger', options.linger),
    rehearse: options.rehearse ?? false,
    declared: { operator: options.operator ?? null, ticket: options.ticket ?? null },
    ...onHost,
  });
  if (inside !== null) return run;
  if (run.result.evidence.files.length > 0) await printJournal(run.result, folder.path, options.quiet);
  printLeft(scenario, run);
  return run;
}
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
