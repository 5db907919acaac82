import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundlePrograms } from '../../scripts/bundle-programs.mjs';

/**
 * A program of the tests bundled as those of dist are, below `build`: its path. `recorded`: arguments with which it
 * shows V8 what it is made of, for a scratch folder. Worth it for what starts dozens of times.
 */
export async function bundled(program: URL, recorded: (scratch: string) => readonly string[]): Promise<string> {
  const input = fileURLToPath(program);
  const name = basename(input, extname(input));
  const dir = fileURLToPath(new URL(`../../build/test/${basename(dirname(input))}`, import.meta.url));
  const made = join(dir, `${name}.cjs`);
  await bundlePrograms(dir, { [name]: input }, (scratch) => [[made, ...recorded(scratch)]]);
  return made;
}
