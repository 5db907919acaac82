import { lstatSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, VerifyError, usageError } from '../../../core/model/verify-error.js';
import { counted, escapePath } from '../../../core/text/escape.js';
import { evidenceFolders } from '../../../system/evidence/folder/host-folders.js';
import { command, flagArgument, operand, textArgument } from '../../command.js';

const dayMs = 86_400_000;
const othersWrite = 0o022;

interface NamedRun {
  readonly folder: string;
  readonly name: string;
  readonly startedAtMs: number;
}

function namedRun(folder: string): NamedRun | null {
  const [, name = '', ...digits] = /^(.+)-(\d{4})(\d\d)(\d\d)-(\d\d)(\d\d)(\d\d)-[0-9a-f]{8}$/.exec(folder) ?? [];
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = digits.map(Number);
  return name === '' ? null : { folder, name, startedAtMs: Date.UTC(year, month - 1, day, hour, minute, second) };
}

/** Runs begun before `beforeMs`, oldest first, without each name's newest. */
export function outdatedRuns(folders: readonly string[], beforeMs: number): readonly string[] {
  const runs = folders
    .flatMap((folder) => namedRun(folder) ?? [])
    .sort((a, b) => a.startedAtMs - b.startedAtMs || a.folder.localeCompare(b.folder));
  const newest = new Set(new Map(runs.map(({ name, folder }) => [name, folder])).values());
  return runs.flatMap(({ folder, startedAtMs }) => (startedAtMs < beforeMs && !newest.has(folder) ? [folder] : []));
}

function daysOf(text: string): number {
  const days = Number(/^(\d{1,5})d$/.exec(text)?.[1]);
  if (!(days >= 1)) throw usageError(`--keep ${text}: expected days`, 'for example --keep 30d; at least 1d');
  return days;
}

function isOwn(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats?.isDirectory() === true && stats.uid === process.geteuid?.() && (stats.mode & othersWrite) === 0;
}

/** Otherwise another user could replace a run's folder. */
function checkOwn(dir: string): void {
  const refused = (why: string): VerifyError =>
    usageError(`${dir}: ${why}`, 'name the folder in which runs have made theirs');
  if (lstatSync(dir, { throwIfNoEntry: false })?.isDirectory() !== true) throw refused('it is no folder');
  if (!isOwn(dir)) throw refused('it belongs to another user, or others may write to it');
}

async function runsIn(dir: string): Promise<Readonly<Record<'runs' | 'refused', readonly string[]>>> {
  const entries = await readdir(dir, { withFileTypes: true });
  const named = entries.filter((entry) => entry.isDirectory() && namedRun(entry.name) !== null).map(({ name }) => name);
  const ownFolders = named.filter((name) => isOwn(join(dir, name)));
  const runs: string[] = [];
  const refused: string[] = [];
  for (const name of ownFolders) {
    if ((await evidenceFolders(join(dir, name))).length > 0) runs.push(name);
    else if ((await readdir(join(dir, name))).join() === 'scenario') refused.push(name);
  }
  return { runs, refused };
}

async function pruneCommand(dir: string, keep: string, dryRun: boolean): Promise<number> {
  const days = daysOf(keep);
  checkOwn(dir);
  const { runs, refused } = await runsIn(dir);
  const beforeMs = Date.now() - days * dayMs;
  const outdated = [
    ...outdatedRuns(runs, beforeMs),
    ...refused.filter((name) => (namedRun(name)?.startedAtMs ?? beforeMs) < beforeMs),
  ];
  for (const folder of outdated) {
    const path = join(dir, folder);
    if (!dryRun) await removeRun(path);
    process.stdout.write(`${dryRun ? 'would remove' : 'removed'} ${escapePath(path)}\n`);
  }
  const kept = runs.length + refused.length - outdated.length;
  process.stderr.write(
    `${dryRun ? 'would remove' : 'removed'} ${counted(outdated.length, 'run')} older than ${counted(days, 'day')}, kept ${kept}\n`,
  );
  return 0;
}

async function removeRun(path: string): Promise<void> {
  try {
    await rm(path, { recursive: true });
  } catch (error) {
    throw new VerifyError('not-written', 69, `${path}: ${messageOf(error)}`, 'remove the rest of it by hand');
  }
}

export const definePrune = command(
  'prune <dir>',
  'remove the evidence of old runs; the newest of each scenario stays',
  (parser) =>
    parser.positional('dir', operand('folder that holds folders of runs')).options({
      keep: { ...textArgument('keep runs of the last days, such as 30d'), demandOption: true },
      'dry-run': flagArgument('print what would be removed'),
    } as const),
  ({ dir, keep, dryRun }) => pruneCommand(dir, keep, dryRun),
);
