// A second kernel that runs tests: User-mode Linux (test-uml.mjs) or Debian's cloud kernel in QEMU (test-cloud.mjs).
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export const top = fileURLToPath(new URL('..', import.meta.url));

const quoted = (word) => `'${word.replaceAll("'", "'\\''")}'`;

/**
 * Arguments of vitest for the tests with the tag `kernel`. Their files are found by their text: loading all other files
 * as well takes a slow kernel minutes.
 */
export function kernelTests() {
  const files = ['lab', 'system'].flatMap((project) =>
    readdirSync(join(top, 'test', project), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => `test/${project}/${name}`)
      .filter((file) => /\bdescribeOnKernelWith\(|\btags: \[?'kernel'/.test(readFileSync(join(top, file), 'utf8'))),
  );
  return [...files, '--tagsFilter=kernel'];
}

/** Words for Node that run tests one after another. */
export const vitestRun = ['node_modules/vitest/vitest.mjs', 'run', '--no-file-parallelism', '--no-isolate'];

/**
 * The shell commands that the second kernel runs: a program that makes the file `booted`, which shows that Node works
 * there, then vitest or another program of Node.
 */
export function commandOf(words, { booted, environment = {}, program = vitestRun }) {
  const variables = {
    TMPDIR: '/run/tmp',
    HOME: '/run/tmp',
    LANG: 'C.UTF-8',
    XDG_CACHE_HOME: process.env.XDG_CACHE_HOME || join(homedir(), '.cache'),
    PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`,
    CI: '1',
    VERIFY_ISOLATION_PATIENCE: '10',
    VERIFY_ISOLATION_OWN_KERNEL: '1',
    VERIFY_ISOLATION_RETRY: process.env.VERIFY_ISOLATION_RETRY || '0',
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => name.startsWith('ADVERSARY_'))),
    ...environment,
  };
  const line = (argv) => argv.map(quoted).join(' ');
  return [
    `cd ${quoted(top)} || exit 70`,
    ...Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}`),
    `${line([process.execPath, '-e', 'fs.writeFileSync(process.argv[1], "")', booted])} || exit 70`,
    `exec ${line([process.execPath, ...program, ...words])}`,
    '',
  ].join('\n');
}

/** A program that ends when this process ends. */
export function started(argv, options) {
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', ...argv], options);
  const closed = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (status, signal) => resolve(signal ?? `exit ${status}`));
  });
  return { child, closed };
}

/** The kernel's panic among the lines of its console, else the last line. */
function lastWords(console) {
  // escape sequences of a terminal's colours
  const lines = console.replaceAll(/\u001b\[[\d;:?]*[a-z]/gi, '').split('\n');
  const printed = lines.map((line) => line.trim()).filter((line) => line !== '');
  return printed.find((line) => /panic/i.test(line)) ?? printed.at(-1);
}

/**
 * Waits until a kernel, a program with stdout and stderr as pipes, has made the file `booted`. Gives null, and prints
 * its console from then on; or kills it and gives the reason when it ended or took more than `seconds`.
 */
export async function bootFault({ child, closed }, { booted, seconds }) {
  let [kept, isUp] = ['', false];
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text) => {
      if (isUp) process.stdout.write(text);
      else kept += text;
    });
  let ended;
  void closed.then((end) => (ended = end));
  const last = performance.now() + seconds * 1000;
  while (!existsSync(booted) && ended === undefined && performance.now() < last) await sleep(20);
  isUp = existsSync(booted);
  if (isUp) {
    process.stdout.write(kept);
    return null;
  }
  child.kill('SIGKILL');
  const end = ended === undefined ? `it does not boot in ${seconds} s` : `it ended before it was up (${ended})`;
  await closed;
  const words = lastWords(kept);
  return words === undefined ? end : `${end}: ${words}`;
}
