import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { writeJson } from '../../src/system/evidence/folder/folder.js';
import { writeSums } from '../../src/system/evidence/folder/hash.js';
import { replayFolder } from '../../src/system/evidence/replay.js';

/** A recorded run of captures/ as a run leaves it: the capture plain, with result.json and SHA256SUMS. */
export async function wholeFolder(recorded: string, dir: string): Promise<void> {
  cpSync(join('captures', recorded), dir, { recursive: true });
  writeFileSync(join(dir, 'evidence.pcapng'), gunzipSync(readFileSync(join(dir, 'evidence.pcapng.gz'))));
  rmSync(join(dir, 'evidence.pcapng.gz'));
  await writeJson(dir, 'result.json', await replayFolder(dir));
  await writeSums(dir);
}
