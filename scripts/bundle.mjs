// Bundles what dist runs from the modules in build: the command line, its helpers, the library. A run starts a dozen processes, and each would read
// hundreds of small files. Packages of native code stay what they are; of the others dist/bundled.json gives the versions, dist/THIRD-PARTY.txt the licences.
import { chmodSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { makeCodeCache } from './code-cache.mjs';

/** Programs by their name in dist, in CommonJS, which Node starts with in half the time. Each finds the package's other files two folders above its bundle, as from src. */
const programs = { cli: 'build/cli.js', helper: 'build/helper.js', 'hash-thread': 'build/evidence/hash-thread.js', 'collate-thread': 'build/evidence/collate-thread.js' };
/** Of native code, or loaded by require() where it is needed. */
const external = ['cap', 'koffi', 'pcap-parser'];
/** yargs asks for it where a configuration extends another, which none of this program's does. */
const define = { 'import.meta.resolve': 'undefined' };

/**
 * yargs loads what measures and wraps text for its help, with regular expressions of whole classes of Unicode and a segmenter: longer than all else of a small command.
 * Here it is loaded when it is called.
 */
const laterText = {
  name: 'later-text',
  resolveId: (source, importer) => (['cliui', 'string-width'].includes(source) && /\/node_modules\/yargs\//.test(importer) ? `\0later:${source}` : null),
  load(id) {
    if (!id.startsWith('\0later:')) return null;
    const path = fileURLToPath(import.meta.resolve(id.slice('\0later:'.length)));
    return `export default function later(...words) { const loaded = require(${JSON.stringify(path)}); return (loaded.default ?? loaded)(...words); }`;
  },
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

async function bundled(input, format, names) {
  const made = await rolldown({ input, external, platform: 'node', transform: { define }, plugins: [laterText] });
  const { output } = await made.write({ dir: 'dist', format, ...names });
  await made.close();
  return output;
}

/** Writes the bundles to dist in place of those of the last time. */
export async function bundle() {
  for (const name of readdirSync('dist')) if (name === 'chunks' || /\.(js|cjs|bin)$/.test(name)) rmSync(join('dist', name), { recursive: true });
  const chunks = await bundled(programs, 'cjs', { entryFileNames: 'chunks/[name]-[hash].cjs', chunkFileNames: 'chunks/[name]-[hash].cjs' });
  await bundled({ 'load-code': 'build/load-code.js' }, 'cjs', { entryFileNames: '[name].cjs' });
  const library = await bundled({ index: 'build/index.js' }, 'esm', { entryFileNames: '[name].js', codeSplitting: false });
  const importing = chunks.filter(({ code = '' }) => /[^.\w]import\(/.test(code));
  if (importing.length > 0) throw new Error(`${importing.map(({ fileName }) => fileName).join(', ')}: import() of what is not bundled does not work there (src/load-code.ts)`);
  for (const { name, fileName } of chunks.filter(({ isEntry }) => isEntry)) {
    writeFileSync(`dist/${name}.cjs`, `#!/usr/bin/env node\nrequire('./load-code.cjs').load('${fileName.slice('chunks/'.length)}');\n`);
  }
  chmodSync('dist/cli.cjs', 0o755);
  const folders = new Set([...chunks, ...library].flatMap(({ moduleIds = [] }) => moduleIds.map(packageOf)).filter((folder) => folder !== null));
  const packages = [...folders].map((folder) => ({ ...JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')), text: licenceOf(folder) })).sort((a, b) => (a.name < b.name ? -1 : 1));
  writeFileSync('dist/bundled.json', `${JSON.stringify(Object.fromEntries(packages.map(({ name, version }) => [name, version])), null, 1)}\n`);
  writeFileSync('dist/THIRD-PARTY.txt', packages.map(({ name, version, license, text }) => `${name} ${version} (${license})\n\n${text}\n`).join(`\n${'-'.repeat(72)}\n\n`));
  makeCodeCache();
}
