// The host, its guests and the flood of guests-traffic.mjs; prints the rows as JSON. Arguments: a folder, rounds.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [scratch, rounds] = [process.argv[2], Number(process.argv[3])];
const cli = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
const floodS = 3;
/** How guests talk: as fast as they can, which takes a processor whole, and as often as ping's timer lets them. */
const paces = { flood: ['-f'], paced: ['-i', '0.001'] };
/** What goes on beside them. Frames of a run both ways, each for longer than all paces together. */
const runs = { listening: { rate: 1, count: 5 }, run: { rate: 1000, count: 4500 } };
const guests = ['g0', 'g1', 'g2', 'g3'];

const run = (...argv) => execFileSync(argv[0], argv.slice(1), { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

mkdirSync('/run/netns', { recursive: true });
run('mount', '-t', 'tmpfs', 'tmpfs', '/run/netns');
run('mount', '-t', 'sysfs', 'sysfs', '/sys');
run('ip', 'link', 'set', 'lo', 'up');
run('ip', 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0');
run('ip', 'link', 'set', 'br0', 'up');
for (const [at, name] of guests.entries()) {
  run('ip', 'netns', 'add', name);
  run(
    'ip',
    'link',
    'add',
    `p${at}`,
    'type',
    'veth',
    'peer',
    'name',
    'eth0',
    'address',
    `52:54:00:00:00:0${at}`,
    'netns',
    name,
  );
  run('ip', 'link', 'set', `p${at}`, 'master', 'br0', 'up');
  run('ip', '-n', name, 'address', 'add', `10.77.0.${at + 1}/24`, 'dev', 'eth0');
  run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
}
for (const at of [1, 2, 3]) run('ip', 'netns', 'exec', 'g0', 'ping', '-c', '1', `10.77.0.${at + 1}`);
for (const [name, { rate, count }] of Object.entries(runs)) {
  writeFileSync(
    join(scratch, `${name}.yml`),
    `version: 1
name: ${name}
topology:
  provider: host
  bridges: { br0: {} }
  endpoints: { ${guests.map((guest, at) => `${guest}: { bridge: br0, port: p${at}, mac: "52:54:00:00:00:0${at}" }`).join(', ')} }
steps: [ { name: private, probe: { class: known-unicast, from: g2, to: g3, both_ways: true, carriers: raw, count: ${count}, rate: ${rate} }, expect: private } ]
`,
  );
}

/** Answers a second, their median time and how many were lost. */
function flood(pace) {
  const child = spawn('ip', ['netns', 'exec', 'g0', 'ping', ...pace, '-q', '-w', String(floodS), '10.77.0.2'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  return new Promise((resolve) =>
    child.once('close', () => {
      const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(text);
      resolve({
        perSecond: Number(received) / floodS,
        lost: Number(sent) - Number(received),
        ms: Number(/= [\d.]+\/([\d.]+)\//.exec(text)[1]),
      });
    }),
  );
}

/** One after the other, by name. */
async function allPaces() {
  const answers = {};
  for (const [name, pace] of Object.entries(paces)) answers[name] = await flood(pace);
  return answers;
}

/** The same while two other guests talk as often as a run sends. */
async function besideGuests() {
  const others = spawn('ip', ['netns', 'exec', 'g2', 'ping', ...paces.paced, '-q', '10.77.0.4'], { stdio: 'ignore' });
  const answers = await allPaces();
  others.kill('SIGINT');
  await new Promise((resolve) => others.once('close', resolve));
  return { answers };
}

/** The same while a run listens on every port and probes. */
async function besideRun(name, round, ...options) {
  const dir = join(scratch, `${name}-${round}${options.join('')}`);
  const timed = 'TIMEFORMAT="@@ %U %S"; time "$@"';
  const child = spawn(
    'bash',
    [
      '-c',
      timed,
      'bash',
      process.execPath,
      cli,
      'run',
      join(scratch, `${name}.yml`),
      '--yes',
      '--json',
      '--verbose',
      '--out',
      dir,
      ...options,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let [text, reported] = ['', ''];
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) =>
    child.stderr.on('data', (chunk) => {
      reported += String(chunk);
      if (/: probing/.test(reported)) resolve();
    }),
  );
  const answers = await allPaces();
  const meanwhile = child.exitCode === null;
  await ended;
  if (!meanwhile) throw new Error(`the run ended before the pings: ${reported}`);
  const result = JSON.parse(text);
  const record = JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8'));
  const foreign = run('tcpdump', '-n', '-r', join(dir, 'evidence.pcapng'), 'icmp').split('\n').length - 1;
  const [, user, system] = /@@ (\S+) (\S+)/.exec(reported) ?? [];
  return {
    answers,
    processor: Number(user) + Number(system),
    verdict: result.verdict,
    dropped: result.steps[0].observers.reduce((sum, { dropped }) => sum + dropped, 0),
    kept: record.capture.packets,
    foreign,
    reasons: result.steps[0].reasons.map(({ code }) => code),
  };
}

const beside = {
  alone: async () => ({ answers: await allPaces() }),
  'beside two other guests that ping': besideGuests,
  'beside a run that listens, 1 frame a second': (round) => besideRun('listening', round),
  'beside a run, 1,000 frames a second': (round) => besideRun('run', round),
  'beside the same, traced': (round) => besideRun('run', round, '--trace', 'auto'),
};
const seen = Object.fromEntries(Object.keys(beside).map((name) => [name, []]));
for (let round = 0; round < rounds; round += 1)
  for (const [name, measure] of Object.entries(beside)) seen[name].push(await measure(round));

const ofRuns = (list) =>
  list[0].verdict === undefined
    ? {}
    : {
        'processor s': median(list.map(({ processor }) => processor)).toFixed(1),
        verdict: [...new Set(list.flatMap(({ verdict, reasons }) => [verdict, ...reasons]))].join(', '),
        dropped: Math.max(...list.map(({ dropped }) => dropped)),
        kept: median(list.map(({ kept }) => kept)),
        'of guests': Math.max(...list.map(({ foreign }) => foreign)),
      };
const row = (what, pace, list) => {
  const of = (key, runsOf = list) => runsOf.map(({ answers }) => answers[pace][key]);
  const ratio = (key) => (median(of(key)) / median(of(key, seen.alone))).toFixed(2);
  return {
    what,
    'answers/s': Math.round(median(of('perSecond'))),
    'least–most': `${Math.round(Math.min(...of('perSecond')))}–${Math.round(Math.max(...of('perSecond')))}`,
    'ms each': median(of('ms')).toFixed(3),
    lost: Math.max(...of('lost')),
    'answers / peer': ratio('perSecond'),
    'time / peer': ratio('ms'),
    ...ofRuns(list),
  };
};
process.stdout.write(
  JSON.stringify(
    Object.keys(paces).flatMap((pace) =>
      Object.entries(seen).map(([name, list]) => row(`${pace}, ${name}`, pace, list)),
    ),
  ),
);
