import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { outcomeOf, type ThrowAwayHost, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, program, root } from '../../support/needs.js';

const built = new URL('../../../build/system/process/socket-holders.js', import.meta.url).href;

/** Holds taps until its stdin closes, under the name that its file has: `elsewhere` in a namespace of their own. */
const holder = `import ctypes, fcntl, os, struct, sys
home = os.open('/proc/self/ns/net', os.O_RDONLY)
if 'elsewhere' in sys.argv: assert ctypes.CDLL(None).unshare(0x40000000) == 0
taps = []
for name in sys.argv[1].split(','):
    taps.append(open('/dev/net/tun', 'r+b', buffering=0))
    fcntl.ioctl(taps[-1], 0x400454ca, struct.pack('16sH22x', name.encode(), 0x1002))
if 'elsewhere' in sys.argv: assert ctypes.CDLL(None).setns(home, 0) == 0
if 'ordinary' in sys.argv:
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
os.write(1, b"held")
sys.stdin.read()
`;

describe('machines that no manager tells of', needs(root, program('python3')), () => {
  let host: ThrowAwayHost;
  const machines: ChildProcess[] = [];
  beforeEach(() => {
    host = throwAwayHost();
    chmodSync(host.dir, 0o755);
    writeFileSync(join(host.dir, 'hold.py'), holder);
  });
  afterEach(async () => {
    for (const machine of machines.splice(0)) {
      machine.stdin?.end();
      if (machine.exitCode === null) await once(machine, 'close');
    }
    host.close();
  });

  async function start(comm: string, words: readonly string[]): Promise<void> {
    // the kernel calls a process by its file, and /proc has the words that it was started with
    const python = host.run(['python3', '-c', 'import sys; print(sys.executable, end="")']);
    copyFileSync(python, join(host.dir, comm));
    const argv = [`--net=${host.netns}`, join(host.dir, comm), join(host.dir, 'hold.py'), ...words];
    const machine = spawn('nsenter', argv, { stdio: ['pipe', 'pipe', 'inherit'] });
    machines.push(machine);
    const [said] = await Promise.race([once(machine.stdout, 'data'), once(machine, 'close')]);
    expect(String(said)).toContain('held');
  }
  async function found(): Promise<string> {
    const { stdout, stderr } = await outcomeOf(host.cli(['init']));
    return `${stdout}\n${stderr}`;
  }

  it('are named by the processes that hold their taps', async () => {
    await start('firecracker', ['fc0,fc1', '--id', 'web']);
    host.run('ip link set dev fc0 master br0 up');
    host.run('ip link set dev fc1 master br0 up');
    const text = await found();
    expect(text).toContain('    web:\n      # named by firecracker\n      bridge: br0\n      port: fc0\n');
    expect(text).toContain('owner: web\n');
  });

  it('an ordinary user’s process that holds two ports claims a name, and makes them no one guest', async () => {
    await start('firecracker', ['fc0,fc1', 'ordinary', '--id', 'web']);
    for (const tap of ['fc0', 'fc1']) host.run(`ip link set dev ${tap} master br0 up`);
    const text = await found();
    const claimed = '# claimed by firecracker, a process of an ordinary user';
    expect(text).toContain(`    web:\n      ${claimed}\n      bridge: br0\n      port: fc0\n`);
    expect(text).toContain(`      ${claimed}\n      bridge: br0\n      port: fc1\n`);
    expect(text).not.toContain('owner:');
  });

  it('a process of another user is passed over without the right to look at its namespace', async () => {
    const user = ['--reuid=65534', '--regid=65534', '--clear-groups', '--', 'sh', '-c', 'echo held; exec cat'];
    const other = spawn('setpriv', user, { stdio: ['pipe', 'pipe', 'inherit'] });
    machines.push(other);
    await once(other.stdout, 'data');
    const script = `import { tapsHeldBy } from ${JSON.stringify(built)}; console.log(tapsHeldBy(${other.pid}, new Set([1])))`;
    const words = ['--bounding-set=-sys_ptrace', '--inh-caps=-sys_ptrace', '--', process.execPath];
    const { stdout, stderr } = spawnSync('setpriv', [...words, '--input-type=module', '--eval', script], {
      encoding: 'utf8',
    });
    expect({ stdout, stderr }).toEqual({ stdout: '[]\n', stderr: '' });
  });

  it('a process that holds taps of these names in another namespace has no port here', async () => {
    await start('firecracker', ['vnet0,vnet4', 'elsewhere', '--id', 'web']);
    expect(await found()).not.toContain('firecracker');
  });
});
