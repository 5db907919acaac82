// Runs vitest and reads what came of it: tests, failures, times.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { lostRun, readRun } from './test-sum.mjs';
import { readUsage } from './test-times.mjs';

export const top = fileURLToPath(new URL('..', import.meta.url));
export const vitest = 'node_modules/vitest/vitest.mjs';
// Debian keeps bridge and tc where an ordinary user's PATH does not look.
export const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;
/**
 * Where a machine has certificates of its own Node reads all of them at each start, which takes 36 ms of 56; of thousands
 * of processes only npm's need them.
 */
export const { NODE_EXTRA_CA_CERTS: certificates, ...environment } = process.env;

let counted = 0;
/** Processor time of the children that ended since the last call, in ms: proc_pid_stat(5), fields 16 and 17. */
function newlyEndedMs() {
  const stat = readFileSync('/proc/self/stat', 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const before = counted;
  counted = 10 * (Number(fields[13]) + Number(fields[14]));
  return counted - before;
}

/**
 * Runs vitest, or a script that takes its arguments: `program`. `prefix`: words before it. `outDir`: a folder that the
 * run may write to. `output`: a file for its output; null = this terminal.
 */
export async function runVitest(title, { prefix = [], program = [vitest, 'run'], cwd, env, args, outDir, output }) {
  const name = join(outDir, title.replace(/\W+/g, '-'));
  const [json, usage] = [`${name}.json`, `${name}.ndjson`];
  const [script, ...words] = program;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
  const argv = [...prefix, process.execPath, join(cwd, script), ...words, ...args, ...reporters];
  const file = output === null ? null : openSync(output, 'w');
  newlyEndedMs();
  const began = performance.now();
  const child = spawn(argv[0], argv.slice(1), {
    cwd,
    env: { ...env, PATH, VERIFY_ISOLATION_USAGE: usage },
    stdio: file === null ? 'inherit' : ['ignore', file, file],
  });
  const [status, signal] = await once(child, 'exit');
  const times = { wallMs: performance.now() - began, processorMs: newlyEndedMs() };
  if (file !== null) closeSync(file);
  const end = status ?? signal;
  return {
    ...runOf(title, json, { cwd, end }),
    ...times,
    usage: existsSync(usage) ? readUsage(readFileSync(usage, 'utf8'), cwd) : [],
    end,
  };
}

function runOf(title, json, { cwd, end }) {
  try {
    return readRun(title, JSON.parse(readFileSync(json, 'utf8')), { cwd, end });
  } catch {
    return lostRun(title, `it left no report (${end})`);
  }
}
