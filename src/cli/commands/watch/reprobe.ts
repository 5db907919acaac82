import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Drift } from '../../../core/model/audit.js';
import { messageOf } from '../../../core/model/verify-error.js';
import { fieldsOf, jsonText, textOf } from '../../../core/text/json-text.js';
import { packagePath } from '../../../system/process/package-path.js';
import { runProgram } from '../../../system/process/programs.js';

export interface ReprobeOutcome {
  readonly verdict: string;
  readonly status: number | null;
  readonly dir: string;
}

/** Runs a scenario in its own process, one at a time. Starts during a run cause one more. */
export function makeReprobe(
  file: string,
  done: (outcome: ReprobeOutcome) => void,
): { start(): void; end(): Promise<void> } {
  return oneAtATime(async () => done(await runOnce(file)));
}

function oneAtATime(act: () => Promise<void>): { start(): void; end(): Promise<void> } {
  let running: Promise<void> | null = null;
  let again = false;
  let ended = false;
  async function runs(): Promise<void> {
    do {
      again = false;
      await act();
    } while (again && !ended);
    running = null;
  }
  return {
    start() {
      again = true;
      running ??= runs();
    },
    async end() {
      ended = true;
      await running;
    },
  };
}

const [execMs, maxWaiting] = [60_000, 10_000];

/**
 * Starts a program without shell or arguments; JSON lines on stdin. Later changes wait. `failed`: its status was not 0.
 */
export function makeExec(
  program: string,
  failed: (why: string) => void,
): { start(drifts: readonly Drift[]): void; end(): Promise<void> } {
  let waiting: Drift[] = [];
  const runner = oneAtATime(async () => {
    const input = waiting.map((drift) => `${jsonText(drift)}\n`).join('');
    waiting = [];
    try {
      const { status, stdout, stderr } = await runProgram([program], { input, timeoutMs: execMs });
      process.stderr.write(stdout + stderr);
      if (status !== 0) failed(status === null ? 'it was killed' : `exit status ${status}`);
    } catch (error) {
      failed(messageOf(error));
    }
  });
  return {
    start(drifts) {
      waiting = [...waiting, ...drifts].slice(-maxWaiting);
      runner.start();
    },
    end: () => runner.end(),
  };
}

function runOnce(file: string): Promise<ReprobeOutcome> {
  const dir = join(mkdtempSync(join(tmpdir(), 'verify-isolation-reprobe-')), 'evidence');
  const child = spawn(
    process.execPath,
    [packagePath('dist/cli.cjs'), 'run', file, '--json', '--quiet', '--yes', '--out', dir],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return new Promise((resolve) => {
    child.once('error', () => resolve({ verdict: 'not run', status: null, dir }));
    child.once('close', (status) => resolve({ verdict: verdictIn(text), status, dir }));
  });
}

function verdictIn(text: string): string {
  try {
    return textOf(fieldsOf(JSON.parse(text))?.['verdict']) ?? 'none';
  } catch {
    return 'none';
  }
}
