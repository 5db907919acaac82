import { mkdtempSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { moment, readClockSync } from '../../../../src/system/kernel/clock.js';
import { libc } from '../../../../src/system/kernel/libc.js';
import { outerUid, readWho } from '../../../../src/system/machine/read-who.js';
import { writeJournalEntry } from '../../../../src/system/machine/systemd-notify.js';

it('a user of a user namespace is named by the id that it has outside', () => {
  expect(outerUid(0, '         0       1000          1\n')).toBe(1000);
  expect(outerUid(7, '0 100000 5\n5 200000 10\n')).toBe(200_002);
  expect(outerUid(1, '0 1000 1\n')).toBe(null);
  expect(readWho({ operator: 'a', ticket: null })).toMatchObject({
    uid: process.getuid?.(),
    operator: 'a',
    ticket: null,
  });
});

it('the clock is rated by the kernel, and a moment is told on both clocks', () => {
  expect(readClockSync()?.maxErrorUs).toBeGreaterThan(0);
  const [before, after] = [moment(), moment()];
  expect(BigInt(after.monotonicNs)).toBeGreaterThan(BigInt(before.monotonicNs));
  expect(Math.abs(Date.parse(before.utc) - Date.now())).toBeLessThan(60_000);
});

it('a value in the journal is never taken for a field, and without a journal nothing is claimed', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'journal-'));
  const path = join(scratch, 'socket');
  const fd = libc().socket(1, 0o2004002, 0);
  const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(path)]);
  expect(libc().bind(fd, address, address.length)).toBe(0);
  expect(writeJournalEntry({ MESSAGE: 'one\nPRIORITY=0\u0007', PRIORITY: '5' }, path)).toBe(true);
  const bytes = Buffer.alloc(256);
  expect(bytes.subarray(0, readSync(fd, bytes)).toString()).toBe('MESSAGE=one PRIORITY=0 \nPRIORITY=5\n');
  expect(writeJournalEntry({ MESSAGE: 'x' }, join(scratch, 'nobody'))).toBe(false);
  libc().close(fd);
  rmSync(scratch, { recursive: true });
});
