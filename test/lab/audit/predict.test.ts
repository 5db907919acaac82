import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { differing, heldRun } from '../../support/judge/held.js';
import { scratchFolder } from '../../support/scratch.js';

const top = fileURLToPath(new URL('../../..', import.meta.url));
const scratch = scratchFolder('predict');

// Every other scenario that is shipped is held against the wire where it is run: test/lab/run/shipped,
// test/lab/scenarios/attacks, test/lab/watch/watch-a-run.
it('predicts a mesh of a hundred guests, pair by pair', async () => {
  const dir = join(scratch, 'mesh');
  const { status, stderr } = spawnSync(
    process.execPath,
    ['dist/cli.cjs', 'run', 'scenarios/scale/mesh.yml', '--out', dir, '--quiet', '--json'],
    { cwd: top, encoding: 'utf8' },
  );
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  expect(differing(await heldRun(dir))).toEqual([]);
});
