import { randomBytes } from 'node:crypto';
import {
  accessSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  renameSync,
  rmSync,
  type Stats,
  statfsSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, isAbsolute, join } from 'node:path';
import { evidenceOwner, isRootHere } from '../../process/identity.js';
import { inFolder, linkTarget, maxLinks, reachFolder, refusedPath, statOf } from './reach-folder.js';
import { systemCode } from '../../../core/model/verify-error.js';
import { readRegularIfThere } from '../read/regular-file.js';

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_TRUNC, O_WRONLY } = constants;
const hint = 'name a file in a folder that is your own, below folders that nobody else may write to';

function giveToOwnerOf(folder: number, fds: readonly number[]): void {
  const caller = evidenceOwner();
  if (caller === null || fstatSync(folder).uid !== caller.uid) return;
  for (const fd of fds) fchownSync(fd, caller.uid, caller.gid);
}

/** Follows no link, overwrites nothing. In folders of sudo's caller it is the caller's. Throws file system errors. */
export function openNewFile(path: string, mode = 0o600): number {
  const fd = openSync(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  try {
    const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      giveToOwnerOf(folder, [fd]);
    } finally {
      closeSync(folder);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Opens a file at its end, as `openNewFile` if missing; follows no link. */
export function openAtEnd(path: string): number {
  try {
    return openNewFile(path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return openSync(path, O_WRONLY | O_APPEND | O_NOFOLLOW);
  }
}

/** Appends as `openAtEnd`. */
export function appendText(path: string, text: string): void {
  const fd = openAtEnd(path);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** A user's file while it is written. */
export interface NamedFile {
  readonly fd: number;
  /** Gives it its name. Once. */
  keep(): void;
  /** Keeps the earlier file. No-op after `keep` or `drop`. */
  drop(): void;
}

function closingOnce(fds: readonly number[]): (before?: () => void) => void {
  let isOpen = true;
  return (before) => {
    if (!isOpen) return;
    isOpen = false;
    try {
      before?.();
    } finally {
      for (const fd of fds) closeSync(fd);
    }
  };
}

function writtenDirectly(path: string, follows: boolean): NamedFile {
  // A pipe without a reader refuses this instead of waiting.
  const probed = openSync(path, O_WRONLY | O_NONBLOCK | (follows ? 0 : O_NOFOLLOW));
  const isSwapped = !follows && fstatSync(probed).isFile();
  const fd = isSwapped ? null : openSync(`/proc/self/fd/${probed}`, O_WRONLY);
  closeSync(probed);
  if (fd === null) throw refusedPath(path, hint, 'another file was put there just now');
  const close = closingOnce([fd]);
  return { fd, keep: close, drop: close };
}

function writtenOver(path: string): NamedFile {
  const fd = openSync(path, O_WRONLY | O_TRUNC | O_NOFOLLOW);
  const close = closingOnce([fd]);
  return { fd, keep: close, drop: close };
}

function replacing(folder: number, name: string, former: Stats | null, mode: number): NamedFile {
  const part = inFolder(folder, `.${name.slice(0, 200)}.${randomBytes(6).toString('hex')}.part`);
  let fd: number;
  try {
    fd = openSync(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  } catch (error) {
    // Root may make a file anywhere; in others' folders the name may be a link to root's file.
    if (former === null || isRootHere()) throw error;
    const over = writtenOver(inFolder(folder, name));
    closeSync(folder);
    return over;
  }
  if (former !== null) fchmodSync(fd, former.mode & 0o777);
  giveToOwnerOf(folder, [fd]);
  const close = closingOnce([fd, folder]);
  return {
    fd,
    keep() {
      close(() => renameSync(part, inFolder(folder, name)));
    },
    drop() {
      close(() => rmSync(part, { force: true }));
    },
  };
}

/** A run's list of its files, with their hashes. */
export const sumsName = 'SHA256SUMS';
/** A million files, or a mesh of a thousand guests, take less. */
export const maxSumsBytes = 256 * 2 ** 20;

/** A run's file, or its list of files. */
function isEvidence(folder: number, name: string): boolean {
  const list = readRegularIfThere(inFolder(folder, sumsName), maxSumsBytes);
  return list !== null && (name === sumsName || list.split('\n').some((line) => line.endsWith(`  ${name}`)));
}

/** PROC_SUPER_MAGIC of linux/magic.h: its links lead to open files (proc_pid_fd(5)). */
const isOfProc = (folder: number): boolean => statfsSync(`/proc/self/fd/${folder}/.`).type === 0x9fa0;

interface NamedPlace {
  /** Open; the caller closes it. */
  readonly folder: number;
  readonly name: string;
  /** A link only below /proc. null = missing. */
  readonly former: Stats | null;
}

function placeOf(path: string): NamedPlace {
  let requested = path;
  for (let links = 0; links <= maxLinks; links += 1) {
    const { fd: folder, newFolders } = reachFolder(dirname(requested), { hint, mode: 0o777, mayEndInLink: true });
    const name = basename(requested);
    let isKept = false;
    try {
      giveMade(newFolders);
      const former = statOf(inFolder(folder, name));
      const isLink = former?.isSymbolicLink() === true;
      const target = isLink ? linkTarget(path, folder, name, hint) : '';
      if (isLink && !isOfProc(folder)) {
        requested = isAbsolute(target) ? target : join(dirname(requested), target);
        continue;
      }
      if (former !== null && !isLink && isEvidence(folder, name))
        throw refusedPath(path, 'name another file', `it is evidence, which ${sumsName} beside it lists`);
      isKept = true;
      return { folder, name, former };
    } finally {
      for (const fd of new Set([...newFolders, folder])) if (!(isKept && fd === folder)) closeSync(fd);
    }
  }
  throw refusedPath(path, hint, 'too many symbolic links');
}

/**
 * A user's output, which replaces the old file when complete. Pipes and devices are written directly. Makes missing
 * folders. Root follows no other user's links. In folders of sudo's caller, files are the caller's. Throws VerifyError
 * (64, `out-not-own`), and file system errors.
 */
export function openNamedFile(path: string, mode = 0o666): NamedFile {
  const { folder, name, former } = placeOf(path);
  let isKept = false;
  try {
    if (former !== null && !former.isFile()) return writtenDirectly(inFolder(folder, name), former.isSymbolicLink());
    const file = replacing(folder, name, former, mode);
    isKept = true;
    return file;
  } finally {
    if (!isKept) closeSync(folder);
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Throws as a later `openNamedFile` would. Makes missing folders, but opens no pipe and changes no file. */
export function checkNamedFile(path: string): void {
  const { folder, name, former } = placeOf(path);
  const file = inFolder(folder, name);
  const isReplaced = former?.isFile() === true && (isRootHere() || isWritable(inFolder(folder, '.')));
  let isClosed = false;
  try {
    if (former?.isDirectory() === true) writtenDirectly(file, false).drop();
    else if (former !== null && !isReplaced) accessSync(file, constants.W_OK);
    else {
      replacing(folder, name, null, 0o600).drop();
      isClosed = true;
    }
  } finally {
    if (!isClosed) closeSync(folder);
  }
}

function giveMade(newFolders: readonly number[]): void {
  const [first] = newFolders;
  if (first === undefined) return;
  const above = openSync(inFolder(first, '..'), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    giveToOwnerOf(above, newFolders);
  } finally {
    closeSync(above);
  }
}

/** Atomically, by `openNamedFile`. */
export function writeNamedFile(path: string, text: string): void {
  const file = openNamedFile(path);
  try {
    writeFileSync(file.fd, text);
  } catch (error) {
    file.drop();
    throw error;
  }
  file.keep();
}
