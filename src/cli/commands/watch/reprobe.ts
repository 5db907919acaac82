import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fieldsOf, textOf } from '../../../core/text/json-text.js';
import { packagePath } from '../../../system/process/package-path.js';

export interface ReprobeOutcome {
  readonly verdict: string;
  readonly status: number | null;
  readonly dir: string;
}

/** Runs a scenario in a process of its own, one run at a time; a start during a run is one more run after it. */
export function makeReprobe(
  file: string,
  done: (outcome: ReprobeOutcome) => void,
): { start(): void; end(): Promise<void> } {
  let running: Promise<void> | null = null;
  let again = false;
  let ended = false;
  async function runs(): Promise<void> {
    do {
      again = false;
      done(await runOnce(file));
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
