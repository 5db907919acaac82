import { randomBytes } from 'node:crypto';
import {
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

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDWR, O_TRUNC, O_WRONLY } = constants;
const hint = 'name a file in a folder that is your own, below folders that nobody else may write to';

/** Gives what root made in a folder of the user that called sudo to that user. Elsewhere it stays root's. */
function giveToOwnerOf(folder: number, fds: readonly number[]): void {
  const caller = evidenceOwner();
  if (caller === null || fstatSync(folder).uid !== caller.uid) return;
  for (const fd of fds) fchownSync(fd, caller.uid, caller.gid);
}

/**
 * Makes a file that is not there, and opens it for reading and writing: no link is followed, and nothing is written
 * over. In a folder of the user that called sudo it belongs to that user. Throws what the file system says.
 */
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

/** Opens a file at its end, as `openNewFile` where it is not there; a link is not followed. */
export function openAtEnd(path: string): number {
  try {
    return openNewFile(path);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
    return openSync(path, O_WRONLY | O_APPEND | O_NOFOLLOW);
  }
}

/** Appends text to a file as `openAtEnd` opens it. */
export function appendText(path: string, text: string): void {
  const fd = openAtEnd(path);
  try {
    writeFileSync(fd, text);
  } finally {
    closeSync(fd);
  }
}

/** A file that a user named, while it is written. */
export interface NamedFile {
  readonly fd: number;
  /** The file is whole: it takes its name. Once. */
  keep(): void;
  /** Leaves what had the name as it was; nothing once it has been kept or dropped. */
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

/** A pipe, a device or an open file by its descriptor, such as /dev/stdout: written to as it is. */
function writtenDirectly(path: string, follows: boolean): NamedFile {
  // A pipe that nobody reads refuses this instead of waiting for a reader.
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

/** A new file beside the one of that name, which it replaces when it is whole. `former`: what has the name now. */
function replacing(folder: number, name: string, former: Stats | null, mode: number): NamedFile {
  const part = inFolder(folder, `.${name.slice(0, 200)}.${randomBytes(6).toString('hex')}.part`);
  let fd: number;
  try {
    fd = openSync(part, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
  } catch (error) {
    // Root may make a file anywhere; and where others own the folder, the name may be a link to a file of root's.
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

/**
 * PROC_SUPER_MAGIC of linux/magic.h: links there lead to open files, and not where their texts say (proc_pid_fd(5)).
 */
const isOfProc = (folder: number): boolean => statfsSync(`/proc/self/fd/${folder}/.`).type === 0x9fa0;

/**
 * Opens the file that a user named for a report or a capture: a new one that takes the place of the old when it is
 * whole; a pipe or a device is written to as it is. Folders on the way are made. Root follows no link of somebody else,
 * neither on the way nor at its end, and what it makes in the folder of the user that called sudo belongs to that user.
 * Throws VerifyError (64, `out-not-own`), and what the file system says.
 */
export function openNamedFile(path: string, mode = 0o666): NamedFile {
  let requested = path;
  for (let links = 0; links <= maxLinks; links += 1) {
    const { fd: folder, newFolders } = reachFolder(dirname(requested), { hint, mode: 0o777, mayEndInLink: true });
    const name = basename(requested);
    let isKept = false;
    try {
      giveMade(newFolders);
      const former = statOf(inFolder(folder, name));
      if (former?.isSymbolicLink() === true) {
        const target = linkTarget(path, folder, name, hint);
        if (isOfProc(folder)) return writtenDirectly(inFolder(folder, name), true);
        requested = isAbsolute(target) ? target : join(dirname(requested), target);
        continue;
      }
      if (former !== null && !former.isFile()) return writtenDirectly(inFolder(folder, name), false);
      const file = replacing(folder, name, former, mode);
      isKept = true;
      return file;
    } finally {
      for (const fd of new Set([...newFolders, folder])) if (!(isKept && fd === folder)) closeSync(fd);
    }
  }
  throw refusedPath(path, hint, 'too many symbolic links');
}

/** Folders that were made below one of the caller's belong to the caller, as it does. */
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

/** Writes a file that a user named, whole or not at all; see `openNamedFile`. */
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
