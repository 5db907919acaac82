import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { partialFile } from '../../../../../src/system/evidence/read/partial-file.js';
import { scratchFolder } from '../../../../support/scratch.js';

const dir = scratchFolder('growing');

async function textOf(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  let text = '';
  for await (const chunk of chunks) text += Buffer.from(chunk).toString('latin1');
  return text;
}

it('gives all that was written before the end, and not what nobody has told of', async () => {
  const path = join(dir, 'one');
  const file = partialFile(path);
  const reading = textOf(file.read());
  writeFileSync(path, 'abc');
  file.grown(3);
  await new Promise((resolve) => setTimeout(resolve, 10));
  appendFileSync(path, `${'d'.repeat(3 << 20)}not told`);
  file.grown(3 + (3 << 20));
  file.ended();
  expect(await reading).toBe(`abc${'d'.repeat(3 << 20)}`);
});

it('ends with the reason why nothing more comes, after what had come', async () => {
  const path = join(dir, 'two');
  writeFileSync(path, 'abc');
  const file = partialFile(path);
  const chunks = file.read();
  file.grown(3);
  expect(Buffer.from((await chunks.next()).value ?? []).toString()).toBe('abc');
  const next = chunks.next();
  file.ended(new Error('the disk is full'));
  await expect(next).rejects.toThrow('the disk is full');
  const never = partialFile(join(dir, 'three'));
  never.ended(new Error('no room'));
  await expect(textOf(never.read())).rejects.toThrow('no room');
});

it('is whole once it has ended, whatever is said later', async () => {
  const path = join(dir, 'three-later');
  writeFileSync(path, 'abc');
  const file = partialFile(path);
  file.grown(3);
  file.ended();
  file.ended(new Error('the thread is gone'));
  expect(await textOf(file.read())).toBe('abc');
});

it('does not take a file for whole that has less than was told', async () => {
  const path = join(dir, 'four');
  writeFileSync(path, 'abc');
  const file = partialFile(path);
  file.grown(5);
  file.ended();
  await expect(textOf(file.read())).rejects.toThrow('it has 3 bytes, and not 5');
});
