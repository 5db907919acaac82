/**
 * verify-isolation as a library. `loadScenario` checks a file, `plan` says what a run would do, `run` sends and
 * listens, `replay` judges recorded evidence again, `rows` lists what each observer saw of
 * each flow, `report` writes it down, `audit` reads the settings of a host's
 * bridges; what they give is what the command line prints as JSON. Everything else in this package may change from one
 * version to the next.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { reportedRun } from './cli/commands/evidence/load-details.js';
import { loadFiles } from './cli/commands/scenario/load-files.js';
import { planOf } from './cli/commands/scenario/plan.js';
import { audit as auditSnapshot } from './core/audit/audit.js';
import type { AuditReport } from './core/model/audit.js';
import { netnsPath } from './core/model/fabric.js';
import type { Plan } from './core/model/plan.js';
import type { ProgressEvent } from './core/model/timeline.js';
import type { Result } from './core/model/result.js';
import type { Scenario } from './core/model/scenario.js';
import { errorExits, runExits, VerifyError } from './core/model/verify-error.js';
import { type ReporterName, reporters } from './report/reporters.js';
import { judgeFolder, replayFolder } from './system/evidence/replay.js';
import { packagePath } from './system/process/package-path.js';
import { readSnapshot } from './system/state/read-snapshot.js';

export type { AuditId, BarrierCode, CauseCode, ErrorCode, UnknownCode } from './core/model/codes.js';
export type { AuditFinding, AuditReport, Prediction, Severity } from './core/model/audit.js';
export type { Plan } from './core/model/plan.js';
export type { ProgressEvent } from './core/model/timeline.js';
export type { Reason, ReasonCode } from './core/model/reasons.js';
export type { Cause, Finding, LeakGroup, Result, StepResult, Verdict } from './core/model/result.js';
export type {
  Bridge,
  Carrier,
  Endpoint,
  ProbeClassName,
  ProbeEntry,
  Scenario,
  Step,
  Topology,
} from './core/model/scenario.js';
export { type ResultRow, rows } from './report/machine/csv.js';
export type { ReporterName } from './report/reporters.js';
export { VerifyError } from './core/model/verify-error.js';

/** Values for a scenario's `vars`, by name. */
export type VariableValues = Readonly<Record<string, string | number | boolean>>;

export interface RunOptions {
  /** Folder for the evidence: new or empty. */
  readonly out: string;
  readonly set?: VariableValues;
  /** How to capture; `auto` where absent. */
  readonly engine?: 'auto' | 'libpcap' | 'cap';
  /** Further options of `verify-isolation run`, such as `--allow-run` or `--timeout`, `90s`. */
  readonly args?: readonly string[];
  /** Called with what the run is doing, as it happens. */
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Ends the run early; everything is put back. */
  readonly signal?: AbortSignal;
}

const program = packagePath('dist/cli.cjs');

/** A scenario's file and the values of its variables. VerifyError (64) where the file is no longer what was loaded. */
async function sourceOf(
  source: string | Scenario,
  set: VariableValues,
): Promise<{ readonly file: string; readonly set: VariableValues }> {
  if (typeof source === 'string') return { file: source, set };
  const { file, sha256, variables } = source;
  const bytes = await readFile(file).catch(() => null);
  if (bytes === null || createHash('sha256').update(bytes).digest('hex') !== sha256)
    throw new VerifyError('scenario-changed', 64, `${file} is no longer the file that was loaded`, 'load it again');
  return { file, set: { ...variables, ...set } };
}

/** A line of `--progress json`; null = it is text for people. */
function eventOf(line: string): ProgressEvent | null {
  if (!line.startsWith('{"scenario":')) return null;
  const event: ProgressEvent = JSON.parse(line); // what this very version has just written
  return event;
}

/**
 * Runs one scenario, a file or what `loadScenario` made of it, and judges it; the evidence stands in `options.out`. The
 * program runs in a process of its own, since the lab takes namespaces of its own. Every verdict is a result. Rejects
 * with a VerifyError that carries the program's exit status: 64 for a file or option that is wrong, 69 for what this
 * machine lacks, 3 where a setting could not be made, 70 for a fault in the program; and with the signal's reason where
 * that ended the run: what was seen until then stands in the folder.
 */
export async function run(source: string | Scenario, options: RunOptions): Promise<Result> {
  const { out, engine = 'auto', args = [], signal, onProgress } = options;
  const { file, set } = await sourceOf(source, options.set ?? {});
  const sets = Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${String(value)}`]);
  const progress = onProgress === undefined ? ['--quiet'] : ['--progress', 'json'];
  const child = spawn(
    process.execPath,
    [program, 'run', file, '--out', out, '--json', ...progress, '--engine', engine, ...sets, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const end = (): boolean => child.kill('SIGTERM');
  signal?.addEventListener('abort', end);
  if (signal?.aborted === true) end();
  const words: string[] = [];
  createInterface({ input: child.stderr }).on('line', (line) => {
    const event = eventOf(line);
    if (event === null) words.push(line);
    else onProgress?.(event);
  });
  try {
    const [stdout, [status]] = await Promise.all([text(child.stdout), once(child, 'close')]);
    if (stdout !== '' && runExits.some((exit) => exit.status === status)) {
      const result: Result = JSON.parse(stdout); // what this very version has just written
      return result;
    }
    signal?.throwIfAborted();
    const exit = errorExits.find((each) => each === status) ?? 70;
    const message = words.join('\n').trim() || `the run of ${file} ended with ${String(status)}`;
    throw new VerifyError('run-failed', exit, message, '');
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/**
 * What a run of a scenario would do, without doing any of it; the run's tag and key are zeros. Of `provider: host` the
 * bridges are looked at. VerifyError (64) where the file is wrong, 69 where the host is not as it says.
 */
export async function plan(source: string | Scenario, set: VariableValues = {}): Promise<Plan> {
  const scenario = typeof source === 'string' ? await loadScenario(source, set) : source;
  return (await planOf(scenario)).plan;
}

export interface AuditOptions {
  /** This bridge only. */
  readonly bridge?: string;
  /** Network namespace of the bridges: a name of `ip netns`, or a path. */
  readonly netns?: string;
}

/**
 * Reads every setting that decides isolation, worst findings first; sends nothing. VerifyError (69) where the namespace
 * cannot be read.
 */
export async function audit({ bridge, netns }: AuditOptions = {}): Promise<AuditReport> {
  const snapshot = await readSnapshot({ netns: netnsPath(netns ?? null), complete: true });
  return auditSnapshot(snapshot, { bridge: bridge ?? null });
}

/** A run's folder, judged again, in one of the formats of `--reporter`. VerifyError (64) where it is not a run. */
export async function report(dir: string, format: ReporterName): Promise<string> {
  const { result, input } = await judgeFolder(dir);
  const judged = await reportedRun(dir, result, format === 'html', input);
  const reporter = await reporters[format]();
  return reporter([judged], { width: 100, color: false });
}

/**
 * Judges the folder that a run left again, from its files alone; the same result, byte for byte, on any machine.
 * VerifyError (64) where it is not a run.
 */
export async function replay(dir: string): Promise<Result> {
  return replayFolder(dir);
}

/** Reads a scenario whole, with the files that it includes. VerifyError (64) with `file:line:col` for every fault. */
export async function loadScenario(file: string, set: VariableValues = {}): Promise<Scenario> {
  const sets = new Map(Object.entries(set).map(([name, value]) => [name, String(value)]));
  const [scenario] = await loadFiles([file], { sets });
  if (scenario === undefined)
    throw new VerifyError('scenario-invalid', 64, `${file}: no scenario`, 'give the path of a scenario');
  return scenario;
}
