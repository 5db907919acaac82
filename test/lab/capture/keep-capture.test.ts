import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../../src/core/model/timeline.js';
import type { Capture } from '../../../src/system/capture/client.js';
import type { ObserverRequest } from '../../../src/system/capture/helper.js';
import { type CapturePool, keepCapture } from '../../../src/system/capture/keep-capture.js';
import { startSender } from '../../../src/system/inject/helper.js';
import { procText } from '../../../src/system/kernel/proc-files.js';
import { patient } from '../../support/patient.js';
import {
  frames,
  guestMac,
  processExists,
  readCapture,
  runTag,
  testNetwork,
  type TestNetwork,
  until,
} from '../../support/lab/test-network.js';
import { needs, root } from '../../support/needs.js';

const port: ObserverRequest = {
  observer: 'a',
  device: 'vnet0',
  watch: 'port',
  engine: 'libpcap',
  macs: [guestMac],
  filter: '',
  snaplen: 256,
  buffer: 1 << 20,
  description: 'step 1',
};

/** The process of the capture helper that this one has started last, once it is Node. */
async function helperHere(): Promise<number> {
  let found: number[] = [];
  await until('a helper', () => {
    const children = readdirSync('/proc/self/task').flatMap((task) =>
      readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
    );
    found = children.filter((pid) => /node\0[^\0]*helper\.cjs\0capture\0/.test(procText(`/proc/${pid}/cmdline`)));
    return found.length > 0;
  });
  return Math.max(...found);
}

describe('a capture helper that is kept from step to step', needs(root), () => {
  let network: TestNetwork;
  let manager: CapturePool;
  beforeEach(() => {
    network = testNetwork();
    manager = keepCapture();
  });
  afterEach(() => {
    manager.end();
    network.close();
  });

  async function start(
    observers: readonly ObserverRequest[],
  ): Promise<{ capture: Capture; file: string; faults: Fault[] }> {
    const file = network.file();
    const capture = await manager.start({ file, netns: network.netns, runTag, observers });
    const faults: Fault[] = [];
    capture.onFault((fault) => faults.push(fault));
    return { capture, file, faults };
  }
  async function send(count: number, first = 0): Promise<void> {
    const sender = await startSender({ out: { device: 'vnet0', netns: network.netns } });
    const bytes = frames(first + count);
    await sender.send('out', bytes.subarray(first * 60), 60, null);
    await sender.stop();
  }
  /** What a step does: opens, seals, has frames sent, stops. */
  async function step(
    observers: readonly ObserverRequest[],
    count: number,
  ): Promise<{ pid: number; file: string; faults: readonly Fault[]; counters: unknown; counted: number }> {
    const { capture, file, faults } = await start(observers);
    await capture.open(observers);
    expect(await capture.seal()).toMatchObject({ capabilities: '0000000000002000', filtered: true });
    let counted = 0;
    capture.onCounts((taken) => (counted = taken));
    await capture.mark('before');
    await send(count);
    await capture.mark('after');
    const { counters } = await capture.stop();
    return { pid: capture.pids()[0] ?? 0, file, faults, counters, counted };
  }
  const packets = (file: string): number => readCapture(file).frames.length;

  test('is the same process for the same observers, and each step has its own frames, counts and description', async () => {
    const first = await step([port], 5);
    await send(7); // between the steps: nobody's
    const second = await step([{ ...port, description: 'step 2' }], 3);
    expect(second.pid).toBe(first.pid);
    for (const [said, count] of [
      [first, 5],
      [second, 3],
    ] as const) {
      expect(said).toMatchObject({
        faults: [],
        counted: count,
        counters: { a: { received: count, dropped: 0, delivered: count } },
      });
      expect(packets(said.file)).toBe(count);
    }
    expect(readCapture(second.file).items).toContainEqual(
      expect.objectContaining({ kind: 'interface', description: 'step 2' }),
    );
  });

  test('is the one that was started before, which hears nothing of what happened to links meanwhile', async () => {
    manager.warm(network.netns);
    const warmed = await helperHere();
    network.ip('link set dev vnet0 down');
    network.ip('link set dev vnet0 up');
    const first = await step([port], 3);
    expect(first).toMatchObject({
      pid: warmed,
      faults: [],
      counters: { a: { received: 3, dropped: 0, delivered: 3 } },
    });
  });

  test('that was started before ends with the pool, and if the first capture is elsewhere', async () => {
    manager.warm(null);
    const elsewhere = await helperHere();
    const first = await step([port], 1);
    expect(first.pid).not.toBe(elsewhere);
    await until('its end', () => !processExists(elsewhere));
    manager.end();
    manager.warm(network.netns);
    const unused = await helperHere();
    manager.end();
    await until('its end, too', () => !processExists(unused));
  });

  test('takes what the filter of its step takes', async () => {
    const first = await step([{ ...port, filter: 'arp' }], 4);
    const second = await step([port], 4);
    const third = await step([{ ...port, filter: `ether src ${guestMac}` }], 4);
    expect([second.pid, third.pid]).toEqual([first.pid, first.pid]);
    expect([first, second, third].map(({ file }) => packets(file))).toEqual([0, 4, 0]);
    expect(third.counters).toEqual({ a: { received: 0, dropped: 0, delivered: 0 } });
  });

  test('is another one for other observers, and ends', async () => {
    const first = await step([port], 1);
    const second = await step([port, { ...port, observer: 'b', device: 'eth0' }], 1);
    const third = await step([{ ...port, snaplen: 128 }], 1);
    expect(new Set([first, second, third].map(({ pid }) => pid)).size).toBe(3);
    await until('the first two are gone', () => !processExists(first.pid) && !processExists(second.pid));
    manager.end();
    await until('so is the last', () => !processExists(third.pid));
  });

  test('is another one, with the file begun anew, where an interface was down meanwhile, and nobody hears of that', async () => {
    const first = await step([port], 1);
    const { capture, file, faults } = await start([port]);
    network.ip('link set dev vnet0 down');
    network.ip('link set dev vnet0 up');
    await capture.open([port]);
    expect(capture.pids()).not.toEqual([first.pid]);
    await capture.seal();
    await send(2);
    expect((await capture.stop()).counters).toEqual({ a: { received: 2, dropped: 0, delivered: 2 } });
    expect([faults, packets(file)]).toEqual([[], 2]);
    expect(readCapture(file).items.filter(({ kind }) => kind === 'interface')).toHaveLength(1);
  });

  test('is another one where another interface has the name', async () => {
    const first = await step([port], 1);
    network.ip('link set dev vnet0 name former');
    network.ip('link add vnet0 type veth peer name eth1');
    network.ip('link set dev eth1 up');
    network.ip('link set dev vnet0 up');
    const second = await step([port], 2);
    expect(second.pid).not.toBe(first.pid);
    expect(packets(second.file)).toBe(2);
  });

  test('is another one after one that was killed or stood still while it rested', { tags: 'all' }, async () => {
    const first = await step([port], 1);
    process.kill(first.pid, 'SIGKILL');
    while (processExists(first.pid)) await sleep(10);
    const second = await step([port], 1);
    process.kill(second.pid, 'SIGSTOP');
    await sleep(patient(3500));
    const third = await step([port], 1);
    expect(new Set([first, second, third].map(({ pid }) => pid)).size).toBe(3);
    expect([second, third].map(({ faults, counters }) => [faults, counters])).toEqual(
      [second, third].map(() => [[], { a: { received: 1, dropped: 0, delivered: 1 } }]),
    );
  });

  test('is another one after a fault in its step, of which only that step hears', async () => {
    const { capture, faults } = await start([port]);
    await capture.open([port]);
    await capture.seal();
    network.ip('link set dev vnet0 down');
    await until('the fault', () => faults.length > 0);
    await capture.stop();
    network.ip('link set dev vnet0 up');
    const second = await step([port], 1);
    expect(second.pid).not.toBe(capture.pids()[0]);
    expect(second.faults).toEqual([]);
  });

  test('leaves its file where nothing was opened, and does not overwrite one', async () => {
    await step([port], 1);
    const { capture, file } = await start([port]);
    await capture.stop();
    expect([existsSync(file), packets(file)]).toEqual([true, 0]);
    await expect(manager.start({ file, netns: network.netns, runTag, observers: [port] })).rejects.toMatchObject({
      code: 'file-failed',
      exitCode: 69,
    });
  });
});
