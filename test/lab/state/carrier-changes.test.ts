import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { runIn } from '../../support/lab/throw-away.js';
import { closeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PassingCarriers } from '../../../src/core/model/state.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { watchCarriers } from '../../../src/system/state/changes/carrier-changes.js';
import { type Missing, needs, root } from '../../support/needs.js';
import { patient } from '../../support/patient.js';

const tools = fileURLToPath(new URL('../../system/adversary/tools/attack.py', import.meta.url));

/** Whether this kernel takes rules of iptables-legacy. */
const legacy: Missing =
  root === null && spawnSync('unshare', ['--net', '/usr/bin/python3', tools, 'legacy', '4', 'TEE', 'end']).status === 0
    ? null
    : 'this kernel has no iptables-legacy';

/** A socket with a filter that refuses every frame takes all of them for half a second when a line comes. */
const swapping = `
import ctypes, socket, struct, sys, time
def attach(value):
    code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, value))
    held.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HxxxxxxP', 1, ctypes.addressof(code)))
held = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); attach(0); held.bind(('v0', 3)); print('ready', flush=True)
sys.stdin.readline(); attach(0xffffffff); time.sleep(.5); attach(0); print('done', flush=True); time.sleep(600)`;

/** What is there for half a second, and in no snapshot before or after. */
describe('between two snapshots', needs(root), () => {
  let namespace = -1;
  const run = (...command: readonly string[]): void => void runIn(namespace, ...command);
  const start = (words: readonly string[]): ChildProcess =>
    inNamespaceFd(namespace, () => spawn('/usr/bin/python3', words, { stdio: ['pipe', 'pipe', 'inherit'] }));
  const answered = (child: ChildProcess): Promise<void> =>
    new Promise((resolve, reject) => {
      child.stdout?.once('data', () => resolve());
      child.once('exit', () => reject(new Error('it ended')));
    });
  const ended = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      child.removeAllListeners('exit');
      child.once('exit', () => resolve());
      child.kill('SIGKILL');
    });
  beforeAll(() => {
    namespace = newNamespace(disableIpv6);
    run('ip link add dev v0 type veth peer name v1');
    run('ip link set dev v0 up');
    run('ip tuntap add dev t0 mode tap multi_queue');
  });
  afterAll(() => closeSync(namespace));

  /** What is seen while `meanwhile` runs. */
  async function seen(meanwhile: () => Promise<void>): Promise<PassingCarriers> {
    const watch = watchCarriers(`/proc/${process.pid}/fd/${namespace}`);
    try {
      await meanwhile();
      await sleep(patient(250));
      expect(watch.unheard()).toEqual([]);
      return await watch.take();
    } finally {
      watch.close();
    }
  }
  /** A tool of the adversary for half a second. */
  const passing = (...words: readonly string[]) =>
    seen(async () => {
      const tool = start([tools, ...words]);
      await answered(tool);
      await sleep(patient(500));
      await ended(tool);
    });

  it('nothing is seen where nothing comes', async () => {
    expect(await seen(() => sleep(patient(300)))).toEqual({
      packetSockets: [],
      logGroups: [],
      legacyTables: [],
      sharedTaps: {},
      programs: [],
      packetHandlers: expect.any(Array),
    });
  });

  it('another filter of a packet socket is seen', async () => {
    const socket = start(['-c', swapping]);
    await answered(socket);
    const { packetSockets } = await seen(async () => {
      socket.stdin?.write('\n');
      await answered(socket);
    });
    await ended(socket);
    expect(packetSockets.map(({ filter, own }) => [filter, own])).toEqual([['06000000ffffffff', false]]);
  });

  it('a reader of a log group is seen', async () => {
    expect((await passing('log', '7')).logGroups).toEqual([7]);
  });

  it('a second queue of a tap is seen, with who has them', async () => {
    const guest = start([tools, 'queue', 't0']);
    await answered(guest);
    const { sharedTaps } = await passing('queue', 't0');
    await ended(guest);
    expect(sharedTaps['t0']?.map(({ name }) => name)).toEqual(['python3', 'python3']);
  });

  it('a program of tcx is seen', async () => {
    expect((await passing('bpf', 'v0', 'tcx-in', 'clone', 'v1', '1')).programs).toEqual([
      expect.objectContaining({ device: 'v0', place: 'tcx ingress' }),
    ]);
  });

  it('a rule of iptables-legacy is seen', needs(legacy), async () => {
    const { legacyTables } = await passing('legacy', '4', 'TEE');
    expect(legacyTables).toEqual([
      {
        ...{ program: 'iptables-legacy', table: 'raw', rules: 1, targets: ['TEE'], matches: [] },
        copies: [{ chain: 'PREROUTING', number: 1, gateway: '10.9.9.9', matches: [] }],
      },
    ]);
  });
});
