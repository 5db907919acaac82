// `npm run test:package`: what users install, installed: the npm package in a folder of somebody else's, the Debian
// package and the tarball on a bare Debian.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { prepareTarget } from './package/target.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
const { skip, root } = prepareTarget();
if (skip) {
  console.error(`test:package: ${skip}`);
  process.exit(69);
}
const { status } = spawnSync(process.execPath, ['node_modules/vitest/vitest.mjs', 'run', 'test/system/package/'], {
  stdio: 'inherit',
  env: { ...process.env, VERIFY_ISOLATION_TARGET: root },
});
process.exit(status ?? 70);
