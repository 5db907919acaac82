import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { Result } from '../../../core/model/result.js';
import type { Scenario } from '../../../core/model/scenario.js';
import type { Limits } from '../../../core/plan/limits.js';
import { VerifyError, messageOf, usageError } from '../../../core/model/verify-error.js';
import { escapeText } from '../../../core/text/escape.js';
import { milliseconds } from '../../../core/text/time.js';
import type { Progress } from '../../../report/progress/live.js';
import type { ReportedRun } from '../../../report/reporter.js';
import type { RunOptions, TraceMode } from '../../../run/context.js';
import type { Run } from '../../../run/run.js';
import type { OwnFolder } from '../../../system/evidence/folder/own-folder.js';
import type { Inside } from '../../../system/fabric/lab/enter.js';
import { printError } from '../../print-error.js';
import type { FailedReport } from '../reporters.js';
import { evidenceFolder } from '../evidence/evidence-folder.js';
import { withBaseline } from './baseline.js';

export interface RunCommandOptions {
  readonly sign?: string | undefined;
  readonly files: readonly string[];
  readonly out: string | undefined;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly verbose: boolean;
  readonly wide?: boolean;
  readonly whyNotJudged?: string;
  readonly engine: 'auto' | 'libpcap' | 'cap';
  readonly reporter: readonly string[];
  readonly baseline?: readonly string[];
  readonly keep?: 'leaks' | 'all' | undefined;
  readonly set?: readonly string[];
  readonly grep?: string | undefined;
  readonly repeat?: number;
  /** `true` = a random seed. */
  readonly shuffle?: number | true | undefined;
  /** `90s`; later steps are inconclusive. */
  readonly timeout?: string | undefined;
  readonly linger?: string | undefined;
  readonly allowRun: boolean;
  readonly allowChanges?: boolean;
  readonly allowDisruptive?: boolean;
  readonly allowFrames?: boolean;
  readonly yes?: boolean;
  readonly allowNewMacs?: boolean;
  /** Leaks include `open_by_design`. */
  readonly strict?: boolean;
  readonly trust?: readonly string[];
  readonly trace?: TraceMode;
  /** Lab only. */
  readonly proveFix?: boolean;
  readonly report?: string | undefined;
  readonly payload?: boolean;
  /** On a host, everything but sending. */
  readonly dryRun?: boolean;
  /** `json`: JSON lines on stderr. */
  readonly progress?: 'auto' | 'json' | undefined;
  readonly approved?: string | undefined;
  readonly limits?: Limits | null;
  /** Responsible person and change ticket. */
  readonly operator?: string | undefined;
  readonly ticket?: string | undefined;
  readonly toolVersion: string;
  readonly page?: boolean;
  readonly deafen?: string | undefined;
  /** `record`: called before the folder changes hands. */
  readonly finished?: (run: ReportedRun) => Promise<void>;
  readonly adapt?: (scenario: Scenario) => Scenario;
}

/** Ends runs early by a signal or the time limit. */
export class Stop {
  by: NodeJS.Signals | undefined;
  isTimedOut = false;
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  readonly bySignal = (signal: NodeJS.Signals): void => {
    this.by = signal;
    this.controller.abort();
  };

  startTimer(ms: number | null): void {
    if (ms === null) return;
    this.timer = setTimeout(() => {
      this.isTimedOut = true;
      this.controller.abort();
    }, ms);
  }

  endTimer(): void {
    clearTimeout(this.timer);
  }
}

/** An error besides the stop; null = none. Throws a fault of the tool, and any error with nothing to report. */
export function failureBesides(
  stop: Pick<Stop, 'by' | 'isTimedOut'>,
  error: unknown,
  hasEnded = false,
): VerifyError | null {
  const isStopped = stop.by !== undefined || stop.isTimedOut;
  if (!(error instanceof VerifyError) || (!isStopped && !hasEnded)) throw error;
  return isStopped && error.code === 'interrupted' ? null : error;
}

export interface SeriesRequest {
  readonly options: RunCommandOptions;
  readonly baselines: readonly ReportedRun[];
  readonly onHost: boolean;
  readonly signKey: string | null;
}

type RunInFolder = Run & { readonly folder: OwnFolder };

export class RunSeries {
  readonly runs: ReportedRun[] = [];
  readonly failed: FailedReport[] = [];
  /** Statuses of judged runs whose signing or fixes failed. */
  readonly unfinished: number[] = [];
  readonly unrestored: string[] = [];
  /** Their settings may not be restored. */
  readonly failures: { readonly status: number; readonly why: string }[] = [];

  constructor(
    private readonly request: SeriesRequest,
    readonly scenarios: readonly Scenario[],
    private readonly inside: (Inside & Pick<RunOptions, 'helpers'>) | null,
    private readonly stop: Stop,
  ) {}

  async carryOut(): Promise<void> {
    const { stop } = this;
    try {
      for (const scenario of this.scenarios) {
        if (stop.signal.aborted) break;
        await this.carryOutScenario(scenario);
      }
    } catch (error) {
      const failure = failureBesides(stop, error, this.runs.length > 0);
      if (failure !== null) this.failures.push({ status: printError(failure, true), why: failure.message });
    } finally {
      stop.endTimer();
    }
  }

  private async carryOutScenario(scenario: Scenario): Promise<void> {
    const run = await runOne(scenario, this.request.options, {
      several: this.scenarios.length > 1,
      beganMs: this.runs.length === 0 ? 0 : process.uptime() * 1000,
      inside: await this.freshInside(),
      signal: this.stop.signal,
      helpers: this.runs.length === 0 ? this.inside?.helpers : undefined,
      onClosed: (unrestored) => this.unrestored.push(...unrestored),
    });
    try {
      await this.conclude(scenario, run);
    } finally {
      run.folder.handOver();
    }
  }

  private async freshInside(): Promise<Inside | null> {
    if (this.runs.length === 0 || this.inside === null) return this.inside;
    const { renewLab } = await import('../../../system/fabric/lab/enter.js');
    return renewLab(this.inside);
  }

  private async conclude(scenario: Scenario, first: RunInFolder): Promise<void> {
    const { options, onHost, baselines } = this.request;
    const { dir, folder } = first;
    const proven = await this.proveFixes(scenario, first);
    const { reportedRun } = await import('../evidence/load-details.js');
    // Trials of fixes leave more in the folder.
    const input = proven === null ? first.input : null;
    const run = await reportedRun(dir, proven ?? first.result, first.frames ?? true, input);
    const page = await this.writePage(run, folder);
    await options.finished?.(run);
    const named = { ...run, dir: folder.name, ...(page === null ? {} : { page }) };
    if (options.dryRun !== true || !onHost) this.runs.push(withBaseline(baselines, named));
    else this.runs.push({ ...named, status: (await import('./host-run.js')).dryRunStatus(run.result) });
  }

  /** null also after a reported failure, as leaks must still be reported. */
  private async proveFixes(scenario: Scenario, run: Run): Promise<Result | null> {
    const { inside, stop } = this;
    const { options } = this.request;
    if (inside === null || options.proveFix !== true) return null;
    const { proveFixesInLab } = await import('./prove-fixes.js');
    try {
      return await proveFixesInLab(scenario, run, { ...options, inside, signal: stop.signal });
    } catch (error) {
      const failure = failureBesides(stop, error, true);
      if (failure !== null) this.unfinished.push(printError(failure));
      return null;
    }
  }

  private async writePage(run: ReportedRun, folder: OwnFolder): Promise<string | null> {
    const { options, signKey } = this.request;
    // Judged from memory: the folder takes nothing more, and the reasons say so.
    if (run.result.evidence.files.length === 0 || options.page === false) return null;
    const [{ writeReportFile }, { files }] = await Promise.all([
      import('../evidence/write-report-file.js'),
      import('../../../system/evidence/folder/folder.js'),
    ]);
    const failure = (await writeReportFile(run)).map(({ text, status }) => ({
      text: text.replaceAll(folder.path, folder.name),
      status,
    }));
    this.failed.push(...failure);
    if (signKey !== null) this.unfinished.push(...(await signRun(folder, signKey, options)));
    return failure.length === 0 ? join(folder.name, files.report.name) : null;
  }
}

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
    const why = messageOf(error).replaceAll(path, name);
    process.stderr.write(`verify-isolation: ${escapeText(`${name} is not signed: ${why}`)}\n  sign it with attest\n`);
    return [69];
  }
}

interface RunPlace {
  readonly several: boolean;
  readonly beganMs: number;
  readonly inside: Inside | null;
  readonly signal: AbortSignal;
  readonly helpers: RunOptions['helpers'];
  readonly onClosed: (unrestored: readonly string[]) => void;
}

async function runOne(scenario: Scenario, options: RunCommandOptions, place: RunPlace): Promise<RunInFolder> {
  const { several, inside, onClosed } = place;
  // Only the inside loads what captures and builds; the launcher and a faulty scenario need none of it.
  const [{ runScenario }, { namingFolder, openOwnFolder }, host] = await Promise.all([
    import('../../../run/run.js'),
    import('../../../system/evidence/folder/own-folder.js'),
    inside === null ? Promise.all([import('./host-run.js'), import('../../../run/calibrate.js')]) : null,
  ]);
  const runId = randomBytes(8).toString('hex');
  const folder = openOwnFolder(evidenceFolder(options.out, scenario.name, several, new Date(), runId), scenario.name);
  const progress = await progressOf(scenario, options);
  let result: Result | null = null;
  let unrestored: readonly string[] = [];
  try {
    const run = await runScenario(scenario, {
      outDir: folder.path,
      runId,
      onClosed: (names) => {
        unrestored = names;
        onClosed(names);
      },
      ...(await optionsOf(options, place)),
      onProgress: progress.onProgress,
      ...(host === null ? {} : hostOptions(host, options, place.beganMs)),
    });
    if (host !== null) {
      const [{ printJournal, printLeft }] = host;
      if (run.result.evidence.files.length > 0) await printJournal(run.result, folder.path, options.quiet);
      printLeft(scenario, run);
    }
    ({ result } = run);
    return { ...run, folder };
  } catch (error) {
    if (result === null && unrestored.length > 0) host?.[0].printLeft(scenario, { result, unrestored });
    throw namingFolder(folder, error);
  } finally {
    if (result === null) folder.handOver(true);
    await progress.end(result);
  }
}

async function progressOf(
  { name, steps }: Scenario,
  { quiet, verbose, progress }: RunCommandOptions,
): Promise<Progress> {
  const { makeProgress, progressMode } = await import('../../../report/progress/make.js');
  const mode = progressMode({ quiet, verbose, progress, isTty: process.stderr.isTTY, env: process.env });
  return makeProgress(
    mode,
    name,
    steps.map((step) => step.name),
    verbose,
  );
}

async function optionsOf(
  options: RunCommandOptions,
  { inside, signal, helpers }: RunPlace,
): Promise<Omit<RunOptions, 'outDir' | 'runId' | 'onProgress'>> {
  const { engine, keep, toolVersion, payload = false, linger, dryRun = false, deafen, trace = 'off' } = options;
  const { operator = null, ticket = null } = options;
  return {
    inside,
    helpers,
    engine,
    keep,
    toolVersion,
    signal,
    payload,
    lingerMs: linger === undefined ? 0 : timeOf('--linger', linger),
    dryRun,
    trace,
    declared: { operator, ticket },
    ...(deafen === undefined ? {} : { alter: (await import('../../../run/deafen.js')).deafen(deafen) }),
  };
}

type HostModules = readonly [typeof import('./host-run.js'), typeof import('../../../run/calibrate.js')];

function hostOptions(
  [{ approval, connecting }, { calibrate }]: HostModules,
  options: RunCommandOptions,
  beganMs: number,
): Pick<RunOptions, 'approve' | 'connect' | 'calibrate'> {
  return {
    approve: approval(options, beganMs),
    connect: connecting(options),
    calibrate,
  };
}

/** `90s` in milliseconds. VerifyError (64). */
export function timeOf(option: string, text: string): number {
  const ms = milliseconds(text);
  if (ms === null || ms === 0 || ms > 0x7fffffff)
    throw usageError(
      `${option} ${text}: expected a time with unit`,
      `for example ${option} 90s or ${option} 10m; at most 24 days`,
    );
  return ms;
}
