import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { drawCases } from './draw.js';
import { outcomeOf } from './outcome.js';
import { runDrawn } from './run-drawn.js';
import { runSoundHosts, soundHosts } from './sound-hosts.js';
import { brokenCases, lineOf, tableOf } from './table.js';

const cases = Number(process.env['ADVERSARY_CASES'] ?? 200);
const seed = Number(process.env['ADVERSARY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const only = process.env['ADVERSARY_ONLY'] ?? '';
const folder = mkdtempSync(join(tmpdir(), 'adversary-'));
const date = new Date().toISOString().slice(0, 10);

it.skipIf(cases === 0)(`asks an independent ear of leaks, seed ${seed}`, async () => {
  console.log(`${cases} cases, seed ${seed}; what each leaves: ${folder}`);
  const drawn = drawCases(cases, seed, Math.floor(cases / 5)).filter(({ name }) => name.includes(only));
  const all = await runDrawn(drawn, folder, 2, (judged) => console.log(lineOf(judged)));
  const table = tableOf(all, { date, seed });
  writeFileSync(join(folder, 'table.md'), `${table}\n`);
  console.log(`${table}\n\nto paste: ${join(folder, 'table.md')}`);
  expect(brokenCases(all)).toEqual([]);
  expect(all.filter((judged) => ['false holds', 'undecided'].includes(outcomeOf(judged))).map(lineOf)).toEqual([]);
});

it.skipIf(only !== '' && !only.startsWith('sound'))('lets sound hosts hold', async () => {
  const hosts = soundHosts.filter(({ name }) => !only.startsWith('sound:') || name.includes(only.slice(6)));
  const all = await runSoundHosts(hosts, folder, 2, ({ name, verdict, reasons, refused }) =>
    console.log(
      `${verdict ?? 'not available'}: ${name}${reasons.length > 0 ? `; ${reasons.join('; ')}` : ''}${refused === null ? '' : `; ${refused}`}`,
    ),
  );
  const there = all.filter(({ refused }) => refused === null);
  console.log(
    `${there.filter(({ verdict }) => verdict === 'holds').length} of ${there.length} sound hosts hold, ${all.length - there.length} not available here`,
  );
  expect(there.filter(({ verdict }) => verdict !== 'holds')).toEqual([]);
});
