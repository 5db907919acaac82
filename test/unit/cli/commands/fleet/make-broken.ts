import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJson } from '../../../../../src/system/evidence/folder/folder.js';
import { writeSums } from '../../../../../src/system/evidence/folder/hash.js';
import { replayFolder } from '../../../../../src/system/evidence/replay.js';
import { wholeFolder } from '../../../../support/whole-folder.js';

/** A run with a leak that nobody expected: the recorded demonstration with its expectation taken back. */
export async function makeBroken(broken: string): Promise<void> {
  await wholeFolder('hub-mode', broken);
  const plan = readFileSync(join(broken, 'plan.json'), 'utf8').replaceAll(
    '"expected": "broken"',
    '"expected": "holds"',
  );
  writeFileSync(join(broken, 'plan.json'), plan);
  for (const file of ['result.json', 'SHA256SUMS']) rmSync(join(broken, file));
  await writeJson(broken, 'result.json', await replayFolder(broken));
  await writeSums(broken);
}
