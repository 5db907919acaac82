// Captures to read, of a gigabyte each. What is in them is invented: addresses of the documentation, payload from a
// generator with a fixed seed.
import { closeSync, openSync, writeSync } from 'node:fs';

export const gigabyte = 2 ** 30;
const start = 1_764_000_000;
const chunk = 4 << 20;

/** `length` bytes that repeat late and look like nothing. */
function noise(length) {
  const bytes = Buffer.alloc(length);
  let state = 1;
  for (let at = 0; at < length; at += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[at] = state >>> 24;
  }
  return bytes;
}

/** Frames in a row of two hosts that talk over TCP, `size` bytes each, one direction and the other. */
export function talk(size, count) {
  const frames = noise(size * count);
  for (let i = 0; i < count; i += 1) {
    const at = i * size;
    const [to, from, fromIp, toIp, ports] =
      i % 2 === 0
        ? ['001122334455', '5254008520d1', 'c0000201', 'c0000202', '9c400050']
        : ['5254008520d1', '001122334455', 'c0000202', 'c0000201', '00509c40'];
    frames.write(`${to}${from}0800`, at, 'hex');
    frames.write(
      `4500${(size - 14).toString(16).padStart(4, '0')}00004000400600${'00'}${fromIp}${toIp}${ports}`,
      at + 14,
      'hex',
    );
    frames.write('5018', at + 46, 'hex'); // header of 20 bytes; ACK, PSH
  }
  return frames;
}

/** A classic capture in µs, of frames of `size` bytes. Returns how many frames. */
export function writeClassic(path, size, total = gigabyte) {
  const count = Math.floor(chunk / (16 + size) / 2) * 2;
  const frames = talk(size, count);
  const records = Buffer.alloc(count * (16 + size));
  const head = Buffer.alloc(24);
  head.writeUInt32LE(0xa1b2c3d4, 0);
  head.writeUInt16LE(2, 4);
  head.writeUInt16LE(4, 6);
  head.writeUInt32LE(262_144, 16);
  head.writeUInt32LE(1, 20);
  const fd = openSync(path, 'w');
  writeSync(fd, head);
  let frame = 0;
  for (let done = 0; done < total; done += records.length) {
    for (let i = 0; i < count; i += 1, frame += 1) {
      const at = i * (16 + size);
      records.writeUInt32LE(start + Math.floor(frame / 100_000), at);
      records.writeUInt32LE((frame % 100_000) * 10, at + 4);
      records.writeUInt32LE(size, at + 8);
      records.writeUInt32LE(size, at + 12);
      if (done === 0) frames.copy(records, at + 16, i * size, (i + 1) * size);
    }
    writeSync(fd, records);
  }
  closeSync(fd);
  return frame;
}
