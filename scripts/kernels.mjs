// `node scripts/kernels.mjs [KERNEL…] [-- SCENARIO…]`: runs shipped scenarios under kernels, and writes scenario, kernel
// and verdict into bench/KERNELS.md; what is not named keeps its cell there. KERNEL: `here`, `uml` (User-mode Linux),
// `11`, `12`, `13` (Debian's cloud kernels in QEMU); without one, all. SCENARIO: a file's name below scenarios, or its
// beginning; `doctor` for what that says of the kernel, and if its trace loads; `trace` for what a run with its trace
// finds (traced-host.mjs). Needs a build and root; takes two minutes here, seven under User-mode Linux, half an hour
// under an emulated one. `--here SCENARIO…`: this kernel alone, a line of JSON for each, which is also how another
// kernel answers. Exit 1 where a kernel came to no verdict, or to another one than a scenario expects.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { top } from './second-kernel.mjs';
import { tracedRows } from './traced-host.mjs';
import { releases } from './vm/cloud-kernel.mjs';

const page = join(top, 'bench/KERNELS.md');
const traceRow = 'trace of probes';
/** Ends of a run that no scenario expects. */
const faults = ['NOT AS EXPECTED', 'INCONCLUSIVE'];

/** By the words that choose them. */
const kernels = new Map([
  ...Object.keys(releases).map((number) => [
    number,
    { name: `Debian ${number}`, script: ['scripts/test-cloud.mjs', '--release', number, '--program'] },
  ]),
  ['uml', { name: 'User-mode Linux', script: ['scripts/test-uml.mjs', '--program'] }],
  ['here', { name: 'build machine', script: [] }],
]);

/** Meshes of many guests say nothing of a kernel and take long. */
const files = readdirSync(join(top, 'scenarios'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.yml') && !name.startsWith('scale/'))
  .map((name) => name.replace(/\.yml$/, ''))
  .sort();

function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'verify-isolation-kernels-'));
  try {
    return use(join(folder, 'run'));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function program(...words) {
  const argv = ['dist/cli.cjs', ...words];
  return spawnSync(process.execPath, argv, { cwd: top, encoding: 'utf8', maxBuffer: 2 ** 28 });
}

/** The result of a run in the words of its report. */
function outcomeOf(name) {
  const { status, stdout, stderr } = inFolder((out) =>
    program('run', join('scenarios', `${name}.yml`), '--json', '--quiet', '--out', out),
  );
  const isOver = status === 0 && stdout.startsWith('{');
  if (isOver) return { row: name, cell: JSON.parse(stdout).verdict === 'broken' ? 'REPRODUCED' : 'HOLDS', why: '' };
  return {
    row: name,
    cell: status === 69 ? 'lacks' : faults[status === 3 ? 1 : 0],
    why: lackOf(status, stdout, stderr),
  };
}

/** The refusal's first line without the words that all have, or the first reason or unmet claim of a run. */
function lackOf(status, stdout, stderr) {
  const line = stderr.split('\n').find((text) => text.includes('REFUSED'));
  const steps = stdout.startsWith('{') ? JSON.parse(stdout).steps : [];
  const reasons = steps.flatMap(({ reasons, unmet = [] }) => [
    ...reasons,
    ...unmet.map(({ claim: text }) => ({ text })),
  ]);
  const text = line ?? reasons[0]?.text ?? `exit ${status}`;
  return text.replace(/^REFUSED: (this kernel does not support it: )?/, '').slice(0, 160);
}

/** What `doctor` finds of features, and if the trace of a run was read. */
function featuresHere() {
  const { groups } = JSON.parse(program('doctor', '--json').stdout);
  const features = groups
    .filter(({ title }) => title.startsWith('kernel'))
    .flatMap(({ checks }) => checks)
    .filter(({ id }) => id !== 'br_netfilter' && id !== 'features')
    .map(({ id, text, state }) => ({
      row: `doctor: ${id}`,
      ...(state === 'ok' ? { cell: 'yes', why: '' } : { cell: 'lacks', why: text }),
    }));
  const events = inFolder((out) => {
    program('run', 'scenarios/hub-mode.yml', '--trace', 'auto', '--quiet', '--out', out);
    const lines = readFileSync(join(out, 'timeline.ndjson'), 'utf8').trim().split('\n');
    return lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'trace');
  });
  const isRead = events.some(({ state, lines }) => state === 'read' && lines > 0);
  const why = isRead ? '' : (events.find(({ state }) => state === 'absent')?.why ?? 'it noted nothing');
  return [...features, { row: traceRow, cell: isRead ? 'yes' : 'lacks', why }];
}

function chosenOf(words) {
  const chosen = (name) => words.length === 0 || words.some((word) => name.startsWith(word));
  return { doctor: chosen('doctor'), trace: chosen('trace'), scenarios: files.filter((name) => chosen(name)) };
}

async function runHere(words) {
  const { doctor, trace, scenarios } = chosenOf(words);
  const print = (line) => console.log(`\n${JSON.stringify(line)}`);
  print({ kernel: release() });
  if (doctor) for (const line of featuresHere()) print(line);
  if (trace) for (const line of await tracedRows()) print(line);
  for (const name of scenarios) print(outcomeOf(name));
}

/** Hands each line of `--here` under a kernel to `take` as it comes: `{ kernel }`, then `{ row, cell, why }`. */
async function under({ name, script }, words, take) {
  console.error(`${name} …`);
  const argv = [...script, join(top, 'scripts/kernels.mjs'), '--here', ...words];
  const child = spawn(process.execPath, argv, { cwd: top, stdio: ['ignore', 'pipe', 'inherit'] });
  let count = 0;
  for await (const line of createInterface(child.stdout)) {
    if (!/^\{"(kernel|row)"/.test(line)) continue;
    const said = JSON.parse(line);
    count += 1;
    if (said.why) console.error(`${name}: ${said.row}: ${said.cell}: ${said.why}`);
    take(said);
  }
  const wanted = chosenOf(words).scenarios.length + 1;
  if (count < wanted) console.error(`${name}: ${count} lines, expected ${wanted}`);
}

/** Tables of the page: `versions` and `cells` by row, then by kernel. */
function readPage() {
  const rows = existsSync(page)
    ? readFileSync(page, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith('| '))
        .map((line) =>
          line
            .slice(2, -2)
            .split(' | ')
            .map((cell) => cell.replaceAll('`', '')),
        )
    : [];
  const names = [...kernels.values()].map(({ name }) => name);
  return new Map(rows.map(([row, ...cells]) => [row, new Map(names.map((name, index) => [name, cells[index] ?? '']))]));
}

function writePage(cells) {
  const names = [...kernels.values()].map(({ name }) => name);
  const line = (texts) => `| ${texts.join(' | ')} |`;
  const table = (head, rows) => [line([head, ...names]), line(['---', ...names.map(() => '---')]), ...rows];
  const row = (name, shown = name) => line([shown, ...names.map((kernel) => cells.get(name)?.get(kernel) ?? '')]);
  const known = [...cells.keys()].filter((name) => !files.includes(name) && !isHead(name));
  const text = [
    '# Kernels',
    '',
    'Made by `node scripts/kernels.mjs`; [docs/kernels.md](../docs/kernels.md) explains the differences.',
    '',
    ...table('', [row('version')]),
    '',
    ...table(
      'feature',
      known.map((name) => row(name, `\`${name}\``)),
    ),
    '',
    ...table(
      'scenario',
      files.map((name) => row(name, `\`${name}\``)),
    ),
    '',
  ];
  writeFileSync(page, text.join('\n'));
}

const isHead = (name) => ['', 'version', 'feature', 'scenario', '---'].includes(name);

/** A build machine's kernel has a name of its own behind the version. */
const versionOf = (key, kernel) => (key === 'here' ? kernel.split('-')[0] : kernel);

/** Writes the page after each answer: a kernel that does not come to its end loses none. */
async function main(words) {
  const at = words.indexOf('--');
  const [names, scenarios] = at === -1 ? [words, []] : [words.slice(0, at), words.slice(at + 1)];
  const cells = readPage();
  for (const key of names.length === 0 ? [...kernels.keys()] : names)
    await under(kernels.get(key), scenarios, ({ kernel, row = 'version', cell = versionOf(key, kernel) }) => {
      if (faults.includes(cell)) process.exitCode = 1;
      cells.set(row, new Map(cells.get(row)).set(kernels.get(key).name, cell));
      writePage(cells);
    });
}

const [first, ...words] = process.argv.slice(2);
if (first === '--here') await runHere(words);
else await main(process.argv.slice(2));
