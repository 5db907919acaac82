import { cpSync, lstatSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { isSlow } from '../../support/patient.js';
import { drawCases } from './draw.js';
import { outcomeOf } from './outcome.js';
import { further, primitives } from './primitives.js';
import { runDrawn } from './run-drawn.js';
import { runSoundHosts, soundHosts } from './sound-hosts.js';
import { brokenCases, lineOf, soundLine, soundSummary, tableOf } from './table.js';

const cases = Number(process.env['ADVERSARY_CASES'] ?? 200);
const seed = Number(process.env['ADVERSARY_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const only = process.env['ADVERSARY_ONLY'] ?? '';
/** Number of cases on a host of their own: each takes a run of the program, while ten cases in a lab share one. */
const hosts = Number(process.env['ADVERSARY_HOSTS'] ?? Math.floor(cases / 5));
/** Number of times that each sound host is examined. */
const times = Number(process.env['ADVERSARY_TIMES'] ?? 1);
/** Runs of the program at a time. */
const atOnce = isSlow ? 1 : 2;
const folder = mkdtempSync(join(tmpdir(), 'adversary-'));
/** Another kernel loses the folder when it ends: a copy of it goes here. */
const keep = process.env['ADVERSARY_KEEP'];
/** No case starts after this number of minutes, and no sound host after as many again. */
const minutes = Number(process.env['ADVERSARY_MINUTES'] ?? Number.POSITIVE_INFINITY);
const timeFromNow = (): (() => boolean) => {
  const end = Date.now() + minutes * 60_000;
  return () => Date.now() > end;
};
/** Longer than any limit of the command line, in ms. */
const long = 6 * 3_600_000;
const date = new Date().toISOString().slice(0, 10);

/** The folder also has sockets of daemons, which cannot be copied. */
const isKept = (path: string): boolean => lstatSync(path).isFile() || lstatSync(path).isDirectory();
afterAll(() => (keep === undefined ? undefined : cpSync(folder, keep, { recursive: true, filter: isKept })));

it.skipIf(cases === 0)(`asks an independent ear of leaks, seed ${seed}`, { timeout: long }, async () => {
  console.log(`${cases} cases, seed ${seed}; what each leaves: ${folder}`);
  const drawn = drawCases(cases, seed, hosts, [...further, ...primitives]).filter(({ name }) => name.includes(only));
  const outcomes = await runDrawn(drawn, folder, atOnce, (judged) => console.log(lineOf(judged)), timeFromNow());
  const table = tableOf(outcomes, { date, seed });
  writeFileSync(join(folder, 'table.md'), `${table}\n`);
  console.log(`${table}\n\nto paste: ${join(folder, 'table.md')}`);
  expect(brokenCases(outcomes)).toEqual([]);
  expect(outcomes.filter((judged) => ['false holds', 'undecided'].includes(outcomeOf(judged))).map(lineOf)).toEqual([]);
});

it.skipIf(times === 0 || (only !== '' && !only.startsWith('sound')))(
  'lets sound hosts hold',
  { timeout: long },
  async () => {
    const asked = soundHosts.filter(({ name }) => !only.startsWith('sound:') || name.includes(only.slice(6)));
    const rounds = Array.from({ length: times }, () => asked).flat();
    const answers = await runSoundHosts(rounds, folder, atOnce, (said) => console.log(soundLine(said)), timeFromNow());
    const summary = soundSummary(answers, date).join('\n');
    writeFileSync(join(folder, 'sound.md'), `${summary}\n`);
    console.log(`${summary}\n\nto paste: ${join(folder, 'sound.md')}`);
    expect(answers.filter(({ refused, verdict }) => refused === null && verdict !== 'holds')).toEqual([]);
  },
);
