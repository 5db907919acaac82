// `npm run test:unit`, `npm run test:lab`, `npm run test:system`, each with arguments of vitest after `--`: the tests of
// one folder below test/ that are for `npm test`, or for the level that VERIFY_ISOLATION_LEVEL names. Builds before,
// where sources are newer; says at the end what was skipped because something is missing here, and what took long.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isBuilt } from './is-built.mjs';
import { sumUp } from './test-sum.mjs';
import { timesOf } from './test-times.mjs';
import { environment, runVitest, top, vitest } from './vitest-run.mjs';

process.chdir(top);
const [project, ...args] = process.argv.slice(2);

/** Tests that say what this machine lacks for them; those that the arguments leave out say nothing. */
function skippedIn(run) {
  const tests = run.tests.filter(({ status, why }) => status === 'passed' || why !== null);
  return sumUp({ runs: [{ ...run, tests, failures: [] }] }).lines;
}

if (!existsSync(vitest)) {
  console.error(`test:${project}: the npm packages are not installed: npm ci`);
  process.exit(69);
}
if (!isBuilt()) {
  const { status } = spawnSync(process.execPath, ['scripts/build.mjs'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 70);
}
const scratch = mkdtempSync(join(tmpdir(), 'verify-isolation-tests-'));
try {
  const run = await runVitest(`test:${project}`, {
    cwd: top,
    env: { VERIFY_ISOLATION_LEVEL: 'test', ...environment },
    args: ['--project', project, ...args],
    outDir: scratch,
    output: null,
  });
  process.exitCode = typeof run.end === 'number' ? run.end : 70;
  for (const line of timesOf([run])) console.log(line);
  for (const line of skippedIn(run)) console.log(`*** ${line} ***`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
