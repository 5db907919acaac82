// `node scripts/kernels.mjs`: runs each shipped scenario under this kernel and under User-mode Linux, if it boots here,
// and prints a table of scenario, kernel and verdict. Needs a build and root; takes two minutes, and seven under the
// second kernel. `--here`: this kernel alone, a line of JSON for each scenario. Exit 1 where a kernel came to another
// verdict than a scenario expects.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { join } from 'node:path';
import { top } from './second-kernel.mjs';

/** Meshes of many guests say nothing of a kernel and take long. */
const files = () =>
  readdirSync(join(top, 'scenarios'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.yml') && !name.startsWith('scale/'))
    .sort();

/** What a run came to, in the words of its report. */
function outcomeOf(file) {
  const out = mkdtempSync(join(tmpdir(), 'verify-isolation-kernels-'));
  const argv = ['dist/cli.cjs', 'run', join('scenarios', file), '--json', '--quiet', '--out', join(out, 'run')];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, {
    cwd: top,
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  rmSync(out, { recursive: true, force: true });
  if (status === 69) return { file, verdict: 'lacks', why: lackOf(stdout, stderr) };
  if (status !== 0) return { file, verdict: 'NOT AS EXPECTED', why: `exit ${status}` };
  return { file, verdict: JSON.parse(stdout).verdict === 'broken' ? 'REPRODUCED' : 'HOLDS', why: '' };
}

/** The refusal's first line without the words that all have, or the first reason of a run that began. */
function lackOf(stdout, stderr) {
  const line = stderr.split('\n').find((text) => text.includes('REFUSED'));
  const reasons = stdout.startsWith('{') ? JSON.parse(stdout).steps.flatMap((step) => step.reasons) : [];
  const text = line ?? reasons[0]?.text ?? 'no reason printed';
  return text.replace(/^REFUSED: (this kernel does not support it: )?/, '').slice(0, 160);
}

function runHere() {
  console.log(JSON.stringify({ kernel: release() }));
  for (const file of files()) console.log(JSON.stringify(outcomeOf(file)));
}

/** The lines of `--here` under a kernel, or why it does not boot. */
function under(name, script) {
  const here = [join(top, 'scripts/kernels.mjs'), '--here'];
  const argv = script === null ? here : [join(top, 'scripts', script), '--program', ...here];
  console.error(`${name} …`);
  const { stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const lines = stdout.split('\n').flatMap((line) => (/^\{"(kernel|file)"/.test(line) ? [JSON.parse(line)] : []));
  const [first, ...outcomes] = lines;
  if (outcomes.length < files().length) console.error(`${name}: ${outcomes.length} scenarios. ${stderr.slice(-400)}`);
  return outcomes.length === 0 ? [] : [{ name: `${name} ${first.kernel}`, outcomes }];
}

function tableOf(kernels) {
  const cells = (texts) => `| ${texts.join(' | ')} |`;
  const rows = files().map((file) =>
    cells([
      `\`${file.replace(/\.yml$/, '')}\``,
      ...kernels.map(({ outcomes }) => outcomes.find((of) => of.file === file)?.verdict ?? 'not run'),
    ]),
  );
  const lacks = kernels.flatMap(({ name, outcomes }) => {
    const lacking = outcomes.filter(({ why }) => why !== '');
    return [...new Set(lacking.map(({ why }) => why))].map((why) => {
      const names = lacking.filter((of) => of.why === why).map(({ file }) => file.replace(/\.yml$/, ''));
      return `- ${name}: \`${why}\` (${names.join(', ')})`;
    });
  });
  const head = ['scenario', ...kernels.map(({ name }) => name)];
  return [
    cells(head),
    cells(head.map(() => '---')),
    ...rows,
    ...(lacks.length > 0 ? ['', 'Lacks:', '', ...lacks] : []),
  ].join('\n');
}

if (process.argv.includes('--here')) runHere();
else {
  const kernels = [...under('this machine', null), ...under('User-mode Linux', 'test-uml.mjs')];
  console.log(tableOf(kernels));
  if (kernels.some(({ outcomes }) => outcomes.some(({ verdict }) => verdict === 'NOT AS EXPECTED')))
    process.exitCode = 1;
}
