// `npm test` after set-up: every run of tests, then their true sum alone on the last line. A run that did not start
// counts as failed.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statfsSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareTarget } from './package/target.mjs';
import { prepareImage } from './vm/image.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
process.chdir(top);
// Debian keeps bridge and tc where an ordinary user's PATH does not look.
const PATH = `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`;
/**
 * Where a machine has certificates of its own Node reads all of them at each start; of thousands of processes only
 * npm's need them.
 */
const { NODE_EXTRA_CA_CERTS: certificates, ...inherited } = process.env;
const isRoot = process.getuid() === 0;
const nobody = 65534;
const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'];
const scratch = mkdtempSync(join(scratchBelow(), 'verify-isolation-test-'));
/** What is /tmp to the tests. */
const thrownAway = join(scratch, 'work');
mkdirSync(thrownAway);
chmodSync(thrownAway, 0o1777);
chmodSync(scratch, 0o755);
const sum = { passed: 0, failed: 0, skipped: 0 };
const loud = [];
/** Tests of the main runs that were skipped, by file and name: another kernel may run them. */
const skippedTests = new Set();

/**
 * Where tests put what they throw away: in memory where that is plenty and may hold programs, for files on a disk take
 * a tenth of the tests' processor time; else where everybody does.
 */
function scratchBelow() {
  const [memory, gibibyte] = ['/dev/shm', 2 ** 30];
  const { stdout } = spawnSync('findmnt', ['-n', '-o', 'FSTYPE,OPTIONS', '-T', memory], { encoding: 'utf8' });
  if (!/^tmpfs\b/.test(stdout ?? '') || /\bnoexec\b/.test(stdout)) return tmpdir();
  const { bavail, bsize } = statfsSync(memory);
  return bavail * bsize >= 4 * gibibyte && process.availableMemory() >= 8 * gibibyte ? memory : tmpdir();
}

/** Why no lab can be built by the user behind `prefix`; null = it can. Tried, not guessed. */
function labRefused(prefix, root) {
  const user = root ? [] : ['--user', '--map-root-user'];
  const argv = [
    ...prefix,
    'unshare',
    ...user,
    '--net',
    '--mount',
    '--pid',
    '--fork',
    'ip',
    'link',
    'add',
    'br0',
    'type',
    'bridge',
  ];
  const { status, stderr, error } = spawnSync(argv[0], argv.slice(1), {
    encoding: 'utf8',
    env: { ...process.env, PATH },
  });
  return status === 0 ? null : (error?.message ?? stderr.trim().split('\n')[0]);
}

/** A program's end. Beside another run its output is kept until then, so that the two are not mixed. */
async function ended(title, argv, { cwd, env, beside }) {
  if (!beside) {
    console.log(`\n== ${title}`);
    const child = spawn(argv[0], argv.slice(1), { cwd, env, stdio: 'inherit' });
    return once(child, 'close');
  }
  console.log(`\n== ${title}: started beside the others`);
  const output = join(scratch, `${title.replace(/\W+/g, '-')}.txt`);
  const file = openSync(output, 'w');
  const child = spawn(argv[0], argv.slice(1), { cwd, env, stdio: ['ignore', file, file] });
  const end = await once(child, 'close');
  closeSync(file);
  console.log(`\n== ${title}\n${readFileSync(output, 'utf8')}`);
  return end;
}

/** Every test of a report with its place in the checkout, so that two runs can be compared. */
function testsIn(counted, cwd) {
  return counted.testResults.flatMap((file) =>
    file.assertionResults.map(({ fullName, status }) => ({ id: `${relative(cwd, file.name)} ${fullName}`, status })),
  );
}

/**
 * What failed in a report, a line each: its file, its name and the first line of why. The runs' own output may be
 * thousands of lines further up.
 */
function failuresIn(counted, cwd) {
  const firstLine = (text) => (text ?? '').split('\n')[0];
  return counted.testResults
    .filter((file) => file.status === 'failed')
    .flatMap((file) => {
      const tests = file.assertionResults.filter(({ status }) => status === 'failed');
      const place = relative(cwd, file.name);
      return tests.length === 0
        ? [`${place}: ${firstLine(file.message)}`]
        : tests.map((test) => `${place} > ${test.fullName}: ${firstLine(test.failureMessages[0])}`);
    });
}

/**
 * One run of vitest, or of a script that takes its arguments; adds what it counted to the sum. Null = it did not
 * report, else the report's tests.
 */
async function run(
  title,
  {
    prefix = [],
    program = ['node_modules/vitest/vitest.mjs', 'run'],
    cwd = top,
    env = {},
    args = [],
    outDir = scratch,
    beside = false,
    isChoice = false,
  },
) {
  const json = join(outDir, `${title.replace(/\W+/g, '-')}.json`);
  const [script, ...words] = program;
  const argv = [
    ...prefix,
    process.execPath,
    join(cwd, script),
    ...words,
    ...args,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${json}`,
  ];
  const [status, signal] = await ended(title, argv, {
    cwd,
    env: { ...inherited, PATH, TMPDIR: thrownAway, ...env },
    beside,
  });
  if (status === 69 && isChoice) {
    loud.push(`SKIPPED: the run "${title}": it cannot be had here, for the reason above`);
    return null;
  }
  let counted;
  try {
    counted = JSON.parse(readFileSync(json, 'utf8'));
  } catch {
    loud.push(`FAILED: the run "${title}" did not report (${signal ?? `exit ${status}`})`);
    sum.failed += 1;
    return null;
  }
  sum.passed += counted.numPassedTests;
  // What a choice of tests leaves out is not skipped: another run has it.
  if (!isChoice) sum.skipped += counted.numPendingTests + (counted.numTodoTests ?? 0);
  // A file that could not be loaded has no failed test of its own; an error outside any test only shows in the status.
  const unloaded = counted.testResults.filter(
    (file) => file.status === 'failed' && file.assertionResults.every((test) => test.status !== 'failed'),
  ).length;
  const failed = counted.numFailedTests + unloaded;
  sum.failed += failed;
  loud.push(...failuresIn(counted, cwd).map((failure) => `FAILED: in the run "${title}": ${failure}`));
  if (isChoice ? counted.numPassedTests + failed === 0 : counted.numTotalTests === 0) {
    loud.push(`FAILED: the run "${title}" found no test`);
    sum.failed += 1;
  } else if (status !== 0 && failed === 0) {
    loud.push(`FAILED: the run "${title}" exited ${status ?? signal} although no test failed`);
    sum.failed += 1;
  }
  return testsIn(counted, cwd);
}

/**
 * Tests of which each file has a process of its own, since a file that they share makes a folder for each. In all
 * others a process loads what they test once, and not anew for each file.
 */
const apart = ['test/lab/run/', 'test/lab/kernel/', 'test/lab/faults/read-only'];

/** Those that are skipped are remembered. */
async function runRemembering(title, options) {
  for (const { id, status } of (await run(title, options)) ?? [])
    if (status !== 'passed' && status !== 'failed') skippedTests.add(id);
}

/** The tests that share processes. */
async function runMain(title, { args = [], env = {} } = {}) {
  await runRemembering(title, { args: [...args, ...without(apart), '--no-isolate'], env });
}

/** The tests that do not. */
async function runApart({ args = [], env = {} } = {}) {
  await runRemembering('tests of which each file has its own process', {
    beside: true,
    args: [...apart, '--maxWorkers=2', ...args],
    env,
  });
}

/** Leaves out what begins so: folders with a slash at their end, others with or without a file's ending. */
function without(starts) {
  return starts.flatMap((start) => ['--exclude', start.endsWith('/') ? `${start}**` : `${start}{/**,.test.ts}`]);
}

/** What a kernel decides, under another one that has what this machine's may lack. Gives the tests that it ran. */
async function runOnSecondKernel() {
  // It has a /dev/shm of its own, and sockets whose path may not be longer.
  const outDir = mkdtempSync(join(tmpdir(), 'verify-isolation-uml-'));
  try {
    const tests = await run('what a kernel decides, under User-mode Linux', {
      beside: true,
      program: ['scripts/test-uml.mjs'],
      isChoice: true,
      outDir,
      env: { TMPDIR: tmpdir() },
    });
    return (tests ?? []).filter(({ status }) => status === 'passed' || status === 'failed');
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

/** A copy of the checkout that an unprivileged user owns: his own checkout, as far as the tests can tell. */
function copyFor(uid) {
  const copy = join(scratch, 'checkout');
  mkdirSync(copy);
  const entries = readdirSync(top).filter(
    (entry) => !['.git', 'evidence', 'coverage', '.cache', '.stryker-tmp'].includes(entry),
  );
  // Of 19,000 files: cp takes half the processor time that node:fs takes.
  for (const argv of [
    ['cp', '--archive', '--', ...entries.map((entry) => join(top, entry)), copy],
    ['chown', '--no-dereference', '--recursive', `${uid}:${uid}`, copy],
  ]) {
    const { status, stderr, error } = spawnSync(argv[0], argv.slice(1), { encoding: 'utf8' });
    if (status !== 0) throw new Error(`${argv[0]}: ${error?.message ?? stderr.trim()}`);
  }
  for (const folder of ['home', 'tmp', 'out']) {
    mkdirSync(join(scratch, folder));
    chownSync(join(scratch, folder), uid, uid);
  }
  return copy;
}

/**
 * Tests that make network namespaces: the built program end to end, the README's commands, and what the lab is built
 * of.
 */
const ofLab = ['test/lab/', 'test/system/'];

/** How many tests stand there: what is skipped where no lab can be had. */
function countTests(...folders) {
  const { stdout } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'list', ...folders, '--json'], {
    encoding: 'utf8',
    env: { ...process.env, VERIFY_ISOLATION_GUESTS: '{}', VERIFY_ISOLATION_TARGET: '-' },
  });
  try {
    return JSON.parse(stdout).length;
  } catch {
    return 1;
  }
}

/** Live tests of what frames decide, and what is written of them: they come out alike whoever runs them. */
const alikeForAll = ['test/lab/run/disruptive', 'test/lab/run/events', 'test/lab/run/keep', 'test/lab/run/large'];

/** The other live tests again in another user's checkout: what a right of root's would hide. */
async function runAsNobody() {
  const denied = labRefused(asNobody, false);
  if (denied) {
    const count = countTests('test/lab/run');
    sum.skipped += count;
    loud.push(
      `SKIPPED: test/lab/run as an unprivileged user (${count} tests), because user namespaces are refused here: ${denied}`,
    );
    return;
  }
  await run('live tests, as an unprivileged user', {
    beside: true,
    prefix: asNobody,
    cwd: copyFor(nobody),
    args: ['test/lab/run', '--maxWorkers=2', ...without(alikeForAll)],
    outDir: join(scratch, 'out'),
    env: {
      VERIFY_ISOLATION_AGAIN: '1',
      HOME: join(scratch, 'home'),
      TMPDIR: join(scratch, 'tmp'),
      USER: 'nobody',
      LOGNAME: 'nobody',
    },
  });
}

/** The experiment on guests under QEMU; only where the machine cannot run any is it skipped. */
async function runOnMachines(refused) {
  const { skip, failed, ...image } = refused ? { skip: `no lab can be had: ${refused}` } : prepareImage();
  if (skip) {
    const count = countTests('test/system/vm');
    sum.skipped += count;
    loud.push(`SKIPPED: test/system/vm, the experiment on virtual machines (${count} tests), because ${skip}`);
  } else if (failed) {
    sum.failed += 1;
    loud.push(`FAILED: the experiment on virtual machines did not start: ${failed}`);
  } else {
    await run('the experiment on virtual machines', {
      beside: true,
      args: ['test/system/vm'],
      env: { VERIFY_ISOLATION_GUESTS: JSON.stringify(image) },
    });
  }
}

/** What users install, on a bare Debian and in a project of somebody else's. */
async function runInstalled(refused) {
  const { skip, failed, root } = refused ? { skip: `no lab can be had: ${refused}` } : prepareTarget();
  if (skip) {
    const count = countTests('test/system/package');
    sum.skipped += count;
    loud.push(`SKIPPED: test/system/package, what users install (${count} tests), because ${skip}`);
  } else if (failed) {
    sum.failed += 1;
    loud.push(`FAILED: the tests of what users install did not start: ${failed}`);
  } else {
    await run('what users install', {
      beside: true,
      args: ['test/system/package'],
      env: { VERIFY_ISOLATION_TARGET: root, NODE_EXTRA_CA_CERTS: certificates },
    });
  }
}

/** What is left where no lab can be built. */
async function runWithoutLab(refused) {
  const options = { args: without(ofLab) };
  await Promise.all([runMain('tests that need no lab', options), runApart(options)]);
  const count = countTests(...ofLab);
  sum.skipped += count;
  loud.push(
    `SKIPPED: ${ofLab.join(' and ')} (${count} tests), because neither root's rights nor a user namespace are to be had here: ${refused}`,
  );
}

/** One after the other, beside the main run: two processors are there, and each run leaves one of them idle. */
async function runBeside(refused) {
  if (!refused) await runApart();
  if (isRoot && !refused) await runAsNobody();
  await runOnMachines(refused);
  await runInstalled(refused);
  return runOnSecondKernel();
}

try {
  if (!existsSync('/usr/bin/chromium'))
    loud.push('SKIPPED: the HTML report in a browser, because /usr/bin/chromium is not there');
  if (isRoot && !existsSync('/usr/share/openvswitch/vswitch.ovsschema'))
    loud.push('SKIPPED: Open vSwitch, because openvswitch-switch is not installed');
  const refused = labRefused([], isRoot) && labRefused([], false);
  const [, ranBeside] = await Promise.all([
    refused ? runWithoutLab(refused) : runMain(isRoot ? 'tests as root' : 'tests as an ordinary user'),
    runBeside(refused),
  ]);
  // A test that this kernel had to skip and the other one ran was not skipped.
  sum.skipped -= ranBeside.filter(({ id }) => skippedTests.has(id)).length;
} catch (error) {
  loud.push(`FAILED: ${error instanceof Error ? error.stack : error}`);
  sum.failed += 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log();
for (const line of loud) console.log(`*** ${line} ***`);
process.exitCode = sum.failed > 0 ? 1 : 0;
console.log(`${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
