// floor-inside.mjs PROGRAM N ROUNDS [RING MIB], in namespaces of its own: the bridge of scenarios/scale/mesh.yml with its
// guests, nobody listening. With RING (ring.c) the bridge is a hub, and that program listens at all of its ports.
// Prints [{ frames, seconds, heard, lost }].
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';

const [program, guests, rounds, ring, mebibytes] = process.argv.slice(2);
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
  'link add dev br0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0'.concat(
    ring === undefined ? '' : ' ageing_time 0',
  ),
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

/** The ring's program, once it listens; it ends with its input. */
async function listening() {
  const child = spawn(ring, [mebibytes], { stdio: ['pipe', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (data) => {
    text += data;
  });
  await once(child.stdout, 'data');
  return async () => {
    child.stdin.end();
    await once(child, 'close');
    const [heard, lost] = text.trim().split('\n').at(-1).split(' ').map(Number);
    return { heard, lost };
  };
}

const reported = [];
for (let round = 0; round < Number(rounds); round += 1) {
  const end = ring === undefined ? null : await listening();
  const [frames, seconds] = execFileSync(guestsIn[0], [...guestsIn.slice(1), program, guests], { encoding: 'utf8' })
    .trim()
    .split(' ')
    .map(Number);
  reported.push({ frames, seconds, ...(await end?.()) });
}
writeFileSync(1, JSON.stringify(reported));
home.kill();
