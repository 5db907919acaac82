// Bundles what dist runs from the modules in build: the command line, its helpers, the library. A run starts a dozen
// processes, and each would read hundreds of small files. Packages of native code stay what they are; of the others
// dist/bundled.json gives the versions, dist/THIRD-PARTY.txt the licences.
import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleInto, bundlePrograms } from './bundle-programs.mjs';
import { bundleTypes } from './bundle-types.mjs';

/** Programs by their name in dist. */
const programs = {
  cli: 'build/cli.js',
  helper: 'build/helper.js',
  confined: 'build/confined.js',
  'hash-thread': 'build/system/evidence/read/hash-thread.js',
  'collate-thread': 'build/system/evidence/collate/worker.js',
};

/** The folder of the npm package that a module is of; null = the module is ours. */
function packageOf(module) {
  const at = module.lastIndexOf('/node_modules/');
  if (at === -1) return null;
  const words = module.slice(at + '/node_modules/'.length).split('/');
  return join(module.slice(0, at), 'node_modules', ...words.slice(0, words[0].startsWith('@') ? 2 : 1));
}

function licenceOf(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return file === undefined ? '' : readFileSync(join(folder, file), 'utf8').trim();
}

/** Writes the bundles to dist in place of those of the last time. */
export async function bundle() {
  mkdirSync('dist', { recursive: true });
  for (const name of readdirSync('dist')) if (/\.c?js$/.test(name)) rmSync(join('dist', name));
  const chunks = await bundlePrograms('dist', programs);
  const library = await bundleInto('dist', { index: 'build/index.js' }, 'esm', {
    entryFileNames: '[name].js',
    codeSplitting: false,
  });
  bundleTypes('build/types/index.d.ts', 'dist/types/index.d.ts');
  chmodSync('dist/cli.cjs', 0o755);
  const folders = new Set(
    [...chunks, ...library]
      .flatMap(({ moduleIds = [] }) => moduleIds.map(packageOf))
      .filter((folder) => folder !== null),
  );
  const packages = [...folders]
    .map((folder) => ({ ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')), text: licenceOf(folder) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  writeFileSync(
    'dist/bundled.json',
    `${JSON.stringify(Object.fromEntries(packages.map(({ name, version }) => [name, version])), null, 1)}\n`,
  );
  writeFileSync(
    'dist/THIRD-PARTY.txt',
    packages
      .map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}\n`)
      .join(`\n${'-'.repeat(72)}\n\n`),
  );
}
