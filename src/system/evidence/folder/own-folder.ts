import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { messageOf, systemCode, VerifyError } from '../../../core/model/verify-error.js';
import { libc } from '../../kernel/libc.js';
import { procText } from '../../kernel/proc-files.js';
import { evidenceOwner, type Identity } from '../../process/identity.js';
import { readRegular } from '../read/regular-file.js';
import { cannotWrite, files, isLeftUnfinished } from './folder.js';
import { inFolder, makeFolder, reachFolder, refusedPath, statOf } from './reach-folder.js';

/** A folder closed to other users until handed over. Its descriptor protects against a replacement from above. */
export interface OwnFolder {
  /** By descriptor, for this process's threads. */
  readonly path: string;
  readonly name: string;
  /** Gives it, its contents and new folders above to sudo's caller. Once. `isUnfinished`: its files may be replaced. */
  handOver(isUnfinished?: boolean): void;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
const hint = 'with --out name a new folder or one of your own, below folders that no other user may write to';
const linkHint = 'name a folder below folders that nobody else may write to';

/** Contents first: until the folder is given, only root can enter. */
function giveTo({ uid, gid }: Identity, folder: number): void {
  for (const entry of readdirSync(`/proc/self/fd/${folder}`, { withFileTypes: true })) {
    if (!entry.isDirectory() && !entry.isFile()) continue;
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (entry.isDirectory() ? O_DIRECTORY : 0);
    const fd = openSync(inFolder(folder, entry.name), flags);
    try {
      if (entry.isDirectory()) giveTo({ uid, gid }, fd);
      else {
        fchmodSync(fd, 0o600);
        fchownSync(fd, uid, gid);
      }
    } finally {
      closeSync(fd);
    }
  }
  fchmodSync(folder, 0o700);
  fchownSync(folder, uid, gid);
}

const isEmpty = (fd: number): boolean => readdirSync(`/proc/self/fd/${fd}`).length === 0;

function notEmpty(name: string): VerifyError {
  return new VerifyError(
    'out-not-empty',
    64,
    `${name}: the folder is not empty`,
    'evidence of two runs is never mixed: name another folder with --out',
  );
}

/** flock(2): LOCK_EX | LOCK_NB. */
const exclusiveOrNot = 2 | 4;
/** False = held, or not supported. */
const lock = (fd: number): boolean => libc().flock(fd, exclusiveOrNot) === 0;
const claimPath = (folder: number): string => inFolder(folder, files.unfinished.name);

/** With the boot, as another machine's locks are invisible. null = boot id unknown. */
function claimText(scenario: string): string | null {
  const boot = procText('/proc/sys/kernel/random/boot_id').trim();
  const uid = evidenceOwner()?.uid ?? process.geteuid?.() ?? 0;
  return boot === '' ? null : `${JSON.stringify([scenario, uid, boot])}\n`;
}

/**
 * Only one run can claim an empty folder. A claim has text only if locked. Without text its folder is never replaced.
 */
function claimFolder({ name, handOver }: OwnFolder, folder: number, scenario: string): void {
  try {
    writeFileSync(claimPath(folder), '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw notEmpty(name);
    handOver();
    throw cannotWrite(name, error);
  }
  const text = claimText(scenario);
  if (text === null || !lock(folder)) return;
  try {
    writeFileSync(claimPath(folder), text);
  } catch {
    // A full disk: a partial text is no claim, and the run reports what it cannot write.
  }
}

function isClaimed(folder: number, scenario: string): boolean {
  const { uid, mode } = fstatSync(folder);
  if ((mode & 0o077) !== 0 || statOf(claimPath(folder))?.uid !== uid) return false;
  const text = claimText(scenario);
  try {
    return text !== null && readRegular(claimPath(folder), Buffer.byteLength(text)) === text;
  } catch {
    return false;
  }
}

/** Folders first. null = more than a run without result leaves. */
function leftIn(folder: number, opened: number[], below = ''): readonly string[] | null {
  const paths: string[] = [];
  const { uid, dev } = fstatSync(folder);
  for (const entry of readdirSync(`/proc/self/fd/${folder}`, { withFileTypes: true })) {
    const path = inFolder(folder, entry.name);
    const isFolder = entry.isDirectory();
    if (!isFolder && !entry.isFile()) return null;
    if (!isLeftUnfinished(`${below}${entry.name}${isFolder ? '/' : ''}`)) return null;
    paths.push(path);
    if (!isFolder) continue;
    const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    opened.push(fd);
    const inner = fstatSync(fd);
    const remaining = inner.uid === uid && inner.dev === dev ? leftIn(fd, opened, `${entry.name}/`) : null;
    if (remaining === null) return null;
    paths.push(...remaining);
  }
  return paths;
}

/** In folders of one owner, who has the same rights, so no link leads root elsewhere. False = nothing removed. */
function removeUnfinished(folder: number, scenario: string): boolean {
  if (!lock(folder) || !isClaimed(folder, scenario)) return false;
  const opened: number[] = [];
  try {
    const paths = leftIn(folder, opened);
    if (paths === null) return false;
    // The claim last: if this run is killed here, the next continues.
    for (const path of paths.filter((inner) => inner !== claimPath(folder)).reverse())
      if (statOf(path)?.isDirectory() === true) rmdirSync(path);
      else unlinkSync(path);
    unlinkSync(claimPath(folder));
    return true;
  } finally {
    for (const fd of opened) closeSync(fd);
  }
}

function closeToOthers(name: string, fd: number): void {
  const { mode } = fstatSync(fd);
  if (!isEmpty(fd)) throw notEmpty(name);
  fchmodSync(fd, 0o700);
  if (isEmpty(fd)) return;
  fchmodSync(fd, mode & 0o7777);
  throw notEmpty(name);
}

/** Another process may have the old folder open. */
function replaceEmpty(name: string): number {
  const path = resolve(name);
  const { fd: parent } = reachFolder(dirname(path), { hint, mode: null, mayEndInLink: true });
  const made = inFolder(parent, `.verify-isolation-${randomUUID()}`);
  let fd: number | null = null;
  try {
    fd = makeFolder(name, parent, basename(made), { hint });
    renameSync(made, inFolder(parent, basename(path))); // only over an empty folder (rename(2))
    return fd;
  } catch (error) {
    if (fd !== null) {
      closeSync(fd);
      if (statOf(made)?.isDirectory() === true) rmdirSync(made);
    }
    const isFull = ['ENOTEMPTY', 'EEXIST'].includes(systemCode(error) ?? '');
    throw isFull ? notEmpty(name) : error;
  } finally {
    closeSync(parent);
  }
}

function openPresent(name: string, reached: number, caller: Identity | null, scenario: string | null): number {
  const { uid: owner } = fstatSync(reached);
  const user = process.geteuid?.() ?? 0;
  if (owner !== user && owner !== caller?.uid)
    throw refusedPath(name, hint, `the evidence folder belongs to user ${owner}`);
  const fd = openSync(inFolder(reached, '.'), O_RDONLY | O_DIRECTORY);
  try {
    const isReplaced = scenario !== null && removeUnfinished(fd, scenario);
    if (!isEmpty(fd)) throw notEmpty(name);
    if (owner !== user) return replaceEmpty(name);
    if (caller !== null && !isReplaced)
      throw refusedPath(
        name,
        hint,
        'the evidence folder was there before and is root’s, not of the user that called sudo',
      );
    closeToOthers(name, fd);
    return openSync(inFolder(fd, '.'), O_RDONLY | O_DIRECTORY);
  } finally {
    closeSync(fd);
  }
}

/** Stays only if a run without result left more. It is harmless beside a result. */
function endClaim(folder: number, isUnfinished: boolean): void {
  try {
    const names = readdirSync(`/proc/self/fd/${folder}`);
    if (!isUnfinished || names.length === 1 || names.includes(files.result.name))
      rmSync(claimPath(folder), { force: true });
  } catch {
    // the file system takes no more
  }
}

/**
 * Mode 0700 until handed over. Refused folders stay, under sudo also root's existing ones. Replaces a run of `scenario`
 * that ended (flock(2)) without result, under this kernel and user. Throws VerifyError (64) `out-not-own` for another
 * user's folder or link on the way, `out-not-empty`, `out-not-made`, or (69) `evidence-not-writable`.
 */
export function openOwnFolder(name: string, scenario: string | null = null): OwnFolder {
  const caller = evidenceOwner();
  const open: number[] = [];
  const close = (): void => {
    for (const each of new Set(open.splice(0))) closeSync(each);
  };
  try {
    const { fd: reached, newFolders } = reachFolder(name, { hint });
    open.push(...newFolders, reached);
    const fd = newFolders.includes(reached) ? reached : openPresent(name, reached, caller, scenario);
    open.push(fd);
    if (!isEmpty(fd)) throw notEmpty(name);
    const folder: OwnFolder = {
      path: `/proc/self/fd/${fd}`,
      name,
      handOver(isUnfinished = false) {
        try {
          if (open.length > 0 && scenario !== null) endClaim(fd, isUnfinished);
          if (caller === null || open.length === 0) return;
          giveTo(caller, fd);
          for (const each of newFolders) if (each !== fd) fchownSync(each, caller.uid, caller.gid);
        } finally {
          close();
        }
      },
    };
    if (scenario !== null) claimFolder(folder, fd, scenario);
    return folder;
  } catch (error) {
    close();
    if (error instanceof VerifyError) throw error;
    throw new VerifyError(
      'out-not-made',
      64,
      `${name}: the evidence folder could not be made: ${messageOf(error)}`,
      'name a folder that you may write to with --out',
    );
  }
}

function changedMeanwhile(path: string, error: unknown): unknown {
  if (!(error instanceof Error && 'syscall' in error)) return error;
  const hint = 'see that nothing else writes to the folder, and that there is room, then do it again';
  return new VerifyError('evidence-unreadable', 64, `${path}: ${error.message}`, hint);
}

/**
 * Runs `act` by descriptor, so never on a replacement. Errors give the requested name. Rejects with VerifyError (64)
 * for a missing folder or another user's link.
 */
export async function inEvidenceFolder<T>(name: string, act: (path: string) => Promise<T>): Promise<T> {
  let fd: number | null = null;
  try {
    ({ fd } = reachFolder(name, { hint: linkHint, mode: null, mayEndInLink: true }));
  } catch (error) {
    if (error instanceof VerifyError) throw error;
  }
  if (fd === null) throw await (await import('./no-run.js')).noRun(name);
  const path = `/proc/self/fd/${fd}`;
  try {
    return await act(path);
  } catch (error) {
    throw namingFolder({ path, name }, changedMeanwhile(path, error));
  } finally {
    closeSync(fd);
  }
}

/** A file's path for users. */
export function namedIn(folder: Pick<OwnFolder, 'path' | 'name'>, path: string): string {
  return path.startsWith(folder.path) ? join(folder.name, path.slice(folder.path.length)) : path;
}

/** The error with the folder's name for users. */
export function namingFolder(folder: Pick<OwnFolder, 'path' | 'name'>, error: unknown): unknown {
  if (!(error instanceof VerifyError)) return error;
  const named = (text: string): string => text.replaceAll(folder.path, folder.name);
  return new VerifyError(error.code, error.exitCode, named(error.message), named(error.hint));
}
