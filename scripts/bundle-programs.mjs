// Bundles programs as dist has them: in CommonJS, which Node starts sooner than as many modules.
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

/** Of native code, or loaded by require() where it is needed. */
const external = ['cap', 'koffi', 'pcap-parser'];
/** yargs asks for it where a configuration extends another, which none of this program's does. */
const define = { 'import.meta.resolve': 'undefined' };

/** Bundles what `input` names into `dir`; gives rolldown's output. */
export async function bundleInto(dir, input, format, names) {
  const made = await rolldown({ input, external, platform: 'node', transform: { define } });
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
