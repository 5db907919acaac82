// `npm run test:unit`, `npm run test:lab`, `npm run test:system`, each with arguments of vitest after `--`: the tests of
// one folder below test/, which are a project of vitest.config.ts. Builds before, where sources are newer.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isBuilt } from './is-built.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const [project, ...args] = process.argv.slice(2);
const vitest = 'node_modules/vitest/vitest.mjs';

function node(...argv) {
  const { status } = spawnSync(process.execPath, argv, {
    stdio: 'inherit',
    // Debian keeps bridge and tc where an ordinary user's PATH does not look.
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin` },
  });
  if (status !== 0) process.exit(status ?? 70);
}

if (!existsSync(vitest)) {
  console.error(`test:${project}: the npm packages are not installed: npm ci`);
  process.exit(69);
}
if (!isBuilt()) node('scripts/build.mjs');
node(vitest, 'run', '--project', project, ...args);
