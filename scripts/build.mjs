// `npm run build`: checks src and compiles it to build, one module a file, which scripts, benches and tests take parts
// of; bundles the programs of dist from these; writes the man pages. Needs the npm packages.
import { spawnSync } from 'node:child_process';
import { rmSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { bundle } from './bundle.mjs';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));

function node(script) {
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 70);
}

// Before packing, also what deleted sources have left behind goes.
rmSync('dist/.built', { force: true });
if (process.argv.includes('--clean'))
  for (const folder of ['build', 'dist']) rmSync(folder, { recursive: true, force: true });
const started = new Date();
node('node_modules/typescript/bin/tsc');
await bundle();
node('scripts/man.mjs');
// The stamp carries the time at which the compiler began to read: what changed meanwhile is built next time.
writeFileSync('dist/.built', `${started.toISOString()}\n`);
utimesSync('dist/.built', started, started);
