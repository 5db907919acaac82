import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { appendCustody, custodyLine, rootHash } from '../../../../src/system/evidence/folder/custody.js';
import { files, writeJson } from '../../../../src/system/evidence/folder/folder.js';
import { writeSums } from '../../../../src/system/evidence/folder/hash.js';
import { replayFolder } from '../../../../src/system/evidence/replay.js';
import { callHere } from '../../../support/call-here.js';
import { scratchFolder } from '../../../support/scratch.js';

const recorded = 'captures/hub-mode';
const dir = join(scratchFolder('purged'), 'run');

it('a folder whose payload an earlier version removed is judged, and whole', async () => {
  cpSync(recorded, dir, { recursive: true });
  const path = join(dir, 'run.json');
  const run = JSON.parse(readFileSync(path, 'utf8')) as object;
  const purged = { at: '2026-11-24T17:43:56.391Z', sha256Before: '0'.repeat(64) };
  writeFileSync(path, JSON.stringify({ ...run, purged }));
  await writeJson(dir, files.result.name, await replayFolder(dir));
  await writeSums(dir);
  const root = await rootHash(dir);
  appendCustody(dir, custodyLine(dir, { action: 'purged', before: '0'.repeat(64), text: 'removed' }, root));
  expect((await replayFolder(dir)).steps).toEqual((await replayFolder(recorded)).steps);
  const { status, stdout } = await callHere('check', dir);
  expect(status, stdout).toBe(0);
  expect(stdout).toMatch(/that was left when payload was purged[^]*custody +.*purged by uid \d+: removed/);
});
