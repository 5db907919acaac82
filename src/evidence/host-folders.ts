import { readFile, readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { VerifyError } from '../core/model/verify-error.js';
import { compressedCapture, files } from '../system/evidence/folder/folder.js';
import { hostRecordFile } from './host-record.js';

/** A host and the folder with what came back from it; null = nothing did, only its name is known. */
export interface HostFolder {
  readonly host: string;
  readonly dir: string | null;
}

/** Beside the hosts' folders: the names of all hosts that were asked, a line each. */
const namesFile = 'hosts';
/** Evidence lies in a host's folder, or this far below: `HOST/run/SCENARIO`. */
const mostDeep = 2;
const signs: readonly string[] = [
  files.run,
  files.plan,
  files.timeline,
  files.capture,
  compressedCapture,
  files.sums,
  files.result,
];

interface Listed {
  readonly folders: readonly string[];
  readonly names: readonly string[];
}

async function list(dir: string): Promise<Listed> {
  try {
    const entries = await readdir(dir, { withFileTypes: true });
    return {
      folders: entries
        .filter((entry) => entry.isDirectory())
        .map(({ name }) => name)
        .sort(),
      names: entries.filter((entry) => !entry.isDirectory()).map(({ name }) => name),
    };
  } catch (error) {
    throw new VerifyError(
      'folder-unreadable',
      64,
      `${dir}: ${error instanceof Error ? error.message : String(error)}`,
      'name folders that hold what came back from the hosts',
    );
  }
}

/**
 * The hosts below `dirs`: each is a run's folder, a host's (it has a host.json, which contrib/ansible writes) or holds
 * a folder for each host; `hosts` in the latter names all that were asked, so that one of which nothing came back is
 * not forgotten. Throws VerifyError (64) where `dirs` cannot be read.
 */
export async function hostFolders(dirs: readonly string[]): Promise<readonly HostFolder[]> {
  const found: HostFolder[] = [];
  for (const dir of dirs) {
    const { folders, names } = await list(dir);
    const host = basename(resolve(dir));
    if (
      names.includes(hostRecordFile) ||
      names.some((name) => signs.includes(name)) ||
      (folders.length === 0 && !names.includes(namesFile))
    ) {
      found.push({ host, dir });
      continue;
    }
    const asked = names.includes(namesFile)
      ? (await readFile(join(dir, namesFile), 'utf8'))
          .split('\n')
          .map((line) => line.trim())
          .filter((line) => line !== '')
      : [];
    found.push(...folders.map((name) => ({ host: name, dir: join(dir, name) })));
    found.push(
      ...[...new Set(asked)].filter((name) => !folders.includes(name)).map((name) => ({ host: name, dir: null })),
    );
  }
  return found;
}

/** The folders with a run's evidence, whole or not, in a host's folder. */
export async function evidenceFolders(dir: string, deep = 0): Promise<readonly string[]> {
  const { folders, names } = await list(dir);
  if (names.some((name) => signs.includes(name))) return [dir];
  if (deep === mostDeep) return [];
  return (await Promise.all(folders.map((name) => evidenceFolders(join(dir, name), deep + 1)))).flat();
}
