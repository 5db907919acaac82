import { stat } from 'node:fs/promises';
import { VerifyError } from '../core/model/verify-error.js';
import { evidenceFolders } from './host-folders.js';

/** So many of the runs below a folder are named. */
const mostNamed = 5;

/** What is told of a folder without run.json (64): that it is not there, or which runs lie in it. */
export async function noRun(dir: string): Promise<VerifyError> {
  const isFolder = await stat(dir).then(
    (info) => info.isDirectory(),
    () => false,
  );
  const runs = isFolder ? await evidenceFolders(dir).catch(() => []) : []; // what may not be read is left out
  const more = runs.length > mostNamed ? ` and ${runs.length - mostNamed} more` : '';
  const hint =
    runs.length === 0
      ? 'name the folder that a run left: it says at its end where its evidence is'
      : `name one of the runs in it: ${runs.slice(0, mostNamed).join(', ')}${more}`;
  return new VerifyError(
    'evidence-unreadable',
    64,
    `${dir}: ${isFolder ? 'no run left its evidence here: it has no run.json' : 'there is no such folder'}`,
    hint,
  );
}
