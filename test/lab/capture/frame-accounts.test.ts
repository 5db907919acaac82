import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { countedInterfaces } from '../../../src/core/wire/search-program.js';
import { tokenWord } from '../../../src/core/wire/token-filter.js';
import { unheardBetween } from '../../../src/core/judge/proof/accounts.js';
import { isSettled } from '../../../src/core/protocol/account-window.js';
import type { Account, AccountWindow } from '../../../src/core/model/timeline.js';
import { createFrameAccounts, type FrameAccounts } from '../../../src/system/capture/frame-accounts.js';
import { type PacketRing, openPacketRing } from '../../../src/system/capture/engines/packet-ring.js';
import { loadSearch, KernelSearch } from '../../../src/system/capture/kernel-search.js';
import { libc } from '../../../src/system/kernel/libc.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { runIn } from '../../support/lab/throw-away.js';
import { needs, root } from '../../support/needs.js';
import { lackingEbpf } from '../../support/lab/features.js';
import { patient } from '../../support/patient.js';
import { there } from '../../support/there.js';
import { runTag } from '../../support/lab/test-network.js';

const tools = fileURLToPath(new URL('../../system/adversary/tools/attack.py', import.meta.url));
const python = '/usr/bin/python3';
/** Not faster than the reader of a tap takes them. */
const send = `
import socket, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
if sys.argv[3] == 'past': out.setsockopt(263, 20, 1)
out.bind((sys.argv[1], 0))
for at in range(int(sys.argv[2])):
    out.send(bytes.fromhex('ffffffffffff' '020000000099' '88b5') + bytes(46))
    if at % 50 == 49: time.sleep(0.005)
`;

const counters = lackingEbpf() === null ? ['sockets of their own', 'the ears'] : ['sockets of their own'];

/** Accounts against what is done to ports on a real kernel: p0, p1 are veths of a bridge, t0 a tap that is read. */
describe.each(counters)('frames counted by %s', needs(root), (counter) => {
  const bySearch = counter === 'the ears';
  let namespace = -1;
  let search: KernelSearch | null = null;
  let ring: PacketRing | null = null;
  const accounts: FrameAccounts = createFrameAccounts(() => search);
  const tasks: ChildProcess[] = [];
  const inside = <T>(act: () => T): T => inNamespaceFd(namespace, act);
  const run = (...command: readonly string[]): void => void runIn(namespace, ...command);
  /** Starts a tool of the adversary and waits until it is at work. */
  async function start(...words: readonly string[]): Promise<ChildProcess> {
    const task = inside(() => spawn(python, [tools, ...words], { stdio: ['ignore', 'pipe', 'inherit'] }));
    tasks.push(task);
    await new Promise<void>((resolve, reject) => {
      task.stdout?.once('data', () => resolve());
      task.once('exit', () => reject(new Error(`${words.join(' ')} ended`)));
    });
    task.removeAllListeners('exit');
    return task;
  }
  /** On a busy machine readings take so long that a window ends before it shows its ports at rest: then another. */
  function read(): Readonly<Record<string, AccountWindow>> {
    for (let tries = 1; ; tries += 1) {
      accounts.begin();
      inside(() => accounts.read());
      inside(() => accounts.read());
      const windows = accounts.windows();
      if (tries === 50 || Object.entries(windows).every(([name, window]) => name === 't0' || isSettled(window)))
        return windows;
    }
  }
  const veth: Account = { observers: [], ports: ['p'], kind: 'veth', held: 2, processors: 2 };
  const tap: Account = { ...veth, kind: 'tap', held: 1002 };
  /** What each account has after an act. */
  async function after(act: () => unknown): Promise<Readonly<Record<string, ReturnType<typeof unheardBetween>>>> {
    const first = read();
    await act();
    await sleep(patient(200));
    const last = read();
    return Object.fromEntries(
      Object.entries(first).flatMap(([name, window]) => {
        const end = last[name];
        return end === undefined ? [] : [[name, unheardBetween(name === 't0' ? tap : veth, window, end)]];
      }),
    );
  }

  beforeAll(async () => {
    namespace = newNamespace(disableIpv6);
    run('ip link add dev br0 type bridge mcast_snooping 0');
    run('ip link set dev br0 up');
    for (const number of [0, 1]) {
      run(`ip link add dev p${number} type veth peer name e${number}`);
      run(`ip link set dev p${number} master br0 up`);
      run(`ip link set dev e${number} up`);
    }
    run('ip tuntap add dev t0 mode tap multi_queue');
    run('ip link set dev t0 master br0 up');
    await start('queue', 't0');
    if (bySearch) {
      const { counts, ...programs } = there(loadSearch(runTag) ?? undefined);
      const begun = new KernelSearch(
        runTag,
        programs,
        there(libc().mapShared(counts, countedInterfaces * 8) ?? undefined),
      );
      search = begun;
      const attach = (fd: number): void => {
        if (!begun.attach(fd, { filter: tokenWord(runTag), snaplen: 256 }, 'every', 0))
          throw new Error('the kernel takes no eBPF here');
      };
      ring = inside(() => openPacketRing(0, attach, 1 << 20));
    }
    inside(() => {
      for (const name of ['p0', 'p1', 't0']) accounts.open(name, [name], false);
      accounts.open('both', ['p0', 'p1'], false);
    });
  }, patient(120_000));
  afterAll(async () => {
    for (const task of tasks) task.kill('SIGKILL');
    await accounts.close();
    ring?.close();
    closeSync(namespace);
  });

  it('close where frames are flooded to every port', async () => {
    const found = await after(() => run(python, '-c', send, 'e0', '3000', 'heard'));
    expect(found['p1']).toEqual({ certain: 0, settled: 0 });
    expect(found['both']).toEqual({ certain: 0, settled: 0 });
    expect(found['t0']?.certain).toBe(0);
  });

  it('have what a socket sends past every other at a veth', async () => {
    const found = await after(() => run(python, '-c', send, 'p1', '7', 'past'));
    expect(found['p1']).toEqual({ certain: 5, settled: 7 });
    expect(found['both']).toEqual({ certain: 5, settled: 7 });
    expect(found['p0']).toEqual({ certain: 0, settled: 0 });
  });

  it('have what is sent past every other at a tap, less what its queue may hold', async () => {
    const found = await after(() => run(python, '-c', send, 't0', '1500', 'past'));
    expect(found['t0']?.certain).toBeGreaterThan(0);
    expect(found['t0']?.certain).toBeLessThanOrEqual(1500 - 1002);
  });

  it('have what XDP redirects out of a port', async () => {
    const found = await after(async () => {
      const program = await start('bpf', 'p0', 'xdp-generic', 'redirect', 'p1', '1');
      run(python, '-c', send, 'e0', '9', 'heard');
      const ended = once(program, 'exit');
      program.kill('SIGTERM');
      await ended;
    });
    expect(found['p1']).toEqual({ certain: 7, settled: 9 });
  });

  it('are not read once a port is gone, nor opened where it is not there or nothing may be opened any more', () => {
    run('ip link add dev g0 type veth peer name g1');
    inside(() => accounts.open('gone', ['g0'], false));
    inside(() => accounts.open('never', ['g7'], false));
    inside(() => accounts.open('late', ['g1'], true));
    // what the ears count takes nothing to be opened
    expect(Object.keys(read()).sort()).toEqual(['both', 'gone', ...(bySearch ? ['late'] : []), 'p0', 'p1', 't0']);
    run('ip link del dev g0');
    expect(Object.keys(read()).sort()).toEqual(['both', 'p0', 'p1', 't0']);
  });
});
