// Whether dist and build are of the sources that are here: exit 0. They are stale when a source or a setting is newer than
// the stamp of the last build.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const top = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(top, 'dist/.built');

/** What the build is made of, and by. */
function* sources() {
  yield* ['package.json', 'tsconfig.json', 'src'].map((name) => join(top, name));
  for (const entry of readdirSync(join(top, 'src'), { recursive: true })) yield join(top, 'src', entry);
  for (const name of readdirSync(join(top, 'scripts')))
    if (/build|bundle|code|^man\.mjs$/.test(name)) yield join(top, 'scripts', name);
}

export function isBuilt() {
  if (!existsSync(stamp) || !existsSync(join(top, 'dist/cli.cjs'))) return false;
  const { mtimeMs } = statSync(stamp);
  for (const path of sources()) if (statSync(path).mtimeMs > mtimeMs) return false;
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = isBuilt() ? 0 : 1;
