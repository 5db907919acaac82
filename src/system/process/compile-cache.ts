import { lstatSync, mkdirSync, realpathSync } from 'node:fs';
import * as modules from 'node:module';
import { userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { systemCode } from '../../core/model/verify-error.js';
import { keepCode } from './keep-code.js';

/** Whose cache it is. */
export interface CacheOwner {
  /** The effective user of this process. */
  readonly uid: number;
  /** Home of that user by the user database: sudo may keep the HOME of somebody else. */
  readonly home: string;
  /** XDG_CACHE_HOME; counts only where the folder belongs to that user. */
  readonly cacheHome: string | undefined;
}

const othersWrite = 0o022;
const othersAny = 0o077;
const sticky = 0o1000;

/**
 * True if nobody but that user and root can put something else in the place of what lies in the folder. In one with the
 * sticky bit, such as /tmp, others may make files and may not touch those of the user. An access control list that lets
 * somebody write shows as a group that may.
 */
function isStable(folder: string, uid: number): boolean {
  const { uid: owner, mode } = lstatSync(folder);
  return (owner === uid || owner === 0) && ((mode & othersWrite) === 0 || (mode & sticky) !== 0);
}

function isOwn(folder: string, uid: number, without: number): boolean {
  const stats = lstatSync(folder);
  return stats.isDirectory() && stats.uid === uid && (stats.mode & without) === 0;
}

function withParents(folder: string): readonly string[] {
  return dirname(folder) === folder ? [folder] : [folder, ...withParents(dirname(folder))];
}

/** Makes the folder where it is not there yet, for its user alone. Whatever else stands there is left as it is. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, 0o700);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}

function belongsTo(uid: number, folder: string | undefined): folder is string {
  try {
    return folder !== undefined && isAbsolute(folder) && lstatSync(folder).uid === uid;
  } catch {
    return false;
  }
}

/**
 * A folder for code that Node has compiled, made where it is not there: below the user's cache, where that user alone
 * can write and nobody else can replace a folder on the way. Node runs what it finds there without a further question,
 * so null = there is none that is safe.
 */
export function compileCacheFolder({ uid, home, cacheHome }: CacheOwner): string | null {
  try {
    const [base, names] = belongsTo(uid, cacheHome) ? [cacheHome, []] : [home, ['.cache']];
    if (!isAbsolute(base)) return null;
    let folder = realpathSync(base);
    if (!withParents(folder).every((each) => isStable(each, uid)) || !isOwn(folder, uid, othersWrite)) return null;
    for (const name of [...names, 'verify-isolation', 'code']) {
      folder = join(folder, name);
      makeFolder(folder);
      if (!isOwn(folder, uid, othersWrite)) return null;
    }
    // Node makes folders of its own there with whatever umask there is: nobody else may come so far.
    return isOwn(folder, uid, othersAny) ? folder : null;
  } catch {
    return null; // no home, a disk that is full or read-only: then without
  }
}

/**
 * Keeps what Node compiles from now on, and starts from it next time, if the user has a safe place.
 * NODE_DISABLE_COMPILE_CACHE=1 turns it off. Node 22.1 and newer has its own cache.
 * With Node 24 `--version` takes 66 ms of processor instead of 92, `plan` 165 instead of 206.
 */
export function enableCompileCache(): void {
  const uid = process.geteuid?.();
  if (uid === undefined || process.env['NODE_DISABLE_COMPILE_CACHE'] === '1') return;
  const folder = compileCacheFolder({ uid, home: userHome(), cacheHome: process.env['XDG_CACHE_HOME'] });
  if (folder === null) return;
  const enable: unknown = Reflect.get(modules, 'enableCompileCache');
  if (typeof enable === 'function') Reflect.apply(enable, modules, [folder]);
  else keepCode(folder);
}

/** Empty for a user whom the database does not have. */
function userHome(): string {
  try {
    return userInfo().homedir;
  } catch {
    return '';
  }
}
