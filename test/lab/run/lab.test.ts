import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { again } from '../../support/lab/program.js';
import { patient } from '../../support/patient.js';
import { there } from '../../support/there.js';

const program = fileURLToPath(new URL('./lab-program.mjs', import.meta.url));
const isRoot = process.getuid?.() === 0;
/**
 * As whoever runs the tests: `npm run test:all` as root repeats this folder as an ordinary user, from a checkout that he
 * can read.
 */
const users: readonly (readonly [string, readonly string[]])[] = [[isRoot ? 'root' : 'an ordinary user', []]];

function run(as: readonly string[], ...args: readonly string[]): { status: number | null; out: unknown } {
  const [command = '', ...rest] = [...as, process.execPath, program, ...args];
  const { status, stdout, stderr } = spawnSync(command, rest, { encoding: 'utf8' });
  return { status, out: stdout.trim() === '' ? stderr : JSON.parse(stdout) };
}

/** Host pids that hold a net namespace other than this process's and run the test program. */
function left(): readonly string[] {
  const home = readlinkSync('/proc/self/ns/net');
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('lab-program.mjs') &&
        readlinkSync(`/proc/${pid}/ns/net`) !== home
      );
    } catch {
      return false;
    }
  });
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number);
}

describe.each(users)('the lab as %s', (name, as) => {
  it('runs the program as process 1 with a /sys of its own', () => {
    expect(run(as, 'where').out).toMatchObject({
      runsAs: name === 'root' ? 'root' : 'user-namespace',
      sysfs: true,
      pid: 1,
    });
  });
  it('passes the exit status through', () => expect(run(as, 'exit', '7').status).toBe(7));

  it('lets endpoints talk, and those behind the bridge device while their relay holds it promiscuous', () => {
    expect(run(as, 'talk').out).toMatchObject({
      http: { ok: true },
      ping: { ok: true },
      behind: { ok: true },
      burst: { ok: true },
      again: { ok: true },
      rest: 0x1003,
      relayed: 0x1103,
      after: 0x1003,
      faults: [],
    });
  });
  it('reads changes back and calls a value that the kernel adjusts a fault', () => {
    expect(run(as, 'changes').out).toMatchObject({
      adjusted: { code: 'read-back', exitCode: 3, message: expect.stringMatching(/set to 0 but the kernel says 200/) },
      floodAfterRestart: false,
      isolated: true,
      unread: [],
    });
  });
  it('takes every interface name that the kernel takes', () => {
    expect(run(as, 'hostile').out).toEqual(['$(id)', ';id;', '-n', 'a', "q'x", 'h#h', 'master']);
  });

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const)('ends on %s with status %i', async (signal, status) => {
    const { launcher } = await start(as);
    launcher.kill(signal);
    expect(await new Promise((resolve) => launcher.once('exit', resolve))).toBe(status);
    expect(left()).toEqual([]);
  });
  it.each(['launcher', 'unshare', 'inside'] as const)('leaves nothing when the %s is killed', async (victim) => {
    for (let round = 0; round < (again ? 2 : 5); round += 1) {
      const { launcher, chain } = await start(as);
      await sleep(Math.random() * 50);
      const [unshare, inside] = chain;
      process.kill(there({ launcher: launcher.pid, unshare, inside }[victim]), 'SIGKILL');
      const until = performance.now() + patient(60_000);
      while (left().length > 0 && performance.now() < until) await sleep(10);
      expect(left()).toEqual([]);
    }
  });
});

async function start(as: readonly string[]): Promise<{ launcher: ReturnType<typeof spawn>; chain: readonly number[] }> {
  const [command = '', ...rest] = [...as, process.execPath, program, 'stay'];
  const launcher = spawn(command, rest, { stdio: ['ignore', 'pipe', 'ignore'] });
  await new Promise((resolve) => launcher.stdout?.once('data', resolve));
  const unshare = there(childrenOf(there(launcher.pid))[0]);
  const inside = there(childrenOf(unshare)[0]);
  return { launcher, chain: [unshare, inside] };
}
