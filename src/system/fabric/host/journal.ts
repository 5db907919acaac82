import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { VerifyError } from '../../../core/model/verify-error.js';

/** Who made the changes of a journal, and where. */
export interface JournalOwner {
  readonly runId: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot (proc_pid_stat(5), field 22): a pid alone is used again. */
  readonly started: string;
  /** The namespace of the bridges: its path (null = the host's) and its inode, since names are used again. */
  readonly netns: string | null;
  readonly inode: number;
}

/** One thing to undo. `gone`: that the command fails because the thing is no more is as good. */
export interface Undo {
  readonly command: readonly string[];
  readonly gone: boolean;
}

/** What a run has to undo, on disk before it is done. */
export interface Journal {
  /** Writes one undo down and waits for the disk. Call it before the change. */
  add(undo: Undo): void;
  /** Latest first. */
  undos(): readonly Undo[];
  /** All is undone. */
  remove(): void;
}

export interface FoundJournal {
  readonly file: string;
  readonly owner: JournalOwner;
  /** Latest first. */
  readonly undos: readonly Undo[];
}

/** Gone after a reboot, as the changes are. */
export function journalFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env['VERIFY_ISOLATION_JOURNAL'] ?? '/run/verify-isolation';
}

export function openJournal(folder: string, owner: JournalOwner): Journal {
  const file = join(folder, `${owner.runId}.journal`);
  let fd: number;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    fd = openSync(file, 'ax', 0o600);
  } catch (error) {
    throw new VerifyError(
      'journal-failed',
      69,
      `the journal cannot be written: ${error instanceof Error ? error.message : String(error)}`,
      'a run on a host takes root',
    );
  }
  const undos: Undo[] = [];
  const write = (line: unknown): void => {
    writeSync(fd, `${JSON.stringify(line)}\n`);
    fsyncSync(fd);
  };
  write(owner);
  return {
    add(undo) {
      write(undo);
      undos.unshift(undo);
    },
    undos: () => undos,
    remove() {
      closeSync(fd);
      rmSync(file, { force: true });
    },
  };
}

/**
 * Journals whose runs have ended without undoing: killed. A line cut short by the end is not one that was carried out.
 */
export function orphanedJournals(folder: string): readonly FoundJournal[] {
  return journalFiles(folder).flatMap((file) => {
    const [first, ...rest] = readFileSync(file, 'utf8').split('\n').slice(0, -1).flatMap(parseLine);
    const owner = readOwner(first);
    if (owner === null) return [];
    return startOf(owner.pid) === owner.started
      ? []
      : [{ file, owner, undos: rest.flatMap((line) => readUndo(line) ?? []).reverse() }];
  });
}

function journalFiles(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.journal'))
      .map((name) => join(folder, name));
  } catch {
    return []; // there never was one
  }
}

/** When a process started; null = there is none of that id. */
export function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null; // field 22; the name before it may hold blanks
  } catch {
    return null;
  }
}

/** Inode of a network namespace; null = the caller's. 0 = there is none. */
export function namespaceInode(path: string | null): number {
  try {
    return statSync(path ?? '/proc/thread-self/ns/net').ino;
  } catch {
    return 0;
  }
}

function parseLine(line: string): readonly ReadonlyMap<string, unknown>[] {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? [new Map<string, unknown>(Object.entries(value))] : [];
  } catch {
    return [];
  }
}

function readOwner(line: ReadonlyMap<string, unknown> | undefined): JournalOwner | null {
  const [runId, pid, started, netns, inode] = ['runId', 'pid', 'started', 'netns', 'inode'].map((key) =>
    line?.get(key),
  );
  if (typeof runId !== 'string' || typeof pid !== 'number' || typeof started !== 'string' || typeof inode !== 'number')
    return null;
  return { runId, pid, started, netns: typeof netns === 'string' ? netns : null, inode };
}

function readUndo(line: ReadonlyMap<string, unknown>): Undo | null {
  const command = line.get('command');
  if (!Array.isArray(command) || !command.every((word): word is string => typeof word === 'string')) return null;
  return { command, gone: line.get('gone') === true };
}
