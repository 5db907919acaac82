import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { answerVariant, type Finding, type Result } from '../../../src/core/model/result.js';
import { patient } from '../patient.js';

export const top = resolve(import.meta.dirname, '../../..');
export const cli = join(top, 'dist/cli.cjs');
if (!existsSync(cli)) throw new Error('these tests need the built program: npm run build');

/**
 * Root has run all of it, and this is another user: what a verdict is made of is the same then, and what rights decide
 * is tried again.
 */
export const again = process.env['VERIFY_ISOLATION_AGAIN'] === '1';

/**
 * Options of tests that come out alike whoever runs them: frames decide them, or what is written of these. No
 * second user repeats them.
 */
export const alike = { tags: 'alike' };

let made: string | null = null;
/** A folder of the test file's own, gone with it (setup.ts). Made when it is needed. */
const scratch = (): string => (made ??= mkdtempSync(join(tmpdir(), 'live-')));
/** Files that share a process make a folder each. */
export function removeScratch(): void {
  if (made !== null) rmSync(made, { recursive: true, force: true });
  made = null;
}

let numbers = 0;
/** A path in it that nobody else has. */
export const fresh = (name: string): string => join(scratch(), `${(numbers += 1)}-${name}`);

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly ended: Promise<Outcome>;
}

export interface StartOptions {
  /** Words before the program: another user. */
  readonly prefix?: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Starts the built program, in a process group of its own. */
export function startProgram(args: readonly string[], options: StartOptions = {}): Started {
  const [program = '', ...rest] = [...(options.prefix ?? []), process.execPath, cli, ...args];
  const child = spawn(program, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
    cwd: options.cwd ?? scratch(),
    env: options.env ?? process.env,
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    text.stdout += chunk.toString('utf8');
  });
  child.stderr.on('data', (chunk: Buffer) => {
    text.stderr += chunk.toString('utf8');
  });
  const ended = new Promise<Outcome>((resolveEnd, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolveEnd({ status, ...text }));
  });
  return { child, ended };
}

export const program = (args: readonly string[], options: StartOptions = {}): Promise<Outcome> =>
  startProgram(args, options).ended;

export interface LabRun extends Outcome {
  readonly dir: string;
  readonly result: Result;
}

/** Runs a scenario with --json and takes its result apart. */
export async function runLab(file: string, ...args: readonly string[]): Promise<LabRun> {
  const dir = fresh('evidence');
  const outcome = await program(['run', file, '--out', dir, '--json', '--quiet', ...args]);
  if (outcome.stdout === '') throw new Error(`no result, exit ${outcome.status}: ${outcome.stderr}`);
  return { ...outcome, dir, result: JSON.parse(outcome.stdout) as Result };
}

export function writeScenario(text: string): string {
  const file = fresh('scenario.yml');
  writeFileSync(file, text);
  return file;
}

const threeGuests = `    a: { bridge: br0, port: p0, mac: "52:54:00:00:00:0a", ip: 10.9.0.1/24 }
    b: { bridge: br0, port: p1, mac: "52:54:00:00:00:0b", ip: 10.9.0.2/24 }
    c: { bridge: br0, port: p2, mac: "52:54:00:00:00:0c", ip: 10.9.0.3/24 }
`;

/**
 * A scenario of three guests a, b, c on the ports p0, p1, p2 of br0, and whatever else is given: `more` endpoints, keys
 * at the `head` of the file.
 */
export function threeOn(bridge: string, steps: string, more = '', head = ''): string {
  return writeScenario(
    `version: 1\nname: t\n${head}topology:\n  provider: lab\n  bridges: { br0: ${bridge} }\n  endpoints:\n${threeGuests}${more}steps:\n${steps}\n`,
  );
}

export interface Row {
  readonly step: number;
  readonly from?: string;
  readonly to?: string;
  readonly observer?: string;
  readonly carrier?: string;
}

/** The rows of probes that fit, not of answers to them; at least one, so that nothing is claimed of nothing. */
export function rows(result: Result, want: Row): readonly Finding[] {
  const found = (result.steps[want.step]?.findings ?? []).filter(
    (row) =>
      row.variant !== answerVariant &&
      (want.from === undefined || row.from === want.from) &&
      (want.to === undefined || row.to === want.to) &&
      (want.observer === undefined || row.observer === want.observer) &&
      (want.carrier === undefined || row.carrier === want.carrier),
  );
  if (found.length === 0) throw new Error(`no row fits ${JSON.stringify(want)}`);
  return found;
}

/** What of the rows was overheard, in the words of an author: none, all, or some. */
export function overheard(result: Result, want: Row): string {
  const amounts = new Set(
    rows(result, want).map(({ seen, sent }) => {
      if (seen === 0) return 'none';
      return seen === sent ? 'all' : `${seen} of ${sent}`;
    }),
  );
  return [...amounts].sort().join(', ');
}

/** Resolves as soon as the run's timeline holds an event of that kind; its text. */
export const untilEvent = (dir: string, event: string, maxMs?: number): Promise<string> =>
  untilReported(dir, `"event":"${event}"`, maxMs);

/** Resolves as soon as the run's timeline holds that text; all of it. */
export async function untilReported(dir: string, what: string, maxMs = patient(120_000)): Promise<string> {
  for (const began = performance.now(); performance.now() - began < maxMs; await sleep(5)) {
    const text = existsSync(join(dir, 'timeline.ndjson')) ? readFileSync(join(dir, 'timeline.ndjson'), 'utf8') : '';
    if (text.includes(what)) return text;
  }
  throw new Error(`no ${what} within ${maxMs} ms in ${dir}`);
}
