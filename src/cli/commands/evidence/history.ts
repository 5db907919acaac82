import { statSync } from 'node:fs';
import type { Result } from '../../../core/model/result.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { jsonText } from '../../../core/text/json-text.js';
import { historiesOf, withoutCopies } from '../../../report/history.js';
import { historyText } from '../../../report/terminal/history.js';
import { makePaint } from '../../../report/terminal/layout.js';
import { evidenceFolders, noRun } from '../../../system/evidence/folder/host-folders.js';
import { replayFolder } from '../../../system/evidence/replay.js';
import { combineExitStatuses } from '../../command.js';
import { columnsOf, wantsColor } from '../../screen.js';

/**
 * Judges and compares all runs below a folder. Gives the last runs' status, at best 3 if a later folder has no result.
 */
export async function historyCommand(dir: string, json: boolean): Promise<number> {
  const folders = await evidenceFolders(dir).catch(() => []);
  if (folders.length === 0) throw await noRun(dir);
  const judged: { readonly dir: string; readonly result: Result }[] = [];
  const failures: { readonly dir: string; readonly error: VerifyError }[] = [];
  for (const folder of folders)
    try {
      judged.push({ dir: folder, result: await replayFolder(folder) });
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      failures.push({ dir: folder, error });
    }
  const [failure] = failures;
  if (judged.length === 0 && failure !== undefined) throw failure.error;
  const { runs, copies } = withoutCopies(judged);
  const unended = failures.map(({ dir: folder, error }) => ({
    dir: folder,
    why: error.message.startsWith(`${folder}: `) ? error.message.slice(folder.length + 2) : error.message,
  }));
  const histories = historiesOf(runs);
  const lastMs = Math.max(...runs.map(({ result }) => Date.parse(result.run.startedAt)));
  const isOpen = unended.some(
    ({ dir: folder }) => (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? 0) > lastMs,
  );
  process.stdout.write(
    json
      ? `${jsonText({ schemaVersion: 1, histories, unended, copies }, 2)}\n`
      : historyText(histories, { unended, copies }, columnsOf(process.stdout), makePaint(wantsColor(process.stdout))),
  );
  return combineExitStatuses([
    ...histories.flatMap(({ runs: known }) => known.at(-1)?.status ?? []),
    ...(isOpen ? [3] : []),
  ]);
}
