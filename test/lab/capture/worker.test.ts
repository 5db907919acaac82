import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startCapture, type Capture } from '../../../src/system/capture/client.js';
import { startSender } from '../../../src/system/inject/helper.js';
import type { Fault } from '../../../src/core/model/timeline.js';
import { startHelper } from '../../../src/system/process/helper-process.js';
import {
  frames,
  guestMac,
  processExists,
  readCapture,
  runTag,
  testNetwork,
  until,
  type TestNetwork,
} from '../../support/lab/test-network.js';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';

const request = {
  device: 'vnet0',
  watch: 'port',
  engine: 'libpcap',
  macs: [guestMac],
  filter: '',
  snaplen: 256,
  buffer: 1 << 20,
  description: 'a description',
} as const;

describe('capture helper', needs(root), () => {
  let network: TestNetwork;
  const captures: Capture[] = [];
  beforeEach(() => {
    network = testNetwork();
  });
  afterEach(async () => {
    for (const capture of captures.splice(0)) {
      capture.kill();
      await capture.ended();
    }
    network.close();
  });
  async function start(options: { silentMs?: number } = {}): Promise<{ capture: Capture; faults: Fault[] }> {
    const capture = await startCapture({ file: network.file(), netns: network.netns, runTag, ...options });
    captures.push(capture);
    const faults: Fault[] = [];
    capture.onFault((fault) => faults.push(fault));
    return { capture, faults };
  }

  test('that is killed makes all its observers faulty', async () => {
    const { capture, faults } = await start();
    await capture.open([
      { ...request, observer: 'a' },
      { ...request, device: 'eth0', observer: 'b' },
    ]);
    process.kill(capture.pids()[0] ?? -1, 'SIGKILL');
    await until('helper-died', () => faults.length > 0);
    expect(faults).toEqual([{ code: 'helper-died', observers: ['a', 'b'], text: expect.stringContaining('SIGKILL') }]);
    expect((await capture.stop()).counters).toEqual({});
  });

  test('that stands still is said to be silent', async () => {
    const { capture, faults } = await start({ silentMs: 400 });
    await capture.open([{ ...request, observer: 'a' }]);
    process.kill(capture.pids()[0] ?? -1, 'SIGSTOP');
    await until('helper-silent', () => faults.length > 0);
    process.kill(capture.pids()[0] ?? -1, 'SIGCONT');
    expect(faults).toMatchObject([{ code: 'helper-silent', observers: ['a'] }]);
  });

  test('ends when its stdin closes', async () => {
    const helper = await startHelper('capture', { netns: network.netns });
    expect(processExists(helper.pid)).toBe(true);
    expect(await helper.close()).toMatchObject({ status: 0, signal: null });
    expect(processExists(helper.pid)).toBe(false);
  });

  test('dies with the orchestrator', async () => {
    const program = `import { startHelper } from ${JSON.stringify(new URL('../../../build/system/process/helper-process.js', import.meta.url).href)};
      const helper = await startHelper('capture'); console.log(helper.pid); setInterval(() => {}, 1000);`;
    const orchestrator = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<number>((resolve) =>
      orchestrator.stdout.once('data', (chunk: Buffer) => resolve(Number(chunk.toString()))),
    );
    process.kill(pid, 'SIGSTOP'); // so that it is not the closed pipe that ends it
    orchestrator.kill('SIGKILL');
    await until('the helper is gone', () => !processExists(pid));
  });

  test('is not called silent while it ends', async () => {
    const { capture, faults } = await start({ silentMs: patient(400) });
    await capture.open(Array.from({ length: 20 }, (_, at) => ({ ...request, observer: `o${at}` })));
    await capture.stop();
    await capture.ended();
    expect(faults).toEqual([]);
  });

  test('says its counts about every 100 ms', async () => {
    const { capture } = await start();
    const seen: number[] = [];
    capture.onCounts((taken) => seen.push(taken));
    await capture.open([{ ...request, observer: 'a' }]);
    await until('five counts', () => seen.length >= 5, 1500);
  });

  test('keeps what carries the run tag, and says so, when its file takes nothing', async () => {
    const full = openSync('/dev/full', 'w');
    const helper = await startHelper('capture', { netns: network.netns });
    helper.hand(full);
    closeSync(full);
    const fault = helper.next('fault', (message) => message.code === 'file-failed', 5000);
    await helper.send({ type: 'file', path: '/dev/full', runTag, only: 'all', most: null });
    const listening = helper.next('listening', () => true, 5000);
    await helper.send({ type: 'open', observer: 'a', ...request });
    await listening;
    const sender = await startSender({ out: { device: 'vnet0', netns: network.netns } });
    await sender.send('out', frames(3), 60, null);
    await sender.stop();
    const stopped = helper.next('stopped', () => true, 5000);
    await helper.send({ type: 'stop' });
    expect((await fault).message).toContain('no space left on device');
    const { kept, written, counters } = await stopped;
    expect(kept).toEqual(
      [0, 1, 2].map((at) => ({
        observer: 'a',
        towards: true,
        frame: frames(3)
          .subarray(at * 60, at * 60 + 60)
          .toString('base64'),
      })),
    );
    expect(written).toEqual({ a: 0 });
    expect(counters).toEqual({ a: { received: 3, dropped: 0, delivered: 3 } });
    await helper.close();
  });

  test('names the one observer whose guest floods tokens, and writes the others whole', async () => {
    const helper = await startHelper('capture', { netns: network.netns });
    const path = network.file();
    network.ip('link add vnet1 up type veth peer name eth1');
    network.ip('link set dev eth1 up');
    const fd = openSync(path, 'wx');
    helper.hand(fd);
    closeSync(fd);
    await helper.send({ type: 'file', path, runTag, only: 'run', most: 40_000 });
    for (const [observer, device] of [
      ['a', 'vnet0'],
      ['b', 'vnet1'],
    ] as const) {
      const listening = helper.next('listening', (message) => message.observer === observer, 5000);
      await helper.send({ type: 'open', ...request, observer, device });
      await listening;
    }
    const places = { flood: { device: 'vnet0', netns: network.netns }, few: { device: 'vnet1', netns: network.netns } };
    const sender = await startSender(places);
    await sender.send('flood', frames(1000), 60, 20_000);
    await sender.send('few', frames(20), 60, null);
    await sender.stop();
    const fault = helper.next('fault', () => true, 5000);
    const stopped = helper.next('stopped', () => true, 5000);
    await helper.send({ type: 'stop' });
    const { written, counters, kept } = await stopped;
    const beyond = 1000 - (written['a'] ?? 0);
    expect(await fault).toMatchObject({
      code: 'file-failed',
      observer: 'a',
      message: `${beyond} frames with the run's tag at a were counted and not kept, as the capture has its bound: most are at a, where a guest may flood tokens`,
    });
    expect([beyond > 500, written['b'], counters['a']?.delivered]).toEqual([true, 20, 1000]);
    expect(new Set(kept.map(({ observer }) => observer))).toEqual(new Set(['a']));
    await helper.close();
  });

  test('writes down what it listened to', async () => {
    const { capture } = await start();
    await capture.open([
      { ...request, observer: 'a' },
      { ...request, device: 'eth0', observer: 'b', filter: 'arp' },
    ]);
    expect(Object.keys((await capture.stop()).counters).sort()).toEqual(['a', 'b']);
    const { items } = readCapture(capture.files[0] ?? '');
    expect(items).toContainEqual(
      expect.objectContaining({ kind: 'interface', name: 'vnet0', description: 'a description', snaplen: 256 }),
    );
    expect(items).toContainEqual(expect.objectContaining({ kind: 'interface', name: 'eth0', filter: 'arp' }));
    expect(items).toContainEqual(
      expect.objectContaining({ kind: 'statistics', received: 0n, dropped: 0n, delivered: 0n }),
    );
  });

  test('refuses a message that is none and ends', async () => {
    const helper = await startHelper('capture', { netns: network.netns });
    const fault = helper.next('fault', () => true, 3000);
    await helper.send({ type: 'open', observer: 'a', ...request, snaplen: -1 });
    expect((await fault).message).toContain('"snaplen" is not a whole number');
    expect((await helper.ended).status).toBe(70);
  });

  test('does not overwrite a file', async () => {
    const file = network.file();
    captures.push(await startCapture({ file, netns: network.netns }));
    await expect(startCapture({ file, netns: network.netns })).rejects.toMatchObject({
      code: 'file-failed',
      exitCode: 69,
    });
  });
});
