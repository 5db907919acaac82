// `npm test` after set-up: every run of tests, then their true sum alone on the last line (test-sum.mjs). A run that did
// not start counts as failed.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  closeSync,
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
import { lostRun, readRun, sumUp } from './test-sum.mjs';
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
const vitest = 'node_modules/vitest/vitest.mjs';
const scratch = mkdtempSync(join(scratchBelow(), 'verify-isolation-test-'));
/** What is /tmp to the tests. */
const thrownAway = join(scratch, 'work');
mkdirSync(thrownAway);
chmodSync(thrownAway, 0o1777);
chmodSync(scratch, 0o755);
const runs = [];
/** Runs that would have executed tests once more, as somebody else. */
const unmade = [];
/** Folders of tests that are in no run here, the innermost first, and why. */
const left = [];
const notes = [];

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
  const namespaces = ['--net', '--mount', '--pid', '--fork'];
  const argv = [...prefix, 'unshare', ...user, ...namespaces, 'ip', 'link', 'add', 'br0', 'type', 'bridge'];
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
    const [status, signal] = await once(spawn(argv[0], argv.slice(1), { cwd, env, stdio: 'inherit' }), 'close');
    return status ?? signal;
  }
  console.log(`\n== ${title}: started beside the others`);
  const output = join(scratch, `${title.replace(/\W+/g, '-')}.txt`);
  const file = openSync(output, 'w');
  const child = spawn(argv[0], argv.slice(1), { cwd, env, stdio: ['ignore', file, file] });
  const [status, signal] = await once(child, 'close');
  closeSync(file);
  console.log(`\n== ${title}\n${readFileSync(output, 'utf8')}`);
  return status ?? signal;
}

/**
 * One run of vitest, or of a script that takes its arguments. `mayRefuse`: the script ends with 69 where it cannot do
 * it here, and says why.
 */
async function run(
  title,
  {
    prefix = [],
    program = [vitest, 'run'],
    cwd = top,
    env = {},
    args = [],
    outDir = scratch,
    beside = true,
    mayRefuse = false,
  },
) {
  const json = join(outDir, `${title.replace(/\W+/g, '-')}.json`);
  const [script, ...words] = program;
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
  const argv = [...prefix, process.execPath, join(cwd, script), ...words, ...args, ...reporters];
  const end = await ended(title, argv, { cwd, env: { ...inherited, PATH, TMPDIR: thrownAway, ...env }, beside });
  if (end === 69 && mayRefuse) notes.push(`SKIPPED: the run "${title}": it cannot be had here, for the reason above`);
  else
    try {
      runs.push(readRun(title, JSON.parse(readFileSync(json, 'utf8')), { cwd, end }));
    } catch {
      runs.push(lostRun(title, `it left no report (${end})`));
    }
}

/** The tests of a folder, which are a project of vitest.config.ts. */
function runProject(project, args, beside = true) {
  return run(`the project ${project}, as ${isRoot ? 'root' : 'an ordinary user'}`, {
    args: ['--project', project, ...args],
    beside,
  });
}

/** Every test of the files that these arguments choose, none of which is executed. */
function testsOf(args, env = {}) {
  const json = join(scratch, 'tests.json');
  rmSync(json, { force: true });
  spawnSync(
    process.execPath,
    [vitest, 'run', ...args, '--testNamePattern=(?!)', '--reporter=json', `--outputFile=${json}`],
    { env: { ...process.env, PATH, TMPDIR: thrownAway, ...withAllFolders, ...env } },
  );
  const { tests } = readRun('', JSON.parse(readFileSync(json, 'utf8')), { cwd: top, end: 0 });
  return tests;
}

/** For vitest.config.ts, which else leaves out what has to be prepared. */
const withAllFolders = { VERIFY_ISOLATION_GUESTS: '{}', VERIFY_ISOLATION_TARGET: '-' };

/** Every file of tests that vitest knows over all its projects. */
function allFiles() {
  const { stdout } = spawnSync(process.execPath, [vitest, 'list', '--filesOnly', '--json'], {
    encoding: 'utf8',
    env: { ...process.env, ...withAllFolders },
  });
  return JSON.parse(stdout).map(({ file }) => relative(top, file));
}

/** The tests of files that no run reported, with why. */
function unreported() {
  const reported = new Set(runs.flatMap(({ files }) => files));
  const files = allFiles().filter((file) => !reported.has(file));
  if (files.length === 0) return [];
  const whyOf = (file) => left.find(({ folder }) => file.startsWith(folder))?.why ?? 'no run reported their file';
  return testsOf(files).map(({ file, name }) => ({ file, name, why: whyOf(file) }));
}

/** What a kernel decides, under another one that has what this machine's may lack. */
async function runOnSecondKernel() {
  // It has a /dev/shm of its own, and sockets whose path may not be longer.
  const outDir = mkdtempSync(join(tmpdir(), 'verify-isolation-uml-'));
  try {
    await run('what a kernel decides, under a second kernel', {
      program: ['scripts/test-kernel.mjs'],
      mayRefuse: true,
      outDir,
      env: { TMPDIR: tmpdir() },
    });
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
 * The program's runs end to end once more in another user's checkout: what a right of root's would hide. Those that
 * come out alike whoever runs them are left out.
 */
async function runAsNobody() {
  const title = 'the runs of the lab, as an unprivileged user';
  const args = ['test/lab/run/', '--tagsFilter=!alike'];
  const again = { VERIFY_ISOLATION_AGAIN: '1' };
  const denied = labRefused(asNobody, false);
  if (denied) {
    const count = testsOf(args, again).length;
    unmade.push({ title, count, why: `user namespaces are refused here: ${denied}` });
    return;
  }
  await run(title, {
    prefix: asNobody,
    cwd: copyFor(nobody),
    args: [...args, '--maxWorkers=2'],
    outDir: join(scratch, 'out'),
    env: {
      ...again,
      HOME: join(scratch, 'home'),
      TMPDIR: join(scratch, 'tmp'),
      USER: 'nobody',
      LOGNAME: 'nobody',
    },
  });
}

/** What has to be prepared before it runs: where the machine cannot have it, it is skipped. */
async function runPrepared(title, folder, prepare, environment) {
  const { skip, ...prepared } = prepare();
  if (skip) left.push({ folder, why: skip });
  else await run(title, { args: [folder], env: environment(prepared) });
}

/** The experiment on guests under QEMU. */
function runOnMachines() {
  return runPrepared('the experiment on virtual machines', 'test/system/vm/', prepareImage, (image) => ({
    VERIFY_ISOLATION_GUESTS: JSON.stringify(image),
  }));
}

/** What users install, on a bare Debian and in a project of somebody else's. */
function runInstalled() {
  return runPrepared('what users install', 'test/system/package/', prepareTarget, ({ root }) => ({
    VERIFY_ISOLATION_TARGET: root,
    NODE_EXTRA_CA_CERTS: certificates,
  }));
}

/** Two at a time, since two processors are there, and each run leaves one of them idle for a part of its time. */
async function runAll() {
  await Promise.all([
    (async () => {
      await runProject('lab', ['--maxWorkers=3'], false);
      if (isRoot) await runAsNobody();
    })(),
    (async () => {
      await runProject('system', ['--maxWorkers=2']);
      await runProject('unit', ['--maxWorkers=2']);
      await runOnMachines();
      await runInstalled();
      await runOnSecondKernel();
    })(),
  ]);
}

/** What is left where no lab can be built. */
async function runWithoutLab(refused) {
  const why = `neither root's rights nor a user namespace are to be had here: ${refused}`;
  left.push({ folder: 'test/lab/', why }, { folder: 'test/system/', why });
  await runProject('unit', [], false);
  await runProject('system', ['test/system/programs/'], false);
  await runOnSecondKernel();
}

/** What went wrong here and not in a run. */
const failedHere = (error) => runs.push(lostRun('npm test', error instanceof Error ? error.stack : String(error)));

let rest = [];
try {
  const refused = labRefused([], isRoot) && labRefused([], false);
  await (refused ? runWithoutLab(refused) : runAll());
} catch (error) {
  failedHere(error);
}
try {
  rest = unreported();
} catch (error) {
  failedHere(error);
}
rmSync(scratch, { recursive: true, force: true });
const { passed, failed, skipped, lines } = sumUp({ runs, rest, unmade });
console.log();
for (const line of [...notes, ...lines]) console.log(`*** ${line} ***`);
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
