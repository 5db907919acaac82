// In namespaces of its own: a host with three guests, and small runs on it and in a lab by two builds of the program, in
// turn. `measure` of small-runs.mjs starts it.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { median, spread } from '../frame/median.mjs';

const [scratch = '/tmp', rounds = '15', ...builds] = process.argv.slice(2);
const guests = [1, 2, 3].map((n) => ({ port: `v${n}`, mac: `52:54:00:00:00:0${n}`, ip: `10.9.0.${n}` }));
const run = (line) => execFileSync('sh', ['-c', line], { stdio: ['ignore', 'ignore', 'inherit'] });

function makeHost() {
  for (const scope of ['all', 'default']) run(`echo 1 > /proc/sys/net/ipv6/conf/${scope}/disable_ipv6`);
  mkdirSync('/run/netns', { recursive: true });
  run('ip link set lo up; ip link add br0 type bridge forward_delay 0 ageing_time 100000; ip link set br0 up');
  for (const { port, mac, ip } of guests) {
    run(`ip netns add ${port}`);
    run(`ip link add ${port} type veth peer name eth0 address ${mac} netns ${port}; ip link set ${port} master br0 up`);
    run(`ip -n ${port} link set eth0 up; ip -n ${port} address add ${ip}/24 dev eth0`);
  }
  for (const { port } of guests.slice(0, 2)) run(`ip netns exec ${port} ping -c 1 -w 10 ${guests[2].ip}`);
}

const endpoint = ({ port, mac, ip }, more = '') =>
  `    ${port}: { bridge: br0, port: ${port}, mac: "${mac}", ip: ${ip}/24${more} }\n`;
const hostScenario = `version: 1
name: small-host
topology:
  provider: host
  bridges: { br0: {} }
  endpoints:
${endpoint(guests[0])}${endpoint(guests[1])}${endpoint(guests[2], ', role: uplink')}steps:
  - { name: s, probe: { class: known-unicast, from: v1, to: v3, count: 300, both_ways: true }, expect: private }
`;

/** One run: its seconds from start to exit, and processor seconds of all that it started and waited for. */
function timed(build, file) {
  const out = join(scratch, 'evidence');
  rmSync(out, { recursive: true, force: true });
  const argv = [process.execPath, join(build, 'dist/cli.cjs'), 'run', file, '--yes', '--quiet', '--out', out];
  const script = 'TIMEFORMAT="@@ %R %U %S"; time "$@" > /dev/null';
  const { stderr, status } = spawnSync('bash', ['-c', script, 'bash', ...argv], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C' },
  });
  if (status !== 0) throw new Error(`${argv.join(' ')}: exit status ${status}: ${stderr}`);
  const [, real, user, system] = /@@ (\S+) (\S+) (\S+)/.exec(stderr) ?? [];
  return { real: Number(real), cpu: Number(user) + Number(system) };
}

makeHost();
const file = join(scratch, 'small-host.yml');
writeFileSync(file, hostScenario);
const cases = [
  ['lab', join(builds[1], 'scenarios/switch-mode.yml')],
  ['host', file],
];
const rows = cases.flatMap(([what, scenario]) => {
  const found = builds.map(() => []);
  for (let round = 0; round <= Number(rounds); round += 1)
    for (const at of round % 2 === 0 ? [0, 1] : [1, 0]) {
      const figures = timed(builds[at], scenario);
      if (round > 0) found[at].push(figures); // round 0 warms caches
    }
  const [peers, own] = found;
  const ratios = (key) => own.map((figures, round) => figures[key] / peers[round][key]);
  return [
    ['peer', peers],
    ['this build', own],
  ].map(([name, figures]) => ({
    what: `${what}, ${name}`,
    seconds: median(figures.map(({ real }) => real)).toFixed(2),
    'least–most': spread(figures.map(({ real }) => real)),
    'processor s': median(figures.map(({ cpu }) => cpu)).toFixed(2),
    ' least–most': spread(figures.map(({ cpu }) => cpu)),
    'time / peer': name === 'peer' ? '1.00' : median(ratios('real')).toFixed(2),
    'processor / peer': name === 'peer' ? '1.00' : median(ratios('cpu')).toFixed(2),
  }));
});
process.stdout.write(JSON.stringify(rows));
