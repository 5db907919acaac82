// The program as it stands on a machine without Node and npm: what npm would install, and a runtime.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { run, unpackFetched } from './fetched.mjs';

export const { name, version, description, license } = JSON.parse(readFileSync('package.json', 'utf8'));

/** Node of the newest line with long-term support, as the npm registry has it, per architecture of Node's. */
export const runtime = JSON.parse(readFileSync('scripts/package/runtime.json', 'utf8'));

/** Built from source on each machine, so it cannot be brought along; the program does without. */
const notBrought = new Set(['node_modules/cap', 'node_modules/nan']);

/** What koffi brings for compilers, readers and other C libraries: nothing of it is loaded. */
const unused = /(^|\/)(doc|vendor|cnoke\.cjs|CMakeLists\.txt|musl_\w+)$|\.(cc|hh|inc|S|asm|def)$/;

const launcher = `#!/bin/sh
# Runs the program with the runtime that came with it, wherever both stand.
here=$(dirname "$(readlink -f "$0")")
# What hints tell people to type.
export VERIFY_ISOLATION_LAUNCHER="\${VERIFY_ISOLATION_LAUNCHER:-$0}"
exec "$here/node" "$here/../dist/cli.cjs" "$@"
`;

/** Puts the program, the packages that it loads and Node for `arch` (x64, arm64) into `folder`. */
export function fillProgram(folder, arch) {
  for (const { path } of JSON.parse(run(['npm', 'pack', '--dry-run', '--json', '--ignore-scripts']))[0].files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    copyFileSync(path, join(folder, path));
  }
  for (const [path, entry] of Object.entries(JSON.parse(readFileSync('package-lock.json', 'utf8')).packages))
    if (path !== '' && isFor(entry, arch) && !entry.dev && !entry.devOptional && !notBrought.has(path))
      bringPackage(path, entry, join(folder, path));
  const fetched = join(folder, 'runtime');
  unpackFetched({ name: `node-linux-${arch}`, version: runtime.version, integrity: runtime.integrity[arch] }, fetched);
  mkdirSync(join(folder, 'bin'));
  copyFileSync(join(fetched, 'bin/node'), join(folder, 'bin/node'));
  copyFileSync(join(fetched, 'LICENSE'), join(folder, 'bin/node.LICENSE'));
  rmSync(fetched, { recursive: true });
  writeFileSync(join(folder, 'bin', name), launcher);
  for (const file of [`bin/${name}`, 'bin/node', 'dist/cli.cjs']) chmodSync(join(folder, file), 0o755);
}

function isFor({ os, cpu }, arch) {
  return (os?.includes('linux') ?? true) && (cpu?.includes(arch) ?? true);
}

/** Copies an installed package, or fetches one that another platform has, without what is not loaded and scripts. */
function bringPackage(path, { version: packageVersion, integrity, cpu }, folder) {
  if (cpu === undefined || existsSync(path)) cpSync(path, folder, { recursive: true, dereference: true });
  else unpackFetched({ name: path.slice('node_modules/'.length), version: packageVersion, integrity }, folder);
  if (path.includes('koffi'))
    for (const entry of readdirSync(folder, { recursive: true }))
      if (unused.test(entry)) rmSync(join(folder, entry), { recursive: true, force: true });
  const manifest = join(folder, 'package.json');
  const { scripts, ...rest } = JSON.parse(readFileSync(manifest, 'utf8'));
  if (scripts !== undefined) writeFileSync(manifest, `${JSON.stringify(rest, null, 2)}\n`);
}
