// In namespaces of its own: hosts on one underlay, each with an sshd, three guests and a bridge that VXLAN joins with the
// others, and a run from the first of them over all. `measure` of growth-hosts.mjs starts it.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { median } from '../frame/median.mjs';
import { runTree } from '../frame/tree.mjs';

const cli = fileURLToPath(new URL('../../dist/cli.cjs', import.meta.url));
const [scratch = '/tmp', count = '2', rounds = '1'] = process.argv.slice(2);
const numbers = Array.from({ length: Number(count) }, (_, at) => at + 1);
/** Guests of a host. */
const perHost = [1, 2, 3];
const guests = numbers.flatMap((host) => perHost.map((guest) => ({ host, guest })));
const path = `${join(scratch, 'bin')}:${dirname(process.execPath)}:${process.env.PATH}:/usr/sbin:/sbin`;
const run = (argv, input = '') =>
  execFileSync(argv[0], argv.slice(1), {
    input,
    stdio: ['pipe', 'ignore', 'inherit'],
    env: { ...process.env, PATH: path },
  });
const batch = (program, netns, lines) =>
  run([program, ...(netns === null ? [] : ['-n', netns]), '-batch', '-'], lines.join('\n'));
const underlay = (host) => `10.99.0.${host}`;
const mac = ({ host, guest }) => `02:76:69:00:0${guest}:${host.toString(16).padStart(2, '0')}`;
const ip = ({ host, guest }) => `10.1.${guest}.${host}`;
const quiet = 'for s in all default; do echo 1 > /proc/sys/net/ipv6/conf/$s/disable_ipv6; done';

function makeHost(host) {
  const name = `h${host}`;
  run(['ip', 'netns', 'exec', name, 'sh', '-c', quiet]);
  batch('ip', null, [`link add ${name} type veth peer name u0 netns ${name}`, `link set ${name} master switch up`]);
  batch('ip', name, [
    'link set lo up',
    `address add ${underlay(host)}/24 dev u0`,
    'link set u0 up',
    'link add br0 type bridge forward_delay 0',
    `link add vx0 type vxlan id 100 dstport 4789 local ${underlay(host)}`,
    'link set vx0 master br0 up',
    'link set br0 up',
  ]);
  const others = numbers.filter((other) => other !== host);
  batch(
    'bridge',
    name,
    others.map((other) => `fdb append 00:00:00:00:00:00 dev vx0 dst ${underlay(other)}`),
  );
  for (const guest of perHost) {
    const space = `g${guest}${name}`;
    run(['ip', 'netns', 'exec', space, 'sh', '-c', quiet]);
    batch('ip', name, [
      `link add v${guest} type veth peer name eth0 address ${mac({ host, guest })} netns ${space}`,
      `link set v${guest} master br0 up`,
    ]);
    batch('ip', space, ['link set eth0 mtu 1400 up', `address add ${ip({ host, guest })}/16 dev eth0`]);
  }
}

function startSshd(host) {
  const config = join(scratch, `sshd-${host}`);
  const lines = [
    `ListenAddress ${underlay(host)}`,
    `HostKey ${join(scratch, 'key')}`,
    `AuthorizedKeysFile ${join(scratch, 'id.pub')}`,
    'StrictModes no\nUsePAM no\nPermitRootLogin prohibit-password\nPasswordAuthentication no\nPidFile none',
    `SetEnv PATH=${path}`,
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  spawn('ip', ['netns', 'exec', `h${host}`, '/usr/sbin/sshd', '-D', '-f', config], { stdio: 'ignore' });
}

/** Every guest speaks to the next, so that all bridges know it. */
const learn = () =>
  guests.forEach(({ host, guest }, at) => {
    const next = guests[(at + 1) % guests.length];
    run(['ip', 'netns', 'exec', `g${guest}h${host}`, 'ping', '-q', '-c', '1', '-w', '10', ip(next)]);
  });

const place = (host) => (host === 1 ? '' : ` host: h${host},`);
const scenario = () => `version: 1
name: hosts-${count}
topology:
  provider: host
${
  numbers.length === 1
    ? ''
    : `  hosts: { ${numbers
        .slice(1)
        .map((host) => `h${host}: { ssh: h${host} }`)
        .join(', ')} }\n`
}  bridges: { br0: {} }
  endpoints:
${guests.map((each) => `    g${each.guest}-${each.host}: { bridge: br0,${place(each.host)} port: v${each.guest}, mac: "${mac(each)}" }\n`).join('')}${numbers.map((host) => `    t-${host}: { bridge: br0,${place(host)} port: vx0, tunnel: {} }\n`).join('')}steps:
  - name: the guests of the first host to each other
    probe: [ { class: known-unicast, from: g1-1, to: g2-1, both_ways: true, count: 200, carriers: [raw] } ]
    expect: private
`;

for (const name of ['run/netns', 'run/sshd', 'run/verify-isolation'])
  mkdirSync(`/${name}`, { recursive: true, mode: 0o755 });
mkdirSync(join(scratch, 'bin'), { recursive: true });
if (!existsSync(join(scratch, 'id')))
  for (const key of ['id', 'key']) run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', join(scratch, key)]);
run(['sh', '-c', quiet]);
batch('ip', null, [
  'link set lo up',
  'link add switch type bridge forward_delay 0',
  'link set switch up',
  ...numbers.flatMap((host) => [`netns add h${host}`, ...perHost.map((guest) => `netns add g${guest}h${host}`)]),
]);
numbers.forEach(makeHost);
numbers.forEach(startSshd);
const hostKey = readFileSync(join(scratch, 'key.pub'), 'utf8').trim();
writeFileSync(join(scratch, 'known'), numbers.map((host) => `${underlay(host)} ${hostKey}\n`).join(''));
writeFileSync(
  join(scratch, 'ssh-config'),
  `${numbers.map((host) => `Host h${host}\n  HostName ${underlay(host)}\n`).join('')}Host *\n  User root\n  IdentityFile ${join(scratch, 'id')}\n  IdentitiesOnly yes\n  UserKnownHostsFile ${join(scratch, 'known')}\n`,
);
const script = (name, text) => writeFileSync(join(scratch, 'bin', name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
script('ssh', `exec /usr/bin/ssh -F ${join(scratch, 'ssh-config')} "$@"`);
// each program has journals of its own, as on a host of its own
const journals = 'unshare --mount sh -c \'mount -t tmpfs -o mode=700 tmpfs /run/verify-isolation && exec "$@"\' sh';
script('verify-isolation', `exec ${journals} ${process.execPath} ${cli} "$@"`);
const file = join(scratch, 'hosts.yml');
writeFileSync(file, scenario());
await sleep(1000); // until every sshd listens

/** Seconds of processor time of the whole machine, without idling (proc_stat(5)); its clock ticks 100 times a second. */
function busySeconds() {
  const [user, nice, system, , , irq, softirq] = readFileSync('/proc/stat', 'utf8')
    .split('\n')[0]
    .split(/\s+/)
    .slice(1);
  return [user, nice, system, irq, softirq].reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

const runs = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const out = join(scratch, 'evidence');
  rmSync(out, { recursive: true, force: true });
  learn();
  const argv = ['ip', 'netns', 'exec', 'h1', 'verify-isolation', 'run', file, '--yes', '--quiet', '--out', out];
  const before = busySeconds();
  const reported = await runTree(argv, { output: join(scratch, 'output'), env: { PATH: path } });
  const ofAll = busySeconds() - before;
  if (reported.status !== 0)
    throw new Error(
      `exit status ${reported.status}\n${reported.stderr}\n${readFileSync(join(scratch, 'output'), 'utf8')}`,
    );
  const { verdict, steps } = JSON.parse(readFileSync(join(out, 'result.json'), 'utf8'));
  const dropped = steps[0].observers.reduce((sum, observer) => sum + observer.dropped, 0);
  runs.push({ ...reported, ofAll, verdict, dropped, observers: steps[0].observers.length });
}
const of = (key) => median(runs.map((each) => each[key]));
process.stdout.write(
  JSON.stringify({
    ...runs[0],
    seconds: of('seconds'),
    processor: of('processor'),
    megabytes: of('megabytes'),
    ofAll: of('ofAll'),
  }),
);
process.exit(0);
