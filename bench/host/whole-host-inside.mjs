// In namespaces of its own: a host with guests, and `run` without a file on it. `measure` of whole-host.mjs starts it.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { phasesOf } from '../start/stack.mjs';

const cli = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
const [scratch = '/tmp', count = '3', rounds = '1', trace = 'false', talk = 'false'] = process.argv.slice(2);
const guests = Number(count);
const numbers = Array.from({ length: guests }, (_, at) => at + 1);
const mac = (n) => `52:54:00:00:${(n >> 8).toString(16).padStart(2, '0')}:${(n & 255).toString(16).padStart(2, '0')}`;
const address = (n) => `10.9.${Math.floor(n / 250)}.${(n % 250) + 1}`;
const batch = (program, lines) =>
  execFileSync(program, ['-batch', '-'], { input: lines.join('\n'), stdio: ['pipe', 'ignore', 'inherit'] });

for (const scope of ['all', 'default'])
  execFileSync('sh', ['-c', `echo 1 > /proc/sys/net/ipv6/conf/${scope}/disable_ipv6`]);
mkdirSync('/run/netns', { recursive: true });
batch('ip', [
  'link set dev lo up',
  'link add br0 type bridge forward_delay 0',
  'link set br0 up',
  ...numbers.map((n) => `netns add g${n}`),
]);
batch(
  'ip',
  numbers.flatMap((n) => [
    `link add v${n} type veth peer name eth0 address ${mac(n)} netns g${n}`,
    `link set v${n} master br0 up`,
    `neigh add ${address(n)} lladdr ${mac(n)} dev br0 nud permanent`,
  ]),
);
for (const n of numbers)
  execFileSync('ip', [
    'netns',
    'exec',
    `g${n}`,
    'sh',
    '-c',
    `echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6; ip link set eth0 up`,
  ]);
if (talk === 'true')
  for (const n of [1, 2]) execFileSync('ip', ['-n', `g${n}`, 'address', 'add', `${address(n)}/16`, 'dev', 'eth0']);
for (let tries = 0; ; tries += 1) {
  try {
    execFileSync('bridge', ['-batch', '-'], {
      input: numbers.map((n) => `fdb replace ${mac(n)} dev v${n} master dynamic`).join('\n'),
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    break;
  } catch (error) {
    if (tries > 100) throw error;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
  }
}

/** How two guests ping each other: as fast as they can, which takes a processor whole, and a thousand times a second. */
const paces = { flood: ['-f'], paced: ['-i', '0.001'] };

/** Answers a second that guest 1 gets of guest 2 until what `begin` starts is over. */
async function answersDuring(pace, begin) {
  const words = ['netns', 'exec', 'g1', 'ping', ...paces[pace], '-q', address(2)];
  const ping = spawn('ip', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  ping.stdout.on('data', (chunk) => (text += String(chunk)));
  const over = new Promise((resolve) => ping.once('close', resolve));
  const began = Date.now();
  await begin();
  const seconds = (Date.now() - began) / 1000;
  ping.kill('SIGINT');
  await over;
  return Number(/(\d+) received/.exec(text)[1]) / seconds;
}

async function runBeside() {
  const folder = mkdtempSync(join(scratch, 'whole-'));
  const run = spawn(process.execPath, runArguments(folder), { stdio: ['ignore', 'ignore', 'inherit'] });
  const status = await new Promise((resolve) => run.once('close', resolve));
  rmSync(folder, { recursive: true, force: true });
  if (status !== 0) throw new Error(`status ${status} beside guests that ping`);
}

/** By pace: the share of their answers that two guests keep beside a run, to the mean of before and after it. */
async function keptBesideRun() {
  const kept = {};
  const pause = () => new Promise((resolve) => setTimeout(resolve, 3000));
  for (const pace of Object.keys(paces)) {
    const before = await answersDuring(pace, pause);
    const during = await answersDuring(pace, runBeside);
    kept[pace] = (2 * during) / (before + (await answersDuring(pace, pause)));
  }
  return kept;
}

const runArguments = (folder) => [cli, 'run', '--yes', '--quiet', '--json', '--out', join(folder, 'out')];

/** A run on the host: where its evidence is, until when it took, and its result. Remove `folder` afterwards. */
function runHost(...words) {
  const folder = mkdtempSync(join(scratch, 'whole-'));
  const began = Date.now();
  const argv = [...runArguments(folder), ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { encoding: 'utf8', maxBuffer: 2 ** 30 });
  const ended = Date.now();
  if (status !== 0) throw new Error(`status ${status}: ${stderr}`);
  return { ...JSON.parse(stdout), folder, evidence: join(folder, 'out/evidence'), began, ended };
}

const found = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const { folder, evidence, began, ended, verdict, steps } = runHost();
  const seconds = (ended - began) / 1000;
  const ends = readFileSync(join(evidence, 'timeline.ndjson'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"event":"step-ended"'))
    .map((line) => Number(JSON.parse(line).atNs) / 1e9 - began / 1000);
  const phases = phasesOf(evidence, began, ended);
  rmSync(folder, { recursive: true, force: true });
  const traced = trace === 'true' ? runHost('--trace', 'auto') : null;
  if (traced !== null) rmSync(traced.folder, { recursive: true, force: true });
  const kept = talk === 'true' ? await keptBesideRun() : null;
  found.push({
    kept,
    first: ends[0],
    last: ends.at(-1),
    seconds,
    verdict,
    steps: steps.length,
    phases,
    traced: traced === null ? null : (traced.ended - traced.began) / 1000 / seconds,
    tracedVerdict: traced?.verdict ?? null,
  });
}
process.stdout.write(JSON.stringify(found));
