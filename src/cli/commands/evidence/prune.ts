import { lstatSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VerifyError } from '../../../core/model/verify-error.js';
import { counted, escapePath } from '../../../core/text/escape.js';
import { evidenceFolders } from '../../../system/evidence/folder/host-folders.js';
import { type DefineCommand, flagArgument, textArgument } from '../../command.js';

const dayMs = 86_400_000;
const othersWrite = 0o022;

/** A folder that a run named: its scenario's name and when it began, in ms since 1970. */
interface NamedRun {
  readonly folder: string;
  readonly name: string;
  readonly startedAtMs: number;
}

/** Reads `NAME-20261130-031500-1a2b3c4d`, as runs name their folders; null = no run has named it so. */
function namedRun(folder: string): NamedRun | null {
  const [, name = '', ...digits] = /^(.+)-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[0-9a-f]{8}$/.exec(folder) ?? [];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = digits.map(Number);
  return name === '' ? null : { folder, name, startedAtMs: Date.UTC(year, month - 1, day, hour, minute, second) };
}

/** Gives the runs that began before `beforeMs`, oldest first. The newest run of each name is never among them. */
export function outdatedRuns(folders: readonly string[], beforeMs: number): readonly string[] {
  const runs = folders
    .flatMap((folder) => namedRun(folder) ?? [])
    .sort((a, b) => a.startedAtMs - b.startedAtMs || a.folder.localeCompare(b.folder));
  const newest = new Set(new Map(runs.map(({ name, folder }) => [name, folder])).values());
  return runs.flatMap(({ folder, startedAtMs }) => (startedAtMs < beforeMs && !newest.has(folder) ? [folder] : []));
}

/** Days of `--keep 30d`. Throws VerifyError (64). */
function daysOf(text: string): number {
  const days = Number(/^(\d{1,5})d$/.exec(text)?.[1]);
  if (!(days >= 1))
    throw new VerifyError('usage', 64, `--keep ${text}: expected days`, 'for example --keep 30d; at least 1d');
  return days;
}

/** Throws VerifyError (64) if another user could put a folder of somebody's in the place of a run. */
function checkOwn(dir: string): void {
  const stats = lstatSync(dir, { throwIfNoEntry: false });
  const refused = (why: string): VerifyError =>
    new VerifyError('usage', 64, `${dir}: ${why}`, 'name the folder in which runs have made theirs');
  if (stats === undefined || !stats.isDirectory()) throw refused('it is no folder');
  if (stats.uid !== process.geteuid?.() || (stats.mode & othersWrite) !== 0)
    throw refused('it belongs to another user, or others may write to it');
}

async function pruneCommand(dir: string, keep: string, dryRun: boolean): Promise<number> {
  const days = daysOf(keep);
  checkOwn(dir);
  const entries = await readdir(dir, { withFileTypes: true });
  const folders = entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  let removed = 0;
  for (const folder of outdatedRuns(folders, Date.now() - days * dayMs)) {
    const path = join(dir, folder);
    if ((await evidenceFolders(path)).length === 0) continue;
    if (!dryRun) await rm(path, { recursive: true });
    removed += 1;
    process.stdout.write(`${dryRun ? 'would remove' : 'removed'} ${escapePath(path)}\n`);
  }
  const kept = folders.flatMap((folder) => namedRun(folder) ?? []).length - removed;
  process.stderr.write(
    `${dryRun ? 'would remove' : 'removed'} ${counted(removed, 'run')} older than ${counted(days, 'day')}, kept ${kept}\n`,
  );
  return 0;
}

/** `prune DIR --keep 30d`: removes evidence of runs older than that; the newest of each scenario stays. */
export const definePrune: DefineCommand = (parser, context) => {
  parser.command(
    'prune <dir>',
    'remove the evidence of old runs; the newest of each scenario stays',
    (options) =>
      options
        .positional('dir', { type: 'string', demandOption: true, describe: 'folder that holds folders of runs' })
        .options({
          keep: { ...textArgument('keep runs of the last days, such as 30d'), demandOption: true },
          'dry-run': flagArgument('print what would be removed'),
        } as const),
    async (args) => context.setStatus(await pruneCommand(args.dir, args.keep, args.dryRun)),
  );
};
