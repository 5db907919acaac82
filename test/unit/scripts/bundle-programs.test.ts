import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import stringWidth from 'string-width';
import { expect, it } from 'vitest';
import { bundlePrograms } from '../../../scripts/bundle-programs.mjs';
import { scratchFolder } from '../../support/scratch.js';

const dir = scratchFolder('bundled');

it('string-width measures in a bundle as it does, and reads no tables of ICU before it has to', async () => {
  await bundlePrograms(dir, { width: createRequire(import.meta.url).resolve('string-width') });
  const texts = ['', 'plain', 'ä', '日本', '👩‍👩‍👧', '\u001b[1mbold\u001b[0m', 'e\u0301', '1️⃣'];
  const script = `
    const made = [];
    const { Segmenter } = Intl;
    Intl.Segmenter = class extends Segmenter { constructor(...words) { super(...words); made.push(1); } };
    const width = require(${JSON.stringify(join(dir, 'width.cjs'))});
    width('plain');
    const before = made.length;
    console.log(JSON.stringify([before, ${JSON.stringify(texts)}.map((text) => width(text)), made.length]));`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' });
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual([0, texts.map((text) => stringWidth(text)), 1]);
});
