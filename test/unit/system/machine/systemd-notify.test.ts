import { readSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { libc } from '../../../../src/system/kernel/libc.js';
import { notifySystemd } from '../../../../src/system/machine/systemd-notify.js';
import { scratchFolder } from '../../../support/scratch.js';

const scratch = scratchFolder('notify');

/** A datagram socket as systemd listens on. */
function listener(name: Buffer): number {
  const fd = libc().socket(1, 0o2004002, 0);
  const address = Buffer.concat([Buffer.from([1, 0]), name]);
  expect(libc().bind(fd, address, address.length)).toBe(0);
  return fd;
}
function received(fd: number): string {
  const buffer = Buffer.alloc(256);
  return buffer.subarray(0, readSync(fd, buffer)).toString();
}

it('tells systemd on a socket with a path and on an abstract one', () => {
  const path = join(scratch, 'notify');
  const fds = [listener(Buffer.from(path)), listener(Buffer.from(`\0verify-isolation-test-${process.pid}`))];
  expect([
    notifySystemd('READY=1', path),
    notifySystemd('WATCHDOG=1', `@verify-isolation-test-${process.pid}`),
  ]).toEqual([true, true]);
  expect(fds.map(received)).toEqual(['READY=1', 'WATCHDOG=1']);
  for (const fd of fds) libc().close(fd);
});

it('says so where nobody listens, and where no socket was given', () => {
  expect([notifySystemd('READY=1', join(scratch, 'nobody')), notifySystemd('READY=1', undefined)]).toEqual([
    false,
    false,
  ]);
});
