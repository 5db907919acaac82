// Bundles programs as dist has them: in CommonJS, loaded by load-code.cjs with the code that V8 has made of them.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { makeCodeCache } from './code-cache.mjs';

/** Of native code, or loaded by require() where it is needed. */
const external = ['cap', 'koffi', 'pcap-parser'];
/** yargs asks for it where a configuration extends another, which none of this program's does. */
const define = { 'import.meta.resolve': 'undefined' };

/**
 * yargs loads what measures and wraps text for its help, with regular expressions of whole classes of Unicode and a
 * segmenter: longer than all else of a small command. Here it is loaded when it is called.
 */
const laterText = {
  name: 'later-text',
  resolveId: (source, importer) =>
    ['cliui', 'string-width'].includes(source) && /\/node_modules\/yargs\//.test(importer) ? `\0later:${source}` : null,
  load(id) {
    if (!id.startsWith('\0later:')) return null;
    const path = fileURLToPath(import.meta.resolve(id.slice('\0later:'.length)));
    return `export default function later(...words) { const loaded = require(${JSON.stringify(path)}); return (loaded.default ?? loaded)(...words); }`;
  },
};

/** Bundles what `input` names into `dir`; gives rolldown's output. */
export async function bundleInto(dir, input, format, names) {
  const made = await rolldown({ input, external, platform: 'node', transform: { define }, plugins: [laterText] });
  const { output } = await made.write({ dir, format, ...names });
  await made.close();
  return output;
}

/**
 * Writes programs, which `input` has by name, to `dir`/NAME.cjs in place of those of the last time, and the code that
 * V8 made of them while the commands of `recorded` ran, to which a scratch folder is given: words of node's command
 * line. Gives rolldown's output.
 */
export async function bundlePrograms(dir, input, recorded) {
  rmSync(join(dir, 'chunks'), { recursive: true, force: true });
  const chunks = await bundleInto(dir, input, 'cjs', {
    entryFileNames: 'chunks/[name]-[hash].cjs',
    chunkFileNames: 'chunks/[name]-[hash].cjs',
  });
  await bundleInto(dir, { 'load-code': 'build/load-code.js' }, 'cjs', { entryFileNames: '[name].cjs' });
  const importing = chunks.filter(({ code = '' }) => /[^.\w]import\(/.test(code));
  if (importing.length > 0)
    throw new Error(
      `${importing.map(({ fileName }) => fileName).join(', ')}: import() of what is not bundled does not work there (src/load-code.ts)`,
    );
  for (const { name, fileName } of chunks.filter(({ isEntry }) => isEntry)) {
    writeFileSync(
      join(dir, `${name}.cjs`),
      `#!/usr/bin/env node\nrequire('./load-code.cjs').loadCode('${fileName.slice('chunks/'.length)}');\n`,
    );
  }
  makeCodeCache(dir, recorded);
  return chunks;
}
