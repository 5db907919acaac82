// Bundles programs as dist has them: in CommonJS, which Node starts sooner than as many modules.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/** Of native code, or loaded by require() where it is needed. */
const external = ['cap', 'koffi', 'pcap-parser'];
/** yargs asks for it where a configuration extends another, which none of this program's does. */
const define = { 'import.meta.resolve': 'undefined' };

/**
 * What string-width makes when it is loaded reads tables of ICU, which takes a start 18 ms; it is asked only for text
 * that is not plain ASCII. So each is made when it is first used.
 */
const lateTables = {
  name: 'late-tables',
  transform: {
    filter: { id: /node_modules\/string-width\/index\.js$/ },
    handler(code) {
      const late = [
        ['segmenter', 'new Intl.Segmenter()'],
        ['rgiEmojiRegex', String.raw`/^\p{RGI_Emoji}$/v`],
      ];
      return late.reduce((text, [name, value]) => {
        const declared = `const ${name} = ${value};`;
        if (!text.includes(declared)) throw new Error(`string-width has no \`${declared}\` any more: see late-tables`);
        return text
          .replace(declared, '')
          .replaceAll(`${name}.`, `${name}().`)
          .concat(`\nlet ${name}Made;\nconst ${name} = () => (${name}Made ??= ${value});\n`);
      }, code);
    },
  },
};

/** Bundles what `input` names into `dir`; gives rolldown's output. */
export async function bundleInto(dir, input, format, names) {
  const made = await rolldown({ input, external, platform: 'node', transform: { define }, plugins: [lateTables] });
  const { output } = await made.write({ dir, format, ...names });
  await made.close();
  return output;
}

/**
 * Writes programs, which `input` has by name, to `dir`/NAME.cjs, and what they load to `dir`/chunks, in place of those
 * of the last time; gives rolldown's output.
 */
export async function bundlePrograms(dir, input) {
  rmSync(join(dir, 'chunks'), { recursive: true, force: true });
  return bundleInto(dir, input, 'cjs', {
    entryFileNames: '[name].cjs',
    chunkFileNames: 'chunks/[name]-[hash].cjs',
  });
}
