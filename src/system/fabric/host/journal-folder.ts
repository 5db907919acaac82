import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { UndoEntry } from '../../../core/bridge/undo/entry.js';
import { parseUndoEntry } from '../../../core/bridge/undo/parse-entry.js';
import { systemCode, VerifyError } from '../../../core/model/verify-error.js';
import { fieldsOf } from '../../../core/text/json-text.js';
import { libc } from '../../kernel/libc.js';
import type { NamespacePlace } from './namespace-place.js';

/** Twice the journal of a run that changes four settings on 2,000 ports. */
export const maxJournalBytes = 4 << 20;

const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR } = constants;
/** flock(2): LOCK_EX | LOCK_NB. */
const exclusiveOrNot = 2 | 4;

/** A cleanup holds a lock for a moment. */
const [maxLooks, lookMs] = [3, 20] as const;

/** A file of the folder, locked by this process. */
export interface LockedFile {
  readonly fd: number;
  readonly text: string;
}

/** The lock holds even if a full disk rejects its text. */
function writeIfRoom(fd: number, text: string): void {
  try {
    writeSync(fd, text);
  } catch (error) {
    if (systemCode(error) !== 'ENOSPC') throw error;
  }
}

/** The journals' folder, held open against replacement, this user's alone. */
export class JournalFolder {
  readonly path: string;
  /** null = closed: the number may be another file's by now. */
  #fd: number | null;

  private constructor(path: string, fd: number) {
    this.path = path;
    this.#fd = fd;
  }

  /** null = missing. Throws VerifyError `journal-failed` (69) if not this user's alone. */
  static open(path: string): JournalFolder | null {
    return lstatSync(path, { throwIfNoEntry: false }) === undefined ? null : JournalFolder.#take(path);
  }

  static make(path: string): JournalFolder {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return JournalFolder.#take(path);
  }

  static #take(path: string): JournalFolder {
    const fd = openSync(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    const stats = fstatSync(fd);
    const why = stats.uid === process.geteuid?.() ? null : `it belongs to the user ${stats.uid}`;
    if (why !== null || (stats.mode & 0o022) !== 0) {
      closeSync(fd);
      throw refused(path, why ?? 'others may write into it');
    }
    fchmodSync(fd, 0o700); // systemd may have opened it for reading by others
    return new JournalFolder(path, fd);
  }

  close(): void {
    if (this.#fd !== null) closeSync(this.#fd);
    this.#fd = null;
  }

  names(): readonly string[] {
    return readdirSync(this.#at('.')).sort();
  }

  remove(name: string): void {
    rmSync(this.#at(name), { force: true });
  }

  /** Nameless until `publish`. */
  create(name: string): number {
    const fd = openSync(this.#at(`${name}.new`), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    libc().flock(fd, exclusiveOrNot); // no other process knows it yet
    return fd;
  }

  publish(name: string): void {
    linkSync(this.#at(`${name}.new`), this.#at(name));
    unlinkSync(this.#at(`${name}.new`));
  }

  /** Never waits. null = locked or gone, a text = why it is refused. */
  lock(name: string): LockedFile | string | null {
    const fd = this.#open(name);
    if (typeof fd !== 'number') return fd;
    const why = whyUnfit(fstatSync(fd));
    // Its run lives, or another cleanup has just undone it
    const isHeld = why === null && (libc().flock(fd, exclusiveOrNot) !== 0 || fstatSync(fd).nlink === 0);
    if (why !== null || isHeld) {
      closeSync(fd);
      return why;
    }
    const bytes = Buffer.alloc(maxJournalBytes);
    return { fd, text: bytes.toString('utf8', 0, readSync(fd, bytes, 0, maxJournalBytes, 0)) };
  }

  /** Returns the descriptor, or the present holder, which removes the file before closing it. Throws as `open`. */
  take(name: string, holder: string): number | string {
    for (let looks = 0; ; looks += 1) {
      const fd = openSync(this.#at(name), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
      const why = whyUnfit(fstatSync(fd));
      const isHeld = why === null && libc().flock(fd, exclusiveOrNot) !== 0;
      if (why === null && !isHeld && fstatSync(fd).nlink > 0) {
        ftruncateSync(fd);
        writeIfRoom(fd, holder);
        return fd;
      }
      const text = isHeld ? readFileSync(fd, 'utf8') : '';
      closeSync(fd);
      if (why !== null) throw refused(join(this.path, name), why);
      if (isHeld && looks >= maxLooks) return text;
      if (isHeld) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, lookMs);
    }
  }

  #open(name: string): number | string | null {
    try {
      return openSync(this.#at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      const code = systemCode(error) ?? String(error);
      if (code === 'ENOENT') return null;
      return code === 'ELOOP' ? 'it is a link, not a file' : `it cannot be opened: ${code}`;
    }
  }

  #at(name: string): string {
    if (this.#fd === null) throw new Error(`${this.path} is closed`);
    return join(`/proc/self/fd/${this.#fd}`, name);
  }
}

function whyUnfit(stats: Stats): string | null {
  if (!stats.isFile()) return `it is ${kindOf(stats)}, not a file`;
  if (stats.uid !== process.geteuid?.()) return `it belongs to the user ${stats.uid}`;
  if ((stats.mode & 0o077) !== 0) return `others may read or write it (mode ${(stats.mode & 0o777).toString(8)})`;
  if (stats.size > maxJournalBytes) return `it has ${stats.size} bytes, and a journal has ${maxJournalBytes} at most`;
  return null;
}

function kindOf(stats: Stats): string {
  if (stats.isDirectory()) return 'a folder';
  return stats.isFIFO() ? 'a named pipe' : 'a device';
}

function refused(path: string, why: string): VerifyError {
  return new VerifyError(
    'journal-failed',
    69,
    `no journal may be kept in ${path}: ${why}`,
    `look at what is in it; then \`rm -r ${path}\`: a run makes it again`,
  );
}

/** A journal's run and its bridges' namespace. */
export interface JournalOwner {
  readonly runId: string;
  readonly place: NamespacePlace;
}

export interface ParsedJournal {
  readonly owner: JournalOwner;
  /** Latest first. */
  readonly entries: readonly UndoEntry[];
  readonly unread: readonly number[];
}

const owner = z.strictObject({
  journal: z.literal(2),
  runId: z.string().regex(/^[\w-]{1,64}$/),
  pid: z.int(),
  place: z.strictObject({
    path: z.string().max(4096).nullable(),
    inode: z.int(),
    cookie: z.string().max(20),
    view: z.string().max(64),
    boot: z.string().max(64),
  }),
});

/** An incomplete last line was not carried out. A text = why it is no journal. */
export function parseJournal(text: string): ParsedJournal | string {
  const [first, ...rest] = text.split('\n').slice(0, -1).map(parseLine);
  if (first === undefined) return 'its first line is cut short: its run had changed nothing yet';
  const { success, data } = owner.safeParse(first);
  if (!success)
    return fieldsOf(first)?.['runId'] === undefined
      ? 'its first line does not say which run wrote it'
      : 'another version wrote it, and nothing in it is carried out';
  const lines = rest.map((line, index) => ({ entry: parseUndoEntry(line), number: index + 2 }));
  return {
    owner: { runId: data.runId, place: data.place },
    entries: lines.flatMap(({ entry }) => entry ?? []).reverse(),
    unread: lines.filter(({ entry }) => entry === null).map(({ number }) => number),
  };
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
