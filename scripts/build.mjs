// `npm run build`: compiles src to dist, makes the program executable, and writes its man pages. Needs the npm packages.
import { spawnSync } from 'node:child_process';
import { chmodSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

process.chdir(fileURLToPath(new URL('..', import.meta.url)));
// Before packing, also what deleted sources have left behind goes.
rmSync(process.argv.includes('--clean') ? 'dist' : 'dist/.built', { recursive: true, force: true });
const started = new Date();
const { status } = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc'], { stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 70);
chmodSync('dist/cli.js', 0o755);
const man = spawnSync(process.execPath, ['scripts/man.mjs'], { stdio: 'inherit' });
if (man.status !== 0) process.exit(man.status ?? 70);
// The stamp carries the time at which the compiler began to read: what changed meanwhile is built next time.
writeFileSync('dist/.built', `${started.toISOString()}\n`);
utimesSync('dist/.built', started, started);
