// `npm test` (`run-tests.mjs test`), `npm run test:all` (`run-tests.mjs all`), a share of the latter (`share`,
// draw-share.mjs) or several of them after set-up: the runs of each, what took long (test-times.mjs), then their true sum
// alone on the last line (test-sum.mjs). A run or a level that did not start counts as failed.
import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { candidate, drawShare } from './draw-share.mjs';
import { prepareTarget } from './package/target.mjs';
import { lostRun, readRun, sumUp } from './test-sum.mjs';
import { timesOf } from './test-times.mjs';
import { PATH, certificates, environment, runVitest, top, vitest } from './vitest-run.mjs';
import { prepareImage } from './vm/image.mjs';

process.chdir(top);
const parts = process.argv.slice(2);
const isUnknown = parts.length === 0 || parts.some((part) => !['test', 'share', 'all'].includes(part));
if (isUnknown || (parts.includes('share') && parts.includes('all'))) {
  console.error(`run-tests.mjs: expects test and share or all, got: ${parts.join(' ') || 'nothing'}`);
  console.error('single files: npm run test:unit -- FILE, npm run test:lab -- FILE, npm run test:system -- FILE');
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(64);
}
/** Levels that the runs are to execute: the share is of `all`. */
const levels = ['test', 'all'].filter((level) => parts.includes(level) || (level === 'all' && parts.includes('share')));
/** Of the level `all`: whether a file is to be executed. */
let isDrawn = () => true;
/** Each run has a level of its own, and tries what fails on kernels and processes once more. */
const { VERIFY_ISOLATION_LEVEL: _level, ...others } = environment;
const inherited = { VERIFY_ISOLATION_RETRY: '1', ...others };
const isRoot = process.getuid() === 0;
const nobody = 65534;
const asNobody = ['setpriv', `--reuid=${nobody}`, `--regid=${nobody}`, '--clear-groups', '--'];
const scratch = mkdtempSync(join(scratchBelow(), 'verify-isolation-test-'));
/** What is /tmp to the tests. */
const thrownAway = join(scratch, 'work');
mkdirSync(thrownAway);
chmodSync(thrownAway, 0o1777);
chmodSync(scratch, 0o755);
const runs = [];
/** Runs and levels that did not start. */
const lost = [];
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

/**
 * One run of vitest, or of a script that takes its arguments. `level`: the tests of one level only. `beside`: other runs
 * are under way, so its output is kept until its end. `mayRefuse`: the script ends with 69 where it cannot do it here,
 * and says why.
 */
async function run(title, { level, env = {}, args = [], outDir = scratch, beside = true, mayRefuse = false, ...rest }) {
  const output = beside ? join(scratch, `${title.replace(/\W+/g, '-')}.txt`) : null;
  console.log(`\n== ${title}${beside ? ': started beside others' : ''}`);
  const ofLevel = level === undefined ? {} : { VERIFY_ISOLATION_LEVEL: level };
  const done = await runVitest(title, {
    cwd: top,
    ...rest,
    env: { ...inherited, TMPDIR: thrownAway, ...ofLevel, ...env },
    args,
    outDir,
    output,
  });
  if (output !== null) console.log(`\n== ${title}\n${readFileSync(output, 'utf8')}`);
  if (done.end === 69 && mayRefuse)
    notes.push(`SKIPPED: the run "${title}": it cannot be had here, for the reason above`);
  else runs.push(done);
}

/** The user of these runs, in their titles. */
const me = isRoot ? 'as root' : 'as an ordinary user';

/** Every test of the files that these arguments choose, none of which is executed. */
function testsOf(args, env = {}) {
  const json = join(scratch, 'tests.json');
  rmSync(json, { force: true });
  spawnSync(
    process.execPath,
    [vitest, 'run', ...args, '--testNamePattern=(?!)', '--reporter=json', `--outputFile=${json}`],
    { env: { ...inherited, PATH, TMPDIR: thrownAway, ...withAllFolders, ...env } },
  );
  const { tests } = readRun('', JSON.parse(readFileSync(json, 'utf8')), { cwd: top, end: 0 });
  return tests;
}

/** For vitest.config.ts, which else leaves out what has to be prepared. */
const withAllFolders = { VERIFY_ISOLATION_GUESTS: '{}', VERIFY_ISOLATION_TARGET: '-' };

/** Every file that has tests of the level, over all projects of vitest. */
function filesOf(level) {
  const { stdout } = spawnSync(process.execPath, [vitest, 'list', '--filesOnly', '--json'], {
    encoding: 'utf8',
    env: { ...inherited, ...withAllFolders, VERIFY_ISOLATION_LEVEL: level },
  });
  return [...new Set(JSON.parse(stdout).map(({ file }) => relative(top, file)))];
}

/** Every file that has tests to be executed. */
const allFiles = () => [
  ...new Set(levels.flatMap((level) => filesOf(level).filter((file) => level === 'test' || isDrawn(file)))),
];

/** The tests of files that no run reported, with why. */
function unreported() {
  const reported = new Set(runs.flatMap(({ files }) => files));
  const files = allFiles().filter((file) => !reported.has(file));
  if (files.length === 0) return [];
  const whyOf = (file) => left.find(({ folder }) => file.startsWith(folder))?.why ?? 'no run reported their file';
  return testsOf(files).map((test) => ({ ...test, why: whyOf(test.file) }));
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
    args,
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

const [machineFolder, packageFolder] = ['test/system/vm/', 'test/system/package/'];

/** What has to be prepared before it runs: where the machine cannot have it, it is skipped. */
async function runPrepared(title, folder, prepare, environment) {
  const { skip, ...prepared } = prepare();
  if (skip) left.push({ folder, why: skip });
  else await run(title, { args: [folder], env: environment(prepared) });
}

/** The experiment on guests under QEMU. */
function runOnMachines() {
  return runPrepared('the experiment on virtual machines', machineFolder, prepareImage, (image) => ({
    VERIFY_ISOLATION_GUESTS: JSON.stringify(image),
  }));
}

/** What users install, on a bare Debian and in a project of somebody else's. */
function runInstalled() {
  return runPrepared('what users install', packageFolder, prepareTarget, ({ root }) => ({
    VERIFY_ISOLATION_TARGET: root,
    NODE_EXTRA_CA_CERTS: certificates,
  }));
}

/** `npm test`. One process of vitest has all of it, so that no more files are under way than it has workers. */
async function runTest(noLab) {
  // With three, lab and system keep two processors busy for 62 % of their time.
  if (noLab === null)
    return run(`npm test, ${me}`, { level: 'test', env: { VERIFY_ISOLATION_WORKERS: '4' }, beside: false });
  const why = `neither root's rights nor a user namespace are to be had here: ${noLab}`;
  left.push({ folder: 'test/lab/', why }, { folder: 'test/system/', why });
  await run(`npm test without a lab, ${me}`, {
    level: 'test',
    args: ['test/unit/', 'test/system/programs/'],
    beside: false,
  });
}

/**
 * What `npm run test:all` has beyond `npm test`: two runs at a time, since two processors are there, and each run leaves
 * one of them idle for a part of its time.
 */
async function runBeyond(noLab) {
  if (noLab !== null) {
    await run(`test:all without a lab, ${me}`, { level: 'all', args: ['test/unit/', 'test/system/programs/'] });
    await runOnSecondKernel();
    return;
  }
  await Promise.all([
    (async () => {
      await run(`test:all, ${me}`, { level: 'all', env: manyCases, beside: false });
      await runProperties();
      if (isRoot) await runAsNobody();
    })(),
    (async () => {
      await runOnMachines();
      await runInstalled();
      await runOnSecondKernel();
    })(),
  ]);
}

/** For test/support/property-runs.ts. */
const manyCases = { VERIFY_ISOLATION_PROPERTY_RUNS: '1000' };

/** The properties of `npm test` once more, with more cases each: files by their text, for loading all takes a minute. */
function runProperties() {
  const files = readdirSync('test/unit', { recursive: true, encoding: 'utf8' })
    .map((name) => join('test/unit', name))
    .filter((file) => file.endsWith('.test.ts') && readFileSync(file, 'utf8').includes("from 'fast-check'"));
  return run('properties, a thousand cases each', { level: 'test', args: files, env: manyCases });
}

/** Runs of `npm run test:all` beside that of its files, each drawn as a whole, by their names in draw-share.mjs. */
const wholeRuns = {
  'second kernel': { start: runOnSecondKernel, withoutLab: true },
  'virtual machines': { start: runOnMachines, folder: machineFolder },
  'what users install': { start: runInstalled, folder: packageFolder },
  'thousand cases': { start: runProperties, withoutLab: true },
  ...(isRoot ? { 'unprivileged user': { start: runAsNobody } } : {}),
};

/** A share of what `npm run test:all` has beyond `npm test`, other files and runs each time. */
async function runShare(noLab) {
  const seed = process.env.VERIFY_ISOLATION_SEED || String(randomInt(1e9));
  const minutes = Number(process.env.VERIFY_ISOLATION_SHARE_MINUTES || 7);
  const isPossible = (file) => noLab === null || /^test\/(unit|system\/programs)\//.test(file);
  const folders = Object.values(wholeRuns).flatMap(({ folder }) => folder ?? []);
  const files = filesOf('all').filter((file) => isPossible(file) && !folders.some((folder) => file.startsWith(folder)));
  const whole = Object.keys(wholeRuns).filter((name) => noLab === null || wholeRuns[name].withoutLab);
  const drawn = drawShare([...files, ...whole].map(candidate), seed, minutes);
  const [drawnFiles, drawnRuns] = [files, whole].map((names) => drawn.filter((name) => names.includes(name)));
  const drawnFolders = drawnRuns.flatMap((name) => wholeRuns[name].folder ?? []);
  isDrawn = (file) => drawnFiles.includes(file) || drawnFolders.some((folder) => file.startsWith(folder));
  const again = `VERIFY_ISOLATION_SEED=${seed} draws the same`;
  console.log(`\n== a share of test:all, ${again}\n${drawn.join('\n')}`);
  notes.push(
    `NOT DRAWN: ${files.length - drawnFiles.length} of ${files.length} files and ` +
      `${whole.length - drawnRuns.length} of ${whole.length} further runs of test:all; ${again}; ` +
      'all of them: npm run test:all',
  );
  await Promise.all([
    drawnFiles.length > 0 && run(`a share of test:all, ${me}`, { level: 'all', env: manyCases, args: drawnFiles }),
    (async () => {
      for (const name of drawnRuns) await wholeRuns[name].start();
    })(),
  ]);
}

const runsOf = { test: runTest, share: runShare, all: runBeyond };

/** Something went wrong here and not in a run. */
const failedHere = (title, error) => lost.push(lostRun(title, error instanceof Error ? error.stack : String(error)));

/** Ratios of a minute beside the recorded ones: to be read, never a failure. */
function printRatios() {
  const { status } = spawnSync(process.execPath, ['bench/run.mjs', '--beside', 'short'], {
    stdio: 'inherit',
    env: { ...inherited, PATH, BENCH_ROUNDS: '3' },
    timeout: 300_000,
  });
  if (status !== 0) console.log('the ratios could not be measured here');
}

let rest = [];
try {
  const noLab = labRefused([], isRoot) && labRefused([], false);
  for (const part of parts)
    try {
      await runsOf[part](noLab);
    } catch (error) {
      failedHere(`the level ${part}`, error);
    }
  rest = unreported();
  if (parts.includes('all') && noLab === null) printRatios();
} catch (error) {
  failedHere('all runs', error);
}
rmSync(scratch, { recursive: true, force: true });
const { passed, failed, skipped, lines } = sumUp({ runs: [...runs, ...lost], rest, unmade, levels, isDrawn });
for (const line of timesOf(runs)) console.log(line);
console.log();
for (const line of [...notes, ...lines]) console.log(`*** ${line} ***`);
if (!parts.includes('all')) console.log('The rest: npm run test:all');
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
