import { closeSync, writeSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { netlinkAsker, type NetlinkAnswer } from '../../../../src/system/kernel/ask/netlink-dump.js';
import { libc } from '../../../../src/system/kernel/libc.js';
import { netlinkText } from '../../../../src/system/kernel/netlink-socket.js';
import { AF_UNIX, SOCK_CLOEXEC, SOCK_NONBLOCK } from '../../../../src/system/kernel/socket-constants.js';

const SOCK_SEQPACKET = 5;
const [error, done, link] = [2, 3, 16];
const interrupted = 0x10;
const EOPNOTSUPP = 95;

/** struct nlmsghdr and four bytes. */
function message(type: number, sequence: number, value = 0, flags = 0): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt32LE(bytes.length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  bytes.writeInt32LE(value, 16);
  return bytes;
}

it('gives names in UTF-8, until NUL', () => expect(netlinkText(Buffer.from('br-büro\0\0x', 'utf8'))).toBe('br-büro'));

describe('a question of netlink', () => {
  let [near, far] = [-1, -1];
  beforeEach(() => {
    const ends = new Int32Array(2);
    libc().socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, new Uint8Array(ends.buffer));
    [near = -1, far = -1] = ends;
  });
  afterEach(() => [near, far].forEach((fd) => closeSync(fd)));
  /** What the kernel has to say, in datagrams. */
  const says = (...datagrams: readonly (readonly Buffer[])[]): void =>
    datagrams.forEach((messages) => writeSync(far, Buffer.concat(messages)));
  const values = (answers: readonly NetlinkAnswer[] | null): readonly number[] | null =>
    answers?.map(({ bytes }) => bytes.readInt32LE(16)) ?? null;
  const dump = (asker = netlinkAsker(near), absent: readonly number[] = []): readonly number[] | null =>
    values(asker.ask(18, new Uint8Array(16), 'dump', absent));

  it('is answered by all messages until the last', () => {
    says([message(link, 1, 7), message(link, 1, 8)], [message(link, 1, 9)], [message(done, 1)]);
    expect(dump()).toEqual([7, 8, 9]);
  });

  it('takes no answer of an earlier one for its own', () => {
    const asker = netlinkAsker(near);
    says([message(link, 1, 7)]);
    expect(dump(asker)).toBeNull(); // the rest did not come in time
    says([message(link, 1, 8)], [message(done, 1)], [message(link, 2, 9), message(done, 2)]);
    expect(dump(asker)).toEqual([9]);
  });

  it('is asked again where what it lists changed meanwhile, ten times', () => {
    says([message(link, 1, 7, interrupted), message(done, 1)], [message(link, 2, 7)], [message(done, 2)]);
    expect(dump()).toEqual([7]);
    for (let sequence = 1; sequence <= 11; sequence += 1)
      says([message(link, sequence, 7), message(done, sequence, 0, interrupted)]);
    expect(dump()).toBeNull();
  });

  it('has no answer where the kernel refuses, also at the end of a list; one that it has none of is empty', () => {
    says([message(error, 1, -1)], [message(link, 2, 7)], [message(done, 2, -12)]);
    const asker = netlinkAsker(near);
    expect([dump(asker), dump(asker)]).toEqual([null, null]);
    says([message(error, 1, -EOPNOTSUPP)], [message(error, 1, -1)]);
    expect(dump(undefined, [EOPNOTSUPP])).toEqual([]);
    expect(dump(undefined, [EOPNOTSUPP])).toBeNull();
  });
});
