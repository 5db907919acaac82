// floor-inside.mjs PROGRAM N ROUNDS, in namespaces of its own: the bridge of scenarios/scale/mesh.yml with its guests,
// nobody listening. Prints [{ frames, seconds }].
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';

const [program, guests, rounds] = process.argv.slice(2);
const quiet =
  'for scope in all default; do echo 1 > /proc/sys/net/ipv6/conf/$scope/disable_ipv6 || true; done 2> /dev/null';
execFileSync('sh', ['-c', quiet]);
const home = spawn('unshare', ['--net', 'sh', '-c', `${quiet}; echo ready; exec sleep infinity`], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await once(home.stdout, 'data');
const place = `/proc/${home.pid}/ns/net`;
const names = Array.from({ length: Number(guests) }, (_, at) => at);
const mac = (at) =>
  `02:76:69:00:${(at >> 8).toString(16).padStart(2, '0')}:${(at & 255).toString(16).padStart(2, '0')}`;
const ip = (commands, argv = []) =>
  execFileSync(argv[0] ?? 'ip', [...argv.slice(1), ...(argv.length > 0 ? ['ip'] : []), '-batch', '-'], {
    input: commands.map((command) => `${command}\n`).join(''),
    stdio: ['pipe', 'ignore', 'inherit'],
  });
ip([
  'link set dev lo up',
  'link add dev br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0',
  'link set dev br0 up',
  ...names.flatMap((at) => [
    `link add dev p${at} type veth peer name g${at} address ${mac(at)} netns ${place}`,
    `link set dev p${at} master br0`,
    `link set dev p${at} up`,
  ]),
]);
const guestsIn = ['nsenter', `--net=${place}`];
ip(
  names.map((at) => `link set dev g${at} arp off up`),
  guestsIn,
);
const reported = Array.from({ length: Number(rounds) }, () => {
  const [frames, seconds] = execFileSync(guestsIn[0], [...guestsIn.slice(1), program, guests], { encoding: 'utf8' })
    .trim()
    .split(' ')
    .map(Number);
  return { frames, seconds };
});
writeFileSync(1, JSON.stringify(reported));
home.kill();
