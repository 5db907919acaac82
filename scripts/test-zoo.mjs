// `npm run test:zoo`: every host of test/system/zoo, sane and with each of its faults, three times, and the table of
// docs/managers.md. Arguments of vitest after `--`; ZOO_TIMES and ZOO_SEED as in the test.
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { PATH, environment, top, vitest } from './vitest-run.mjs';

process.chdir(top);
const outcomes = 'coverage/zoo';
rmSync(outcomes, { recursive: true, force: true });
const times = process.env.ZOO_TIMES ?? '3';
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--project', 'system', 'test/system/zoo/', ...process.argv.slice(2)],
  { stdio: 'inherit', env: { ...environment, PATH, ZOO_TIMES: times } },
);
const seen = readdirSync(outcomes).flatMap((file) => JSON.parse(readFileSync(`${outcomes}/${file}`, 'utf8')));
const document = 'docs/managers.md';
const [begin, end] = ['<!-- table of npm run test:zoo -->', '<!-- end of table -->'];

/** The verdicts that came, each once. */
const verdicts = (list) => [...new Set(list.map(({ verdict }) => verdict))].join(', ');
/** The middle one of the values. */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const rows = [...new Set(seen.map(({ host }) => host))].sort().map((name) => {
  const own = seen.filter(({ host }) => host === name);
  const sane = own.filter(({ fault }) => fault === null);
  const faults = [...new Set(own.flatMap(({ fault }) => fault ?? []))].map(
    (fault) => `${fault}: ${verdicts(own.filter((of) => of.fault === fault))}`,
  );
  const seconds = median(own.map((of) => of.seconds)).toFixed(0);
  const lines = median(own.map((of) => of.lines));
  return `| ${own[0].what} | ${verdicts(sane)} | ${faults.join('; ')} | ${seconds} | ${lines} |`;
});
const table = ['| host | sane | faults | seconds | lines |', '| --- | --- | --- | --- | --- |', ...rows].join('\n');
const text = readFileSync(document, 'utf8');
const [before, rest] = text.split(begin);
if (process.argv.length === 2 && rest !== undefined)
  writeFileSync(document, `${before}${begin}\n\n${table}\n\n${end}${rest.split(end)[1]}`);
else console.log(table);
process.exitCode = status ?? 70;
