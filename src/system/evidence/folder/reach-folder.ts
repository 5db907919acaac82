import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { systemCode, VerifyError } from '../../../core/model/verify-error.js';
import { libc } from '../../kernel/libc.js';
import { isRootHere } from '../../process/identity.js';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW } = constants;
/** Enters folders without reading them. */
const O_PATH = 0o10000000;
const othersWrite = 0o022;
const sticky = 0o1000;
/** As the kernel's (path_resolution(7)). */
export const maxLinks = 40;

/** A path that root does not follow: VerifyError 64, `out-not-own`. */
export function refusedPath(name: string, hint: string, what: string): VerifyError {
  return new VerifyError('out-not-own', 64, `${name}: ${what}`, hint);
}

/** Valid when that folder is renamed. */
export const inFolder = (folder: number, name: string): string => `/proc/self/fd/${folder}/${name}`;

/** Of a link itself. null = missing. */
export function statOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
}

/** True if no other user can move this link. */
function isStable({ uid, mode }: Stats, ownUid: number): boolean {
  return (uid === 0 || uid === ownUid) && ((mode & othersWrite) === 0 || (mode & sticky) !== 0);
}

const partsOf = (path: string): readonly string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** Options for walking a path. */
export interface Reaching {
  readonly hint: string;
  /** Of new folders, absent = 0700, null = make none. */
  readonly mode?: number | null;
  readonly mayEndInLink?: boolean;
}

/** RESOLVE_NO_MAGICLINKS, _NO_SYMLINKS and _BENEATH (openat2(2)). */
const strictly = 0x02 | 0x04 | 0x08;
/** Node sets O_CLOEXEC only in its own functions. */
const O_CLOEXEC = 0o2000000;

/**
 * Follows no link, even if another user filled the folder. By openat2(2), or by parts before Linux 5.6 or under a
 * filter. Throws file system errors.
 */
export function openFolderBelow(dir: string, path: string, call = libc().openFolderAt): number {
  const flags = O_PATH | O_DIRECTORY | O_NOFOLLOW;
  const top = openSync(dir, O_PATH | O_DIRECTORY);
  try {
    const fd = call(top, path, flags | O_CLOEXEC, strictly);
    if (fd >= 0) return fd;
    const code = libc().errnoName(libc().errno());
    if (code !== 'ENOSYS' && code !== 'EPERM') throw Object.assign(new Error(`${path}: ${code}`), { code });
    return openPartByPart(top, path, flags);
  } finally {
    closeSync(top);
  }
}

/** A temporary name of a file below a folder. */
export interface WayBelow {
  readonly path: string;
  close(): void;
}

/**
 * Follows no link, but the opening must check the file itself. A process confined to its run's folder has no /proc and
 * uses the path. Throws as `openFolderBelow`.
 */
export function wayBelow(dir: string, path: string): WayBelow {
  if (!existsSync('/proc/self/fd')) return { path: join(dir, path), close: () => undefined };
  const folder = openFolderBelow(dir, dirname(path));
  return { path: inFolder(folder, basename(path)), close: () => closeSync(folder) };
}

function openPartByPart(top: number, path: string, flags: number): number {
  let folder = openSync(inFolder(top, '.'), O_PATH | O_DIRECTORY);
  for (const part of partsOf(path)) {
    try {
      if (part === '..') throw new Error(`${path} leads out of its folder`);
      const next = openSync(inFolder(folder, part), flags);
      closeSync(folder);
      folder = next;
    } catch (error) {
      closeSync(folder);
      throw error;
    }
  }
  return folder;
}

export interface ReachedFolder {
  readonly fd: number;
  /** Outermost first. The last may be the folder itself. */
  readonly newFolders: readonly number[];
}

/** Target of the link `part` in an open folder. Throws if root would follow another user's. */
export function linkTarget(name: string, folder: number, part: string, hint: string): string {
  const { uid } = lstatSync(inFolder(folder, part));
  const ownUid = process.geteuid?.() ?? 0;
  if (isRootHere() && ((uid !== 0 && uid !== ownUid) || !isStable(fstatSync(folder), ownUid)))
    throw refusedPath(
      name,
      hint,
      `${JSON.stringify(part)} on the way there is a symbolic link of user ${uid}, whose owner would choose what is written over`,
    );
  return readlinkSync(inFolder(folder, part));
}

function openMade(path: string): number | null {
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (['ENOTDIR', 'ELOOP', 'ENOENT'].includes(systemCode(error) ?? '')) return null;
    throw error;
  }
}

/** In an open folder. Throws if another process just made it. */
export function makeFolder(name: string, folder: number, part: string, { hint, mode }: Reaching): number {
  const path = inFolder(folder, part);
  mkdirSync(path, mode ?? 0o700);
  const fd = openMade(path);
  if (fd !== null && fstatSync(fd).uid === process.geteuid?.()) return fd;
  if (fd !== null) closeSync(fd);
  throw refusedPath(name, hint, `${JSON.stringify(part)} was put there by another process just now`);
}

/**
 * Opens part by part, makes missing ones (0700 without `mode`). Root follows no other user's links, so none chooses
 * where it writes. Others follow all: users gain nothing by links, and user namespaces cannot identify the machine's
 * root. Throws VerifyError (64, `out-not-own`), and file system errors.
 */
export function reachFolder(name: string, reaching: Reaching): ReachedFolder {
  const newFolders: number[] = [];
  let links = 0;
  let folder = openSync('/', O_PATH | O_DIRECTORY);
  let rest = partsOf(resolve(name));
  const enter = (next: number): void => {
    if (!newFolders.includes(folder)) closeSync(folder);
    folder = next;
  };
  try {
    for (let [part] = rest; part !== undefined; [part] = rest) {
      rest = rest.slice(1);
      const stat = part === '/' ? null : statOf(inFolder(folder, part));
      if (part === '/') enter(openSync('/', O_PATH | O_DIRECTORY));
      else if (stat === null && reaching.mode !== null) {
        enter(makeFolder(name, folder, part, reaching));
        newFolders.push(folder);
      } else if (stat?.isSymbolicLink() !== true)
        enter(openSync(inFolder(folder, part), O_PATH | O_DIRECTORY | O_NOFOLLOW));
      else {
        links += 1;
        if (links > maxLinks) throw refusedPath(name, reaching.hint, 'too many symbolic links');
        if (rest.length === 0 && reaching.mayEndInLink !== true)
          throw refusedPath(name, reaching.hint, 'the evidence folder is a symbolic link');
        const target = linkTarget(name, folder, part, reaching.hint);
        rest = [...(isAbsolute(target) ? ['/'] : []), ...partsOf(target), ...rest];
      }
    }
    return { fd: folder, newFolders };
  } catch (error) {
    for (const fd of new Set([...newFolders, folder])) closeSync(fd);
    throw error;
  }
}
