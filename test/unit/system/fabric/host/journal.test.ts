import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import type { UndoEntry } from '../../../../../src/core/bridge/undo/entry.js';
import { VerifyError } from '../../../../../src/core/model/verify-error.js';
import { journalFolder, leftJournals, openJournal } from '../../../../../src/system/fabric/host/journal.js';
import { JournalFolder, maxJournalBytes } from '../../../../../src/system/fabric/host/journal-folder.js';
import { namespacePlace } from '../../../../../src/system/fabric/host/namespace-place.js';
import { takeRunLock } from '../../../../../src/system/fabric/host/run-lock.js';
import { scratchFolder } from '../../../../support/scratch.js';

const dir = scratchFolder('journals');
const folder = join(dir, 'journals');
beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const made = (number: number): UndoEntry => ({ kind: 'interface', name: `vi-${number}`, ifindex: number });
const open = (runId = 'run'): ReturnType<typeof openJournal> => openJournal(folder, { runId, netns: null });
const header = (runId: string): string => JSON.stringify({ journal: 2, runId, pid: 1, place: namespacePlace(null) });
/** What lies there, each let go at once. */
const found = (): readonly object[] =>
  [...leftJournals(folder)].map((leftJournal) => {
    if (leftJournal.kind === 'refused') return leftJournal;
    leftJournal.release();
    const { owner, entries, unread, file } = leftJournal;
    return { file, runId: owner.runId, entries, unread };
  });
const put = (name: string, text: string | Buffer, mode = 0o600): string => {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  writeFileSync(join(folder, name), text, { mode });
  return join(folder, name);
};
const thrown = (act: () => unknown): VerifyError => {
  try {
    act();
  } catch (error) {
    if (error instanceof VerifyError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('a journal', () => {
  it('has entries that are added together as if one came after the other', () => {
    const journal = open();
    journal.add(made(1), made(2));
    journal.add(made(3));
    expect(journal.entries()).toEqual([made(3), made(2), made(1)]);
    journal.release();
    expect(found()).toMatchObject([{ entries: [made(3), made(2), made(1)], unread: [] }]);
  });

  it('is on disk before add returns, for this user alone, and is removed at the end', () => {
    const journal = open();
    journal.add(made(1));
    journal.add(made(2));
    expect(journal.entries()).toEqual([made(2), made(1)]);
    expect(readdirSync(folder)).toEqual(['run.journal']);
    const [first = '', ...rest] = readFileSync(join(folder, 'run.journal'), 'utf8').split('\n');
    expect(JSON.parse(first)).toEqual({ journal: 2, runId: 'run', pid: process.pid, place: namespacePlace(null) });
    expect(rest).toEqual([JSON.stringify(made(1)), JSON.stringify(made(2)), '']);
    expect([statSync(folder).mode & 0o777, statSync(join(folder, 'run.journal')).mode & 0o777]).toEqual([0o700, 0o600]);
    journal.remove();
    journal.remove();
    journal.release();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is nobody else's as long as its run lives, and found when it does not, latest entry first", () => {
    const journal = open();
    journal.add(made(1));
    journal.add(made(2));
    expect(found()).toEqual([]);
    expect(readdirSync(folder)).toEqual(['run.journal']);
    journal.release();
    journal.remove(); // too late: it is somebody else's to clean up
    const [left] = [...leftJournals(folder)];
    if (left?.kind !== 'orphan') throw new Error('an orphan');
    expect(left.entries).toEqual([made(2), made(1)]);
    expect(found()).toEqual([]); // it is being cleaned up
    left.release();
    expect(found()).toHaveLength(1);
    let late: (() => void) | null = null;
    for (const again of leftJournals(folder)) {
      if (again.kind !== 'orphan') throw new Error('an orphan');
      again.remove();
      late = again.remove;
    }
    expect(readdirSync(folder)).toEqual([]);
    expect(() => late?.()).toThrow(`${folder} is closed`);
  });

  it('is locked for other processes too, whatever they see of this one', () => {
    const journal = open();
    const flock = (): number | null =>
      spawnSync('flock', ['--nonblock', join(folder, 'run.journal'), 'true'], { stdio: 'ignore' }).status;
    expect(flock()).toBe(1);
    journal.release();
    expect(flock()).toBe(0);
  });

  it('is not written over another of its name, nor through a link', () => {
    put('run.journal', 'mine');
    expect(thrown(open)).toMatchObject({ code: 'journal-failed', exitCode: 69 });
    expect(readFileSync(join(folder, 'run.journal'), 'utf8')).toBe('mine');
    expect(readdirSync(folder)).toEqual(['run.journal']);
    symlinkSync(join(dir, 'elsewhere'), join(folder, 'linked.journal.new'));
    expect(thrown(() => open('linked'))).toMatchObject({ code: 'journal-failed', exitCode: 69 });
    expect(existsSync(join(dir, 'elsewhere'))).toBe(false);
  });

  it('grows to what is read again, and no further: what does not fit is refused whole', () => {
    const journal = open();
    const long: UndoEntry = { kind: 'sysctl', on: null, name: 'net.x', set: 'x'.repeat(4096), was: 'y'.repeat(4096) };
    const refused = thrown(() => {
      for (;;) journal.add(long);
    });
    expect([refused.code, refused.exitCode, refused.message]).toEqual([
      'journal-failed',
      69,
      `the journal cannot be written: it would have more than ${maxJournalBytes} bytes`,
    ]);
    journal.add(made(3)); // there is still room for that
    const { length } = journal.entries();
    expect(statSync(join(folder, 'run.journal')).size).toBeLessThanOrEqual(maxJournalBytes);
    journal.release();
    expect(found()).toMatchObject([{ entries: { length }, unread: [] }]);
  });

  it('whose last line is cut short did not carry that out; another line is told by its number', () => {
    put('a.journal', `${header('a')}\n${JSON.stringify(made(1))}\n{"kind":"interf`);
    put('b.journal', `${header('b')}\n{"kind":"interf\n${JSON.stringify(made(1))}\n{}\n`);
    expect(found()).toEqual([
      { file: join(folder, 'a.journal'), runId: 'a', entries: [made(1)], unread: [] },
      { file: join(folder, 'b.journal'), runId: 'b', entries: [made(1)], unread: [2, 4] },
    ]);
  });

  it('that was never published says nothing, and is removed', () => {
    put('a.journal.new', header('a').slice(0, 20));
    expect(found()).toEqual([]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('what lies among journals', () => {
  const whyOf = (name: string): unknown => {
    const journals = [...leftJournals(folder)];
    for (const left of journals) if (left.kind === 'orphan') left.release();
    const left = journals.find(({ file }) => file === join(folder, name));
    return left?.kind === 'refused' ? left.why : left?.kind;
  };

  it('is told by its name and kind, and the others are still found', async () => {
    put('z.journal', `${header('z')}\n`);
    spawnSync('mkfifo', ['-m', '600', join(folder, 'fifo.journal')]);
    mkdirSync(join(folder, 'folder.journal'));
    symlinkSync('/etc/shadow', join(folder, 'link.journal'));
    const server = createServer().listen(join(folder, 'socket.journal'));
    await new Promise((resolve) => server.once('listening', resolve));
    put('large.journal', Buffer.alloc(maxJournalBytes + 1));
    put('full.journal', Buffer.alloc(maxJournalBytes));
    put('empty.journal', '');
    put('torn.journal', header('x').slice(0, 40));
    put('text.journal', 'hello\n');
    put('open.journal', `${header('x')}\n`);
    chmodSync(join(folder, 'open.journal'), 0o640);
    const names = ['fifo', 'folder', 'link', 'socket', 'large', 'full', 'empty', 'torn', 'text', 'open', 'z'];
    expect(Object.fromEntries(names.map((name) => [name, whyOf(`${name}.journal`)]))).toEqual({
      fifo: 'it is a named pipe, not a file',
      folder: 'it is a folder, not a file',
      link: 'it is a link, not a file',
      socket: 'it cannot be opened: ENXIO',
      large: `it has ${maxJournalBytes + 1} bytes, and a journal has ${maxJournalBytes} at most`,
      full: 'its first line is cut short: its run had changed nothing yet',
      empty: 'its first line is cut short: its run had changed nothing yet',
      torn: 'its first line is cut short: its run had changed nothing yet',
      text: 'its first line does not say which run wrote it',
      open: 'others may read or write it (mode 640)',
      z: 'orphan',
    });
    await new Promise((resolve) => server.close(resolve));
  });

  it('of another version is never carried out', () => {
    const foreign = 'another version wrote it, and nothing in it is carried out';
    const old = { runId: 'o', pid: 1, started: '1', netns: null, inode: 1 };
    const lines = (...objects: readonly object[]): string =>
      objects.map((line) => `${JSON.stringify(line)}\n`).join('');
    put('old.journal', lines(old, { command: ['ip', 'first'], gone: true }));
    expect(whyOf('old.journal')).toBe(foreign);
    put('next.journal', `${header('n').replace('"journal":2', '"journal":3')}\n`);
    expect(whyOf('next.journal')).toBe(foreign);
    put('id.journal', `${header('a b')}\n`);
    expect(whyOf('id.journal')).toBe(foreign);
  });
});

it('nothing that was looked at stays open', () => {
  const fds = (): number => readdirSync('/proc/self/fd').length;
  put('z.journal', `${header('z')}\n`);
  put('torn.journal', '');
  put('new.journal.new', '');
  mkdirSync(join(folder, 'folder.journal'));
  const live = open('live');
  const before = fds();
  found();
  expect(fds()).toBe(before);
  live.release();
  expect(fds()).toBe(before - 2);
  chmodSync(folder, 0o722);
  thrown(found);
  thrown(() => open('other'));
  expect(fds()).toBe(before - 2);
});

it('the lock of a run that was killed is taken away, and that of one that lives stays', () => {
  const own = { folder, netns: null, what: 'bridge br0' };
  const release = takeRunLock({ ...own, ifindex: 7 });
  put(`${namespacePlace(null).inode}-8.lock`, 'process 1 (killed)');
  expect(found()).toEqual([]);
  expect(readdirSync(folder)).toEqual([expect.stringMatching(/-7\.lock$/)]);
  expect(() => takeRunLock({ ...own, ifindex: 7 })).toThrow(`another run is on bridge br0: process ${process.pid}`);
  release();
  expect(readdirSync(folder)).toEqual([]);
});

it('a lock that cannot be written is no fault of the tool', () => {
  mkdirSync(folder, { mode: 0o700 });
  const path = join(folder, 'file');
  writeFileSync(path, '');
  expect(() => takeRunLock({ folder: join(path, 'below'), netns: null, ifindex: 7, what: 'bridge br0' })).toThrow(
    expect.objectContaining({ code: 'journal-failed', exitCode: 69 }),
  );
});

it('a file that is removed right then is gone, not a fault', () => {
  put('a.journal', '');
  const opened = JournalFolder.open(folder);
  expect([opened?.lock('b.journal'), opened?.lock('a.journal')]).toEqual([null, { fd: expect.any(Number), text: '' }]);
  opened?.close();
  opened?.close();
});

describe('the folder of journals', () => {
  it('is missing before the first run', () => {
    expect(found()).toEqual([]);
    expect(existsSync(folder)).toBe(false);
  });

  it('is closed to others where they could only read', () => {
    mkdirSync(folder, { mode: 0o755 });
    open().remove();
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  it.each([0o720, 0o702])('that others may write into is refused, mode %o', (mode) => {
    mkdirSync(folder);
    chmodSync(folder, mode);
    for (const act of [(): unknown => found(), open]) {
      const { code, exitCode, message, hint } = thrown(act);
      expect([code, exitCode, message]).toEqual([
        'journal-failed',
        69,
        `no journal may be kept in ${folder}: others may write into it`,
      ]);
      expect(hint).toContain(`rm -r ${folder}`);
    }
  });

  it('that is a link or a file is refused', () => {
    symlinkSync(dir, folder);
    expect(thrown(found)).toMatchObject({ code: 'journal-failed', exitCode: 69 });
    expect(thrown(open)).toMatchObject({ code: 'journal-failed', exitCode: 69 });
    rmSync(folder);
    writeFileSync(folder, '');
    expect(thrown(found)).toMatchObject({ code: 'journal-failed', exitCode: 69 });
    expect(thrown(open)).toMatchObject({ code: 'journal-failed', exitCode: 69 });
    expect(readdirSync(dir)).toEqual(['journals']);
  });

  it('is one, and no variable names another', () => {
    expect(journalFolder({})).toBe('/run/verify-isolation');
    expect(thrown(() => journalFolder({ VERIFY_ISOLATION_JOURNAL: '' }))).toMatchObject({
      code: 'journal-refused',
      exitCode: 64,
    });
  });

  it('is not followed to another place once it is open', () => {
    const journal = open();
    mkdirSync(join(dir, 'moved'), { mode: 0o700 });
    linkSync(join(folder, 'run.journal'), join(dir, 'moved', 'kept'));
    rmSync(join(dir, 'aside'), { recursive: true, force: true });
    spawnSync('mv', [folder, join(dir, 'aside')]);
    put('run.journal', 'another');
    journal.remove();
    expect(readFileSync(join(folder, 'run.journal'), 'utf8')).toBe('another');
    expect(readdirSync(join(dir, 'aside'))).toEqual([]);
  });
});
