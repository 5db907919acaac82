import { constants } from 'node:fs';
import { access, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, systemCode, VerifyError } from '../../../core/model/verify-error.js';
import { someText } from '../../../core/text/names.js';
import { compressedCapture, files } from './folder.js';

/** `HOST/run/SCENARIO`. */
const maxDepth = 2;
const signs: readonly string[] = [
  files.run.name,
  files.plan.name,
  files.timeline.name,
  files.capture.name,
  compressedCapture,
  files.sums.name,
  files.result.name,
];

async function evidenceFolders(dir: string, deep = 0): Promise<readonly string[]> {
  const entries = await readdir(dir, { withFileTypes: true });
  if (entries.some((entry) => !entry.isDirectory() && signs.includes(entry.name))) return [dir];
  const folders = deep === maxDepth ? [] : entries.filter((entry) => entry.isDirectory());
  const names = folders.map(({ name }) => name).sort();
  return (await Promise.all(names.map((name) => evidenceFolders(join(dir, name), deep + 1)))).flat();
}

const maxNamed = 5;

function unreadable(dir: string, error: unknown): VerifyError {
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${dir}: ${messageOf(error)}`,
    'a run leaves its folder to the user who started it: read it as that user',
  );
}

/** The error (64) of a folder without run.json. */
export async function noRun(dir: string): Promise<VerifyError> {
  const info = await stat(dir).catch((error: unknown) => {
    if (['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return null;
    throw unreadable(dir, error);
  });
  const isFolder = info?.isDirectory() === true;
  const missing = info === null ? 'there is no such folder' : 'this is a file, not a folder';
  if (isFolder)
    await access(dir, constants.R_OK | constants.X_OK).catch((error: unknown) => {
      throw unreadable(dir, error);
    });
  const runs = isFolder ? await evidenceFolders(dir).catch(() => []) : []; // unreadable parts are left out
  const hint =
    runs.length === 0
      ? 'name the folder that a run left: it says at its end where its evidence is'
      : `name one of the runs in it: ${someText(runs, maxNamed)}`;
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${dir}: ${isFolder ? 'no run left its evidence here: it has no run.json' : missing}`,
    hint,
  );
}
