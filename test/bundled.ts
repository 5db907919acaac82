import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

/** A program of the tests as one bundle, as dist is, below `build`: its path. Worth it for what starts dozens of times. */
export async function bundled(program: URL): Promise<string> {
  const input = fileURLToPath(program);
  const dir = fileURLToPath(new URL(`../build/test/${basename(join(input, '..'))}`, import.meta.url));
  const made = await rolldown({ input, external: ['cap', 'koffi', 'pcap-parser'], platform: 'node' });
  const { output } = await made.write({ dir, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name]-[hash].mjs' });
  await made.close();
  return join(dir, output[0].fileName);
}
