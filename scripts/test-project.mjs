// `npm run test:unit`, `npm run test:lab`, `npm run test:system`, each with arguments of vitest after `--`: the tests of
// one folder below test/, which are a project of vitest.config.ts. Builds before, where sources are newer; says at the
// end what was skipped because something is missing here.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isBuilt } from './is-built.mjs';
import { readRun, sumUp } from './test-sum.mjs';

const top = fileURLToPath(new URL('..', import.meta.url));
process.chdir(top);
const [project, ...args] = process.argv.slice(2);
const vitest = 'node_modules/vitest/vitest.mjs';

/** Exit status of a script of Node. */
function node(...argv) {
  const { status } = spawnSync(process.execPath, argv, {
    stdio: 'inherit',
    // Debian keeps bridge and tc where an ordinary user's PATH does not look.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin` },
  });
  return status ?? 70;
}

/** Tests that say what this machine lacks for them; those that the arguments leave out say nothing. */
function printSkipped(json) {
  const { files, tests } = readRun(project, JSON.parse(readFileSync(json, 'utf8')), { cwd: top, end: 0 });
  const missing = tests.filter(({ status, why }) => status === 'passed' || why !== null);
  const { lines } = sumUp({ runs: [{ title: project, files, tests: missing, failures: [] }] });
  for (const line of lines) console.log(`*** ${line} ***`);
}

if (!existsSync(vitest)) {
  console.error(`test:${project}: the npm packages are not installed: npm ci`);
  process.exit(69);
}
const built = isBuilt() ? 0 : node('scripts/build.mjs');
if (built !== 0) process.exit(built);
const scratch = mkdtempSync(join(tmpdir(), 'verify-isolation-tests-'));
try {
  const json = join(scratch, 'report.json');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${json}`];
  process.exitCode = node(vitest, 'run', '--project', project, ...reporters, ...args);
  if (existsSync(json)) printSkipped(json);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
