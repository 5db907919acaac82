import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { drawCases } from './draw.js';
import { nameOf } from './attack.js';
import { outcomeOf } from './outcome.js';
import { runDrawn } from './run-drawn.js';

const count = Number(process.env['ADVERSARY_CASES'] ?? 100);
const seed = Number(process.env['ADVERSARY_SEED'] ?? 1);
const hosts = Number(process.env['ADVERSARY_HOSTS'] ?? Math.floor(count / 5));

it('asks an independent ear', async () => {
  const only = process.env['ADVERSARY_ONLY'];
  const folder = mkdtempSync(join(tmpdir(), 'adversary-'));
  console.log(`${count} cases, seed ${seed}, in ${folder}`);
  const judged = await runDrawn(
    drawCases(count, seed, hosts).filter(({ name }) => only === undefined || name.includes(only)),
    folder,
    2,
    (one) => {
      const heard = Object.entries(one.heard).map(
        ([name, { tokens, offsets }]) => `${name} ${tokens}${tokens > 0 ? ` at ${offsets.join(',')}` : ''}`,
      );
      console.log(
        `${outcomeOf(one).padEnd(13)} ${one.verdict} [${one.reasons.join(' ')}] ${one.provider} ${nameOf(one.attack)} | ${heard.join('; ')} ${one.refused ?? ''} ${one.folder}`,
      );
    },
  );
  expect(judged).not.toEqual([]);
});
