import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { bundlePrograms } from '../../scripts/bundle-programs.mjs';

/**
 * A program of the tests bundled as those of dist are, below `build`: its path. Worth it for what starts dozens of times.
 * Another run of tests in this checkout has one of its own; it goes with the file of tests that loads it.
 */
export async function bundled(program: URL): Promise<string> {
  const input = fileURLToPath(program);
  const name = basename(input, extname(input));
  const parent = fileURLToPath(new URL('../../build/test', import.meta.url));
  mkdirSync(parent, { recursive: true });
  const dir = mkdtempSync(join(parent, `${name}-`));
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  await bundlePrograms(dir, { [name]: input });
  return join(dir, `${name}.cjs`);
}
