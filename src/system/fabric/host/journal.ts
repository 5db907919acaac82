import { closeSync, fsyncSync, ftruncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { UndoEntry } from '../../../core/bridge/undo/entry.js';
import { VerifyError, messageOf } from '../../../core/model/verify-error.js';
import {
  JournalFolder,
  type JournalOwner,
  maxJournalBytes,
  type ParsedJournal,
  parseJournal,
} from './journal-folder.js';
import { namespacePlace } from './namespace-place.js';

/** Changes to undo, on disk before they are made. The file stays locked while the run lives. */
export interface Journal {
  /** Call it before the changes. Waits for the disk. Throws VerifyError `journal-failed` (69). */
  add(...entries: readonly UndoEntry[]): void;
  entries(): readonly UndoEntry[];
  /** Call it after everything is undone. */
  remove(): void;
  /** Keeps the file for `cleanup`. */
  release(): void;
}

/** An ended run's journal, locked until `remove` or `release`. Call one before the next. */
export interface OrphanedJournal extends ParsedJournal {
  readonly kind: 'orphan';
  readonly file: string;
  remove(): void;
  release(): void;
}

/** A file that is no journal of this version. */
export interface RefusedJournal {
  readonly kind: 'refused';
  readonly file: string;
  readonly why: string;
}

/**
 * Cleared by a reboot as the kernel's changes are. Throws VerifyError (64) if the environment names another: root would
 * read users' journals.
 */
export function journalFolder(env: NodeJS.ProcessEnv = process.env): string {
  if (env['VERIFY_ISOLATION_JOURNAL'] !== undefined)
    throw new VerifyError(
      'journal-refused',
      64,
      'VERIFY_ISOLATION_JOURNAL is set: journals are kept in /run/verify-isolation and nowhere else',
      'unset it; for another folder mount one there (`unshare --mount`)',
    );
  return '/run/verify-isolation';
}

/** Starts a run's journal. Throws VerifyError `journal-failed` (69): another user's folder, a full disk. */
export function openJournal(
  path: string,
  { runId, netns }: { readonly runId: string; readonly netns: string | null },
): Journal {
  const name = `${runId}.journal`;
  let folder: JournalFolder | null = null;
  let fd: number | null = null;
  try {
    folder = JournalFolder.make(path);
    fd = folder.create(name);
    const owner: JournalOwner & { readonly journal: 2; readonly pid: number } = {
      journal: 2,
      runId,
      pid: process.pid,
      place: namespacePlace(netns),
    };
    const length = writeLines(fd, 0, [owner]);
    folder.publish(name);
    return new OpenJournal(folder, name, fd, length);
  } catch (error) {
    if (fd !== null) {
      closeSync(fd);
      folder?.remove(`${name}.new`);
    }
    folder?.close();
    throw error instanceof VerifyError ? error : journalUnwritable(error);
  }
}

class OpenJournal implements Journal {
  readonly #folder: JournalFolder;
  readonly #name: string;
  readonly #fd: number;
  readonly #entries: UndoEntry[] = [];
  #length: number;
  #isOpen = true;

  constructor(folder: JournalFolder, name: string, fd: number, length: number) {
    this.#folder = folder;
    this.#name = name;
    this.#fd = fd;
    this.#length = length;
  }

  add(...entries: readonly UndoEntry[]): void {
    try {
      this.#length = writeLines(this.#fd, this.#length, entries);
    } catch (error) {
      ftruncateSync(this.#fd, this.#length); // else the next line would follow half of this one
      throw journalUnwritable(error);
    }
    this.#entries.unshift(...[...entries].reverse());
  }

  entries(): readonly UndoEntry[] {
    return this.#entries;
  }

  remove(): void {
    if (this.#isOpen) this.#folder.remove(this.#name);
    this.release();
  }

  release(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.#fd);
    this.#folder.close();
  }
}

function writeLines(fd: number, at: number, lines: readonly unknown[]): number {
  const bytes = Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  if (at + bytes.length > maxJournalBytes) throw new Error(`it would have more than ${maxJournalBytes} bytes`);
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, bytes.length - written, at + written);
  fsyncSync(fd);
  return at + bytes.length;
}

/** The error of an unwritable journal or run lock. */
export function journalUnwritable(error: unknown): VerifyError {
  return new VerifyError(
    'journal-failed',
    69,
    `the journal cannot be written: ${messageOf(error)}`,
    'without it nothing is changed; a run on a host takes root, and room in /run/verify-isolation',
  );
}

/** Journals without a living run, and other files. Throws as `JournalFolder.open`. */
export function* leftJournals(path: string): Generator<OrphanedJournal | RefusedJournal> {
  const folder = openOrRefuse(path);
  if (folder === null) return;
  try {
    for (const name of folder.names()) {
      const file = join(path, name);
      const lock = folder.lock(name);
      if (lock === null) continue; // its run lives
      if (typeof lock === 'string') {
        yield { kind: 'refused', file, why: lock };
        continue;
      }
      if (name.endsWith('.new') || name.endsWith('.lock')) {
        folder.remove(name); // nothing is done before it has its name; the run of a lock has ended
        closeSync(lock.fd);
        continue;
      }
      const parsed = parseJournal(lock.text);
      if (typeof parsed === 'string') {
        closeSync(lock.fd);
        yield { kind: 'refused', file, why: parsed };
        continue;
      }
      yield {
        kind: 'orphan',
        file,
        ...parsed,
        release: () => closeSync(lock.fd),
        remove: () => {
          folder.remove(name);
          closeSync(lock.fd);
        },
      };
    }
  } finally {
    folder.close();
  }
}

function openOrRefuse(path: string): JournalFolder | null {
  try {
    return JournalFolder.open(path);
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    throw new VerifyError(
      'journal-failed',
      69,
      `the journals in ${path} cannot be read: ${messageOf(error)}`,
      'it has to be a folder of this user; look at what is there',
    );
  }
}
