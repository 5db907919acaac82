import { spawnSync } from 'node:child_process';
import { basename, join } from 'node:path';

/** Builds a C program of the bench into `scratch` and gives its path. Throws where there is no C compiler. */
export function compile(source, scratch) {
  const program = join(scratch, basename(source, '.c'));
  const { status, error } = spawnSync('cc', ['-O2', '-Wall', '-o', program, source], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (error !== undefined || status !== 0)
    throw new Error(`${source} cannot be built: a C compiler is needed (the package gcc)`);
  return program;
}
