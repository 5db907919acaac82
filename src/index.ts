/**
 * verify-isolation as a library. `loadScenario` checks a file, `plan` predicts a run, `run` tests, `replay` judges
 * evidence again. `rows` lists each observer's sightings by flow, `report` formats them, `audit` reads bridge settings.
 * Results equal the command line's JSON. Other parts of this package may change with any version.
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
import { audit as auditSnapshot, nothingAudited, refuseMissingBridge } from './core/audit/audit.js';
import type { AuditReport } from './core/model/audit.js';
import { netnsPath } from './core/model/fabric.js';
import type { Plan } from './core/model/plan.js';
import type { ProgressEvent } from './core/model/timeline.js';
import type { Result } from './core/model/result.js';
import type { Scenario } from './core/model/scenario.js';
import { errorExits, runExits, usageError, VerifyError } from './core/model/verify-error.js';
import { isReporterName, type ReporterName, reporterNames, reporters } from './report/reporters.js';
import { judgeFolder, replayFolder } from './system/evidence/replay.js';
import { packagePath } from './system/process/package-path.js';
import { readSnapshot } from './system/state/read-snapshot.js';

export type { AuditId, BarrierCode, CauseCode, ErrorCode, UnknownCode } from './core/model/codes.js';
export type { AuditFinding, AuditReport, Severity } from './core/model/audit.js';
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
  /** Evidence folder: new or empty. */
  readonly out: string;
  readonly set?: VariableValues;
  /** Default `auto`. */
  readonly engine?: 'auto' | 'libpcap' | 'cap';
  /** Options of `verify-isolation run`, such as `--timeout`, `90s`. */
  readonly args?: readonly string[];
  /** Receives events during the run. */
  readonly onProgress?: (event: ProgressEvent) => void;
  /** Ends the run early and restores everything. */
  readonly signal?: AbortSignal;
}

const program = packagePath('dist/cli.cjs');

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

function eventOf(line: string): ProgressEvent | null {
  if (!line.startsWith('{"scenario":')) return null;
  const event: ProgressEvent = JSON.parse(line); // what this very version has just written
  return event;
}

/**
 * Runs and judges one scenario in its own process, since the lab takes namespaces. Evidence goes to `options.out`;
 * every verdict is a result. VerifyError with the exit status: 64 for a wrong file or option, 69 if this machine lacks
 * something, 3 if a setting failed, 70 for a fault in the program. An abort rejects with the signal's reason; evidence
 * until then stays.
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
 * Predicts a run without sending; tag and key are zeros. Reads the bridges of `provider: host`. VerifyError (64) for a
 * wrong file, 69 if the host differs from it.
 */
export async function plan(source: string | Scenario, set: VariableValues = {}): Promise<Plan> {
  const scenario = typeof source === 'string' ? await loadScenario(source, set) : source;
  return (await planOf(scenario)).plan;
}

export interface AuditOptions {
  /** Only this bridge. */
  readonly bridge?: string;
  /** A name of `ip netns`, or a path. */
  readonly netns?: string;
}

/**
 * Reads every setting that decides isolation, worst findings first. Sends nothing. VerifyError (69) for an unreadable
 * namespace, or if there is no such bridge, or none.
 */
export async function audit({ bridge, netns }: AuditOptions = {}): Promise<AuditReport> {
  const snapshot = await readSnapshot({ netns: netnsPath(netns ?? null), complete: true });
  const found = auditSnapshot(snapshot, { bridge: bridge ?? null });
  refuseMissingBridge(bridge ?? null, found);
  if (found.bridges.length + found.findings.length === 0) throw nothingAudited([]);
  return found;
}

/**
 * Judges a run's folder again and formats it as `--reporter`. VerifyError (64) if it is no run's, or for an unknown
 * format.
 */
export async function report(dir: string, format: ReporterName): Promise<string> {
  const name: string = format; // a caller in JavaScript has no types
  if (!isReporterName(name))
    throw usageError(`report: ${name} is not a reporter`, `known: ${reporterNames.join(', ')}`);
  const { result, input } = await judgeFolder(dir);
  const judged = await reportedRun(dir, result, format === 'html', input);
  const reporter = await reporters[format]();
  return reporter([judged], { width: 100, color: false });
}

/**
 * Judges a run's folder from its files alone, byte for byte equal on any machine. VerifyError (64) if it is no run's.
 */
export async function replay(dir: string): Promise<Result> {
  return replayFolder(dir);
}

/** Reads a scenario and the files it includes. VerifyError (64) with `file:line:col` for every fault. */
export async function loadScenario(file: string, set: VariableValues = {}): Promise<Scenario> {
  const sets = new Map(Object.entries(set).map(([name, value]) => [name, String(value)]));
  const [scenario] = await loadFiles([file], { sets });
  if (scenario === undefined)
    throw new VerifyError('scenario-invalid', 64, `${file}: no scenario`, 'give the path of a scenario');
  return scenario;
}
