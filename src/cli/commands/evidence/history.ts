import { jsonText } from '../../../core/text/json-text.js';
import { historiesOf } from '../../../report/history.js';
import { historyText } from '../../../report/terminal/history.js';
import { makePaint } from '../../../report/terminal/layout.js';
import { evidenceFolders, noRun } from '../../../system/evidence/folder/host-folders.js';
import { replayFolder } from '../../../system/evidence/replay.js';
import { combineExitStatuses } from '../../command.js';
import { columnsOf, wantsColor } from '../../screen.js';

/** Judges all runs below a folder again and compares each with the one before; the status is that of the last ones. */
export async function historyCommand(dir: string, json: boolean): Promise<number> {
  const folders = await evidenceFolders(dir).catch(() => []);
  if (folders.length === 0) throw await noRun(dir);
  const runs = [];
  for (const folder of folders) runs.push({ dir: folder, result: await replayFolder(folder) });
  const histories = historiesOf(runs);
  process.stdout.write(
    json
      ? `${jsonText({ schemaVersion: 1, histories }, 2)}\n`
      : historyText(histories, columnsOf(process.stdout), makePaint(wantsColor(process.stdout))),
  );
  return combineExitStatuses(histories.flatMap(({ runs: known }) => known.at(-1)?.status ?? []));
}
