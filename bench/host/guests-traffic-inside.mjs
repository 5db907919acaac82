// The host, its guests and the flood of guests-traffic.mjs; prints the rows as JSON. Arguments: a folder, rounds.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const [scratch, rounds] = [process.argv[2], Number(process.argv[3])];
const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const floodS = 3;
/** How guests talk: as fast as they can, which takes a processor whole, and 1,000 requests a second. */
const paces = { flood: ['-f'], '1,000 a second': ['-i', '0.001'] };
/** Longer than both together, at 1,000 frames a second. */
const count = 4000;
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
  run('ip', 'link', 'add', `p${at}`, 'type', 'veth', 'peer', 'name', 'eth0', 'address', `52:54:00:00:00:0${at}`, 'netns', name);
  run('ip', 'link', 'set', `p${at}`, 'master', 'br0', 'up');
  run('ip', '-n', name, 'address', 'add', `10.77.0.${at + 1}/24`, 'dev', 'eth0');
  run('ip', '-n', name, 'link', 'set', 'eth0', 'up');
}
for (const at of [1, 2, 3]) run('ip', 'netns', 'exec', 'g0', 'ping', '-c', '1', `10.77.0.${at + 1}`);
writeFileSync(join(scratch, 'host.yml'), `version: 1
name: busy
topology:
  provider: host
  bridges: { br0: {} }
  endpoints: { ${guests.map((name, at) => `${name}: { bridge: br0, port: p${at}, mac: "52:54:00:00:00:0${at}" }`).join(', ')} }
steps: [ { name: private, probe: { class: known-unicast, from: g2, to: g3, both_ways: true, carriers: raw, count: ${count} }, expect: private } ]
`);

/** Answers a second, their median time and how many were lost. */
function flood(pace) {
  const child = spawn('ip', ['netns', 'exec', 'g0', 'ping', ...pace, '-q', '-w', String(floodS), '10.77.0.2'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  return new Promise((resolve) => child.once('close', () => {
    const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(text);
    resolve({ perSecond: Number(received) / floodS, lost: Number(sent) - Number(received), ms: Number(/= [\d.]+\/([\d.]+)\//.exec(text)[1]) });
  }));
}

/** One after the other, by name. */
async function allPaces() {
  const answers = {};
  for (const [name, pace] of Object.entries(paces)) answers[name] = await flood(pace);
  return answers;
}

/** The same while a run probes. */
async function beside(round) {
  const dir = join(scratch, `run-${round}`);
  const child = spawn(process.execPath, [cli, 'run', join(scratch, 'host.yml'), '--yes', '--json', '--verbose', '--out', dir], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [text, told] = ['', ''];
  child.stdout.on('data', (chunk) => (text += String(chunk)));
  const ended = new Promise((resolve) => child.once('close', resolve));
  await new Promise((resolve) => child.stderr.on('data', (chunk) => {
    told += String(chunk);
    if (/: probing/.test(told)) resolve();
  }));
  const answers = await allPaces();
  await ended;
  const result = JSON.parse(text);
  const record = JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8'));
  const foreign = run('tcpdump', '-n', '-r', join(dir, 'evidence.pcapng'), 'icmp').split('\n').length - 1;
  return { answers, verdict: result.verdict, dropped: result.steps[0].observers.reduce((sum, { dropped }) => sum + dropped, 0), kept: record.capture.packets, foreign, reasons: result.steps[0].reasons.map(({ code }) => code) };
}

const [alone, both] = [[], []];
for (let round = 0; round < rounds; round += 1) {
  alone.push(await allPaces());
  both.push(await beside(round));
}
const row = (what, list, peer, more) => ({
  what, 'answers/s': Math.round(median(list.map(({ perSecond }) => perSecond))), 'ms each': median(list.map(({ ms }) => ms)).toFixed(3), lost: Math.max(...list.map(({ lost }) => lost)),
  'answers / peer': (median(list.map(({ perSecond }) => perSecond)) / median(peer.map(({ perSecond }) => perSecond))).toFixed(2),
  'time / peer': (median(list.map(({ ms }) => ms)) / median(peer.map(({ ms }) => ms))).toFixed(2), ...more,
});
const ofRuns = {
  verdict: [...new Set(both.flatMap(({ verdict, reasons }) => [verdict, ...reasons]))].join(', '), dropped: Math.max(...both.map(({ dropped }) => dropped)), kept: median(both.map(({ kept }) => kept)), 'of guests': Math.max(...both.map(({ foreign }) => foreign)),
};
process.stdout.write(JSON.stringify(Object.keys(paces).flatMap((name) => {
  const peer = alone.map((answers) => answers[name]);
  return [row(`${name}, alone`, peer, peer, {}), row(`${name}, beside a run`, both.map(({ answers }) => answers[name]), peer, ofRuns)];
})));
