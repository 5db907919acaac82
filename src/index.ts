/**
 * verify-isolation as a library. `runScenario` sends and listens, `replay` judges recorded evidence again,
 * `loadScenario` checks a file; what they give is what the command line prints as JSON. Everything else in this package
 * may change from one version to the next.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { loadFiles } from './cli/commands/scenario/load-files.js';
import type { Result } from './core/model/result.js';
import type { Scenario } from './core/model/scenario.js';
import { VerifyError } from './core/model/verify-error.js';
import { replayFolder } from './system/evidence/replay.js';
import { packagePath } from './system/process/package-path.js';

export type { Cause, Finding, Reason, Result, StepResult, Verdict } from './core/model/result.js';
export type { Bridge, Endpoint, ProbeEntry, Scenario, Step, Topology } from './core/model/scenario.js';
export { VerifyError } from './core/model/verify-error.js';

/** Values for a scenario's `vars`, by name. */
export type VariableValues = Readonly<Record<string, string | number | boolean>>;

export interface RunScenarioOptions {
  /** Folder for the evidence: new or empty. */
  readonly out: string;
  readonly set?: VariableValues;
  /** How to capture; `auto` where absent. */
  readonly engine?: 'auto' | 'libpcap' | 'cap';
  /** Further options of `verify-isolation run`, such as `--allow-run` or `--timeout`, `90s`. */
  readonly args?: readonly string[];
  /** Ends the run early; everything is put back. */
  readonly signal?: AbortSignal;
}

const program = packagePath('dist/cli.cjs');

/**
 * Runs one scenario and judges it; the evidence stands in `options.out`. The program runs in a process of its own,
 * since the lab takes namespaces of its own. Every verdict is a result. Rejects with a VerifyError that carries the
 * program's exit status: 64 for a file or option that is wrong, 69 for what this machine lacks, 3 where a setting could
 * not be made, 70 for a fault in the program; and with the signal's reason where that ended the run: what was seen
 * until then stands in the folder.
 */
export async function runScenario(file: string, options: RunScenarioOptions): Promise<Result> {
  const { out, set = {}, engine = 'auto', args = [], signal } = options;
  const sets = Object.entries(set).flatMap(([name, value]) => ['--set', `${name}=${String(value)}`]);
  const child = spawn(
    process.execPath,
    [program, 'run', file, '--out', out, '--json', '--quiet', '--engine', engine, ...sets, ...args],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  const end = (): boolean => child.kill('SIGTERM');
  signal?.addEventListener('abort', end);
  if (signal?.aborted === true) end();
  try {
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ]);
    if (stdout !== '' && [0, 2, 3, 4].includes(Number(status))) {
      const result: Result = JSON.parse(stdout); // what this very version has just written
      return result;
    }
    signal?.throwIfAborted();
    const exit = ([3, 64, 69] as const).find((each) => each === status) ?? 70;
    throw new VerifyError('run-failed', exit, stderr.trim() || `the run of ${file} ended with ${String(status)}`, '');
  } finally {
    signal?.removeEventListener('abort', end);
  }
}

/**
 * Judges the folder that a run left again, from its files alone; the same result, byte for byte, on any machine.
 * VerifyError (64) where it is none.
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
