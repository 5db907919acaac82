import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePrograms } from '../../scripts/bundle-programs.mjs';

/** A program of the tests bundled as those of dist are, below `build`: its path. Worth it for what starts dozens of times. */
export async function bundled(program: URL): Promise<string> {
  const input = fileURLToPath(program);
  const name = basename(input, extname(input));
  const dir = fileURLToPath(new URL(`../../build/test/${basename(dirname(input))}`, import.meta.url));
  await bundlePrograms(dir, { [name]: input });
  return join(dir, `${name}.cjs`);
}
