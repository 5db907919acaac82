import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  type Stats,
} from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { VerifyError } from '../../../core/model/verify-error.js';
import { evidenceOwner, type Identity, isRootHere } from '../../process/identity.js';

/**
 * A folder that nobody but the effective user can enter until it is handed over. It is named by its descriptor, so that
 * the owner of a folder above it may put anything in its place: nothing is written there.
 */
export interface OwnFolder {
  /** By its descriptor, for this process and its threads. */
  readonly path: string;
  /** As it was asked for, for people and for programs that are started. */
  readonly name: string;
  /**
   * Gives it, what is in it, and the folders above it that were made for it, to the user that called sudo, alone.
   * Once.
   */
  handOver(): void;
}

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK } = constants;
/** Linux's O_PATH: a folder that may be entered, and perhaps not be read. */
const O_PATH = 0o10000000;
const othersWrite = 0o022;
const sticky = 0o1000;
/** As the kernel's (path_resolution(7)). */
const maxLinks = 40;

/** In words that a person can act upon. */
function refused(name: string, what: string): VerifyError {
  return new VerifyError(
    'out-not-own',
    64,
    `${name}: ${what}`,
    'name a folder that is not there yet, or your own, with --out, below folders that nobody else may write to',
  );
}

/** A name in an open folder: what is done by it is done there, whatever becomes of the folder's own name. */
const inside = (folder: number, name: string): string => `/proc/self/fd/${folder}/${name}`;

function statOf(path: string): Stats | null {
  try {
    return lstatSync(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
    throw error;
  }
}

/** Whether in that folder nobody else can have put a link of root's or of this user's in a place of its choice. */
function isStable({ uid, mode }: Stats, own: number): boolean {
  return (uid === 0 || uid === own) && ((mode & othersWrite) === 0 || (mode & sticky) !== 0);
}

interface Found {
  readonly fd: number;
  /** Folders that were made on the way, from above; the last may be the folder itself. */
  readonly made: readonly number[];
}

/** Where the link leads that stands for `part` in an open folder. Throws where root would follow somebody else's. */
function linkAt(name: string, folder: number, part: string, { uid }: Stats): readonly string[] {
  const own = process.geteuid?.() ?? 0;
  if (isRootHere() && ((uid !== 0 && uid !== own) || !isStable(fstatSync(folder), own)))
    throw refused(
      name,
      `${JSON.stringify(part)} on the way there is a symbolic link of user ${uid}, whose owner would choose what is written over`,
    );
  const target = readlinkSync(inside(folder, part));
  return [...(isAbsolute(target) ? ['/'] : []), ...partsOf(target)];
}

const partsOf = (path: string): readonly string[] => path.split('/').filter((part) => part !== '' && part !== '.');

/** A folder that was made just now; null = something else has taken its place. */
function openMade(path: string): number | null {
  try {
    return openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOTDIR', 'ELOOP', 'ENOENT'].includes(String(error.code)))
      return null;
    throw error;
  }
}

/** Opens the folder of that name in an open one; makes it where nothing is. Throws where somebody else does so now. */
function enterFolder(name: string, folder: number, part: string, isThere: boolean): number {
  const path = inside(folder, part);
  if (isThere) return openSync(path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
  mkdirSync(path, 0o700);
  const fd = openMade(path);
  if (fd !== null && fstatSync(fd).uid === process.geteuid?.()) return fd;
  if (fd !== null) closeSync(fd);
  throw refused(name, `${JSON.stringify(part)} was put there by somebody else just now`);
}

/**
 * Comes to a folder; makes what is not there, for the effective user alone. Root follows nobody else's links. In a user
 * namespace, where others and the machine's root look alike, and for a user there is nothing to be gained by one: the
 * folder itself is the user's own, and empty.
 */
function comeTo(name: string): Found {
  const made: number[] = [];
  let links = 0;
  let folder = openSync('/', O_PATH | O_DIRECTORY);
  let rest = partsOf(resolve(name));
  const enter = (next: number): void => {
    if (!made.includes(folder)) closeSync(folder);
    folder = next;
  };
  try {
    for (let [part] = rest; part !== undefined; [part] = rest) {
      rest = rest.slice(1);
      const there = part === '/' ? null : statOf(inside(folder, part));
      if (part === '/') enter(openSync('/', O_PATH | O_DIRECTORY));
      else if (there?.isSymbolicLink() !== true) {
        enter(enterFolder(name, folder, part, there !== null));
        if (there === null) made.push(folder);
      } else {
        links += 1;
        if (links > maxLinks) throw refused(name, 'too many symbolic links');
        if (rest.length === 0) throw refused(name, 'the evidence folder is a symbolic link');
        rest = [...linkAt(name, folder, part, there), ...rest];
      }
    }
    return { fd: folder, made };
  } catch (error) {
    for (const fd of new Set([...made, folder])) closeSync(fd);
    throw error;
  }
}

/** Everything in it first, then the folder: until then only root can enter. */
function giveTo({ uid, gid }: Identity, folder: number): void {
  for (const entry of readdirSync(`/proc/self/fd/${folder}`, { withFileTypes: true })) {
    if (!entry.isDirectory() && !entry.isFile()) continue;
    const flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | (entry.isDirectory() ? O_DIRECTORY : 0);
    const fd = openSync(inside(folder, entry.name), flags);
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

/** Makes a folder that was come to this user's alone, and sees that it is empty. */
function makeOwn(name: string, fd: number, caller: Identity | null): void {
  const [own, group] = [process.geteuid?.() ?? 0, process.getegid?.() ?? 0];
  const { uid: owner } = fstatSync(fd);
  // Before it is looked into: what others could still put there counts.
  fchmodSync(fd, 0o700);
  if (owner !== own) fchownSync(fd, own, group);
  if (readdirSync(`/proc/self/fd/${fd}`).length === 0) return;
  if (owner !== own && caller !== null) fchownSync(fd, caller.uid, caller.gid);
  throw new VerifyError(
    'out-not-empty',
    64,
    `${name}: the folder is not empty`,
    'evidence of two runs is never mixed: name another folder with --out',
  );
}

/**
 * Opens a folder for evidence, made where it is not there, for the effective user alone (0700) until it is handed over.
 * Throws VerifyError (64): `out-not-own` where it is somebody else's, or somebody else has put a symbolic link on the
 * way; `out-not-empty`; `out-not-made`.
 */
export function openOwnFolder(name: string): OwnFolder {
  const caller = evidenceOwner();
  const open: number[] = [];
  const close = (): void => {
    for (const each of new Set(open.splice(0))) closeSync(each);
  };
  try {
    const { fd: found, made } = comeTo(name);
    open.push(...made, found);
    const { uid: owner } = fstatSync(found);
    if (owner !== process.geteuid?.() && owner !== caller?.uid)
      throw refused(name, `the evidence folder belongs to user ${owner}`);
    const fd = made.includes(found) ? found : openSync(inside(found, '.'), O_RDONLY | O_DIRECTORY);
    open.push(fd);
    makeOwn(name, fd, caller);
    return {
      path: `/proc/self/fd/${fd}`,
      name,
      handOver() {
        try {
          if (caller === null || open.length === 0) return;
          giveTo(caller, fd);
          for (const each of made) if (each !== fd) fchownSync(each, caller.uid, caller.gid);
        } finally {
          close();
        }
      },
    };
  } catch (error) {
    close();
    if (error instanceof VerifyError) throw error;
    const why = error instanceof Error ? error.message.replaceAll(/\/proc\/self\/fd\/\d+\//g, '…/') : String(error);
    throw new VerifyError(
      'out-not-made',
      64,
      `${name}: the evidence folder could not be made: ${why}`,
      'name a folder that you may write to with --out',
    );
  }
}

/** What a file of it is called for people. */
export function namedIn(folder: Pick<OwnFolder, 'path' | 'name'>, path: string): string {
  return path.startsWith(folder.path) ? join(folder.name, path.slice(folder.path.length)) : path;
}

/** An error that names the folder as people do. */
export function namingFolder(folder: Pick<OwnFolder, 'path' | 'name'>, error: unknown): unknown {
  if (!(error instanceof VerifyError) || !error.message.includes(folder.path)) return error;
  return new VerifyError(error.code, error.exit, error.message.replaceAll(folder.path, folder.name), error.hint);
}
