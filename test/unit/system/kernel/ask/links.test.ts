import { expect, it } from 'vitest';
import { linkReader } from '../../../../../src/system/kernel/ask/links.js';
import type { NetlinkAsker } from '../../../../../src/system/kernel/ask/netlink-dump.js';

const [name, counters, queue] = [3, 23, 13];

function attribute(type: number, value: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(4 + value.length, 0);
  header.writeUInt16LE(type, 2);
  return Buffer.concat([header, value, Buffer.alloc(-value.length & 3)]);
}

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

/** RTM_NEWLINK of a device; `sequence` is the header's. */
function newLink(ifindex: number, sequence: number, received: number, length: number): { type: number; bytes: Buffer } {
  const head = Buffer.alloc(32);
  head.writeUInt32LE(sequence, 8);
  head.writeInt32LE(ifindex, 20);
  const attributes = [
    attribute(counters, Buffer.concat([number(received), number(0), number(7)])),
    attribute(name, Buffer.from(`p${ifindex}\0`)),
    attribute(queue, number(length)),
  ];
  return { type: 16, bytes: Buffer.concat([head, ...attributes]) };
}

function askerOf(...answers: readonly ReturnType<NetlinkAsker['ask']>[]): NetlinkAsker {
  const remaining = [...answers];
  return { fd: -1, ask: () => remaining.shift() ?? null, close: () => undefined };
}

it('takes a link apart once, whatever its counters and the number of the question are, and again when it changed', () => {
  const asker = askerOf(
    [newLink(1, 1, 5, 1000), newLink(2, 1, 5, 1000)],
    [newLink(2, 2, 9, 1000), newLink(1, 2, 9, 500)],
    [newLink(3, 3, 0, 1000)],
    [newLink(1, 4, 9, 500)],
  );
  const read = linkReader();
  const [first, second] = read(asker) ?? [];
  expect(first).toMatchObject({ name: 'p1', ifindex: 1, queue: 1000, received: null });
  const [sameSecond, otherFirst] = read(asker) ?? [];
  expect(sameSecond).toBe(second);
  expect(otherFirst).toEqual({ ...first, queue: 500 });
  expect(read(asker)?.map((link) => link.name)).toEqual(['p3']);
  const [again] = read(asker) ?? [];
  expect(again).not.toBe(otherFirst);
  expect(again).toEqual(otherFirst);
  expect(read(asker)).toBeNull();
});
