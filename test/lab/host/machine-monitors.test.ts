import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { outcomeOf, type ThrowAwayHost, throwAwayHost } from '../../support/lab/throw-away-host.js';
import { needs, program, root } from '../../support/needs.js';

/** Holds a tap until its stdin closes, under the name that its file has. */
const holder = `import fcntl, struct, sys
tap = open('/dev/net/tun', 'r+b', buffering=0)
fcntl.ioctl(tap, 0x400454ca, struct.pack('16sH22x', sys.argv[1].encode(), 0x1002))
print('held', flush=True)
sys.stdin.read()
`;

describe('machines that no manager tells of', needs(root, program('python3')), () => {
  let host: ThrowAwayHost;
  let machine: ChildProcess | null = null;
  beforeAll(() => {
    host = throwAwayHost();
    writeFileSync(join(host.dir, 'hold.py'), holder);
  });
  afterAll(async () => {
    if (machine !== null) {
      machine.stdin?.end();
      await once(machine, 'close');
    }
    host.close();
  });

  it('are named by the processes that hold their taps', async () => {
    // the kernel calls a process by its file, and /proc has the words that it was started with
    copyFileSync(
      host.run(['python3', '-c', 'import sys; print(sys.executable, end="")']),
      join(host.dir, 'firecracker'),
    );
    machine = spawn(
      'nsenter',
      [`--net=${host.netns}`, join(host.dir, 'firecracker'), join(host.dir, 'hold.py'), 'fc0', '--id', 'web'],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    await once(machine.stdout ?? machine, 'data');
    host.run(['ip', 'link', 'set', 'dev', 'fc0', 'master', 'br0', 'up']);
    const { stdout, stderr } = await outcomeOf(host.cli(['init']));
    expect(stdout, stderr).toContain('    web:\n      # named by firecracker\n      bridge: br0\n      port: fc0\n');
  });
});
