// What a run with `--trace auto` finds under this kernel on a host made for it, as rows for kernels.mjs. Two runs:
//  1. a rule copies what a guest sends into a namespace that is no guest's, and a process of another guest reads at a
//     port of the bridge: observers hear neither;
//  2. a rule drops what one guest floods, and, if the kernel has tcx (Linux 6.6), a program at every port passes it on.
// Needs a build, root, nft and python3.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { top } from './second-kernel.mjs';

const python = '/usr/bin/python3';
const count = 40;
const guests = {
  kali2: { port: 'vnet0', mac: '52:54:00:85:20:d1', ip: '192.168.0.20' },
  kali3: { port: 'vnet4', mac: '52:54:00:27:4e:0a', ip: '192.168.0.21' },
  lan: { port: 'uplink', mac: '00:11:22:33:44:55', ip: '192.168.0.200' },
};
const ports = Object.values(guests).map(({ port }) => port);
/** Opens a packet socket at a port, goes to a guest's namespace, and reads. */
const reader = `
import ctypes, os, socket, sys
held = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)); held.bind(('vnet0', 3))
assert ctypes.CDLL(None).setns(os.open(sys.argv[1], os.O_RDONLY), 0x40000000) == 0
print('ready', flush=True)
while True: held.recv(70000)`;

const started = [];
/** A program that ends with the rows, once it has printed a line. Gives it, or null if it ended before. */
async function start(argv) {
  const child = spawn(argv[0], argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  const [first] = await Promise.race([once(child.stdout, 'data'), once(child, 'close').then(() => [null])]);
  return first === null ? null : child;
}

/** The path of a new network namespace, in which a process sleeps. */
async function newSpace() {
  const { pid } = await start(['unshare', '--net', 'sh', '-c', 'echo ready; exec sleep 3600']);
  return `/proc/${pid}/ns/net`;
}

/** Commands of a shell in a namespace; throws if one fails. */
function inside(space, ...lines) {
  const { status, stderr } = spawnSync('nsenter', [`--net=${space}`, 'sh', '-ec', lines.join('\n')], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${lines.join('; ')}: ${stderr}`);
}

async function makeHost() {
  const space = await newSpace();
  inside(space, 'ip link add br0 type bridge forward_delay 0', 'ip link set br0 up');
  const spaces = {};
  for (const [name, { port, mac, ip }] of Object.entries(guests)) {
    spaces[name] = await newSpace();
    inside(
      space,
      `ip link add ${port} type veth peer name eth0 address ${mac} netns ${spaces[name]}`,
      `ip link set ${port} master br0 up`,
    );
    inside(spaces[name], `ip address add ${ip}/24 dev eth0`, 'ip link set eth0 up');
  }
  // the bridge knows them all
  for (const name of ['kali2', 'kali3']) inside(spaces[name], `ping -q -c 1 -w 20 ${guests.lan.ip}`);
  return { space, spaces };
}

function scenarioOf(probe) {
  const endpoints = Object.entries(guests).map(
    ([name, { port, mac, ip }]) =>
      `    ${name}: { bridge: br0, port: ${port}, mac: "${mac}", ip: ${ip}/24${name === 'lan' ? ', role: uplink' : ''} }`,
  );
  return [
    'version: 1',
    'name: traced',
    'topology:',
    '  provider: host',
    '  bridges: { br0: {} }',
    '  endpoints:',
    ...endpoints,
    'steps:',
    `  - { name: private, probe: ${probe}, expect: private }`,
    '',
  ].join('\n');
}

/** Runs the probe on the host. Gives the step of its result, and what its timeline says of the trace. */
function tracedRun({ space }, probe, folder) {
  const [file, out, journal] = ['traced.yml', 'out', 'journal'].map((name) => join(folder, name));
  writeFileSync(file, scenarioOf(probe));
  const words = ['run', file, '--yes', '--json', '--quiet', '--trace', 'auto', '--out', out];
  // journals of its own, in a mount namespace of its own
  const mounted = 'mkdir -p "$0" /run/verify-isolation; mount --bind "$0" /run/verify-isolation && exec "$@"';
  const own = ['unshare', '--mount', 'sh', '-c', mounted, journal];
  const argv = [`--net=${space}`, ...own, process.execPath, join(top, 'dist/cli.cjs'), ...words];
  const { status, stdout, stderr } = spawnSync('nsenter', argv, { encoding: 'utf8', maxBuffer: 2 ** 28 });
  if (!stdout.startsWith('{')) return { status, why: stderr.trim() || `exit ${status}`, step: null };
  const [step] = JSON.parse(stdout).steps;
  const lines = readFileSync(join(out, 'timeline.ndjson'), 'utf8').trim().split('\n');
  const events = lines.map((line) => JSON.parse(line)).filter(({ event }) => event === 'trace');
  const absent = events.find(({ state }) => state === 'absent')?.why;
  return { status, step, why: absent ?? step.reasons[0]?.text ?? '' };
}

/** Rows of what observers do not hear. */
async function leakRows(host, folder) {
  const stranger = await newSpace();
  const hook = '{ type filter hook ingress device "vnet0" priority 0; }';
  inside(
    host.space,
    `ip link add x0 type veth peer name x1 netns ${stranger}`,
    'ip link set x0 up',
    `nft 'add table netdev t; add chain netdev t c ${hook}; add rule netdev t c dup to "x0"'`,
  );
  inside(stranger, 'ip link set x1 up');
  const reading = await start(['nsenter', `--net=${host.space}`, python, '-c', reader, host.spaces.kali3]);
  const probe = `{ class: known-unicast, from: kali2, to: lan, both_ways: true, count: ${count} }`;
  const { status, step, why } = tracedRun(host, probe, folder);
  reading?.kill('SIGKILL');
  inside(host.space, 'nft delete table netdev t', 'ip link del x0');
  const traced = step?.traced ?? [];
  const isTraced = (observer, device, probes) =>
    status === 2 &&
    traced.some((leak) => leak.observer === observer && device.test(leak.device) && leak.probes === probes);
  const row = (name, isFound) => ({
    row: `trace: ${name}`,
    cell: isFound ? 'BROKEN' : 'lacks',
    why: isFound ? '' : `${why || 'not traced'} (exit ${status}): ${JSON.stringify(traced)}`,
  });
  return [
    row('copy beside the bridge', isTraced('x1@x0', /^x1 in /, 2 * count)),
    row('process that reads', isTraced('kali3', new RegExp(`^process ${reading?.pid} `), 4 * count)),
  ];
}

/** Rows of what holds: by a rule, whose drops are measured, beside programs that the trace acquits. */
async function holdRows(host, folder) {
  // before br_netfilter: Linux 5.10 skips a chain of priority 0 for IPv4
  const hook = '{ type filter hook forward priority -200; }';
  inside(
    host.space,
    `nft 'add table bridge t; add chain bridge t f ${hook}; add rule bridge t f iifname "vnet0" drop'`,
  );
  const tool = join(top, 'test/lab/state/hold-program.py');
  const program = await start(['nsenter', `--net=${host.space}`, python, tool, 'look', ...ports]);
  const probe = `{ class: unknown-unicast, from: kali2, count: ${count} }`;
  const { status, step, why } = tracedRun(host, probe, folder);
  const holds = status === 0 && step?.verdict === 'holds';
  const measured = step?.held?.[0]?.measured;
  const ends = (measured?.dropped ?? []).filter(({ probes }) => probes > 0);
  const isMeasured = measured?.notCopied === 0 && ends.length > 0;
  const leaks = (step?.findings ?? []).filter(({ leak }) => leak);
  const fault = `${why} (exit ${status}): ${JSON.stringify([...(step?.traced ?? []), ...leaks])}`;
  return [
    { row: 'trace: barrier', cell: holds ? 'HOLDS' : 'INCONCLUSIVE', why: holds ? '' : fault },
    {
      row: 'trace: program that passes on',
      cell: program === null ? 'lacks' : holds ? 'HOLDS' : 'INCONCLUSIVE',
      why: program === null ? 'the kernel has no tcx' : holds ? '' : fault,
    },
    {
      row: 'trace: probes end in',
      cell: isMeasured ? [...new Set(ends.map((end) => end.function))].sort().join(', ') : 'lacks',
      why: isMeasured ? '' : `${fault}: ${JSON.stringify(measured)}`,
    },
  ];
}

/** The rows; a fault of a command is thrown. Nothing of it is left. */
export async function tracedRows() {
  const folder = mkdtempSync(join(tmpdir(), 'verify-isolation-traced-'));
  const inFolder = (name) => join(folder, name);
  try {
    const host = await makeHost();
    for (const name of ['leaks', 'holds']) mkdirSync(inFolder(name));
    return [...(await leakRows(host, inFolder('leaks'))), ...(await holdRows(host, inFolder('holds')))];
  } finally {
    for (const child of started) child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}
