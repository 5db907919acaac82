import { closeSync, readFileSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSender } from '../../../src/system/inject/helper.js';
import { sendFrames } from '../../../src/system/inject/send-frames.js';
import { openSendingSocket, type Sender, sendingInterface } from '../../../src/system/inject/sender.js';
import { openSharedFile } from '../../../src/system/kernel/fd-passing.js';
import { startHelper } from '../../../src/system/process/helper-process.js';
import { frames, processExists, testNetwork, type TestNetwork } from '../../support/lab/test-network.js';
import { patient } from '../../support/patient.js';
import { needs, root } from '../../support/needs.js';

describe('sending helper', needs(root), () => {
  let network: TestNetwork;
  let sender: Sender;
  beforeEach(async () => {
    network = testNetwork();
    sender = await startSender({
      out: { device: 'vnet0', netns: network.netns },
      back: { device: 'eth0', netns: network.netns },
    });
  });
  afterEach(async () => {
    await sender.stop();
    network.close();
  });
  const received = (device: string): number =>
    Number(/RX:[^\n]*\n\s*\d+\s+(\d+)/.exec(network.ip(`-s link show dev ${device}`))?.[1]);

  test('puts each frame on the interface that its socket names, once', async () => {
    expect(await sender.send('out', frames(3000), 60, null)).toEqual({ accepted: 3000, error: null });
    expect(await sender.send('back', frames(7), 60, null)).toEqual({ accepted: 7, error: null });
    expect([received('eth0'), received('vnet0')]).toEqual([3000, 7]);
  });

  test('is what the kernel ends first where memory runs out', () => {
    expect(readFileSync(`/proc/${sender.pid}/oom_score_adj`, 'utf8').trim()).toBe('1000');
  });

  test('sends one batch on several interfaces, each frame where its route says', async () => {
    const routes = [
      { socket: 'out', count: 40 },
      { socket: 'back', count: 1 },
      { socket: 'out', count: 6000 },
      { socket: 'back', count: 2 },
    ];
    expect(await sender.sendRouted(routes, frames(6043), 60, null)).toEqual({ accepted: 6043, error: null });
    expect([received('eth0'), received('vnet0')]).toEqual([6040, 3]);
  });

  test('sends frames of several lengths in one batch, of each as many bytes as its route says', async () => {
    const bytes = (device: string): number =>
      Number(/RX:[^\n]*\n\s*(\d+)/.exec(network.ip(`-s link show dev ${device}`))?.[1]);
    const routes = [
      { socket: 'out', count: 100, size: 60 },
      { socket: 'out', count: 3 },
      { socket: 'back', count: 2, size: 70 },
    ];
    expect(await sender.sendRouted(routes, frames(105, 80), 80, null)).toEqual({ accepted: 105, error: null });
    expect([bytes('eth0'), bytes('vnet0')]).toEqual([100 * 60 + 3 * 80, 2 * 70]);
  });

  test.each([13, 61])('sends no frames of 60 bytes as %i', async (size) => {
    const faults: string[] = [];
    sender.onFault(({ message }) => faults.push(message));
    const outcome = await sender.sendRouted([{ socket: 'out', count: 1, size }], frames(1), 60, null);
    expect([outcome, faults.join()]).toEqual([
      { accepted: 0, error: 'helper-died' },
      expect.stringContaining(`frames of 60 bytes are not sent as ${size}`),
    ]);
  });

  test('ends a batch at the first interface that refuses, and says how far it came', async () => {
    network.ip('link set dev eth0 down');
    expect(
      await sender.sendRouted(
        [
          { socket: 'out', count: 3 },
          { socket: 'back', count: 1 },
          { socket: 'out', count: 5 },
        ],
        frames(9),
        60,
        null,
      ),
    ).toMatchObject({ accepted: 3, error: 'ENETDOWN' });
  });

  test.each([500, 20_000])('keeps to %i frames a second', async (perSecond) => {
    const count = perSecond / 2;
    const began = performance.now();
    await sender.send('out', frames(count), 60, perSecond);
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThan(480);
    expect(tookMs).toBeLessThan(patient(3000)); // a processor that others have too
  });

  test('keeps to a rate over requests one after the other', async () => {
    const fd = openSendingSocket(network.netns);
    const request = {
      routes: [{ fd, interface: sendingInterface(fd, 'vnet0'), count: 2 }],
      frames: frames(2),
      length: 60,
      perSecond: 1000,
    };
    const began = performance.now();
    let notBeforeMs = 0;
    for (let sent = 0; sent < 200; sent += 2)
      ({ nextMs: notBeforeMs } = await sendFrames({ ...request, notBeforeMs }, () => true));
    closeSync(fd);
    expect(performance.now() - began).toBeGreaterThan(200 - 3 - 1); // three may leave at once, by 2 ms of delay
  });

  test('says how many frames left before the interface went down', async () => {
    const before = received('eth0');
    const sending = sender.send('out', frames(4000), 60, 4000);
    while (received('eth0') === before) await sleep(10);
    network.ip('link set dev vnet0 down');
    const { accepted, error } = await sending;
    expect(error).toBe('ENETDOWN');
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(4000);
    network.ip('link set dev vnet0 up');
    // A frame that the kernel has taken waits for its receiver in a queue, which is emptied where an interface goes
    // down: net/core/dev.c, flush_backlog.
    const lost = accepted - received('eth0');
    expect([0, 1]).toContain(lost);
  });

  test('says that a frame is too long for the interface', async () => {
    expect(await sender.send('out', frames(1, 2000), 2000, null)).toEqual({ accepted: 0, error: 'EMSGSIZE' });
  });

  test.each([null, 1e9])(
    'lets the event loop turn while it sends, also at a rate that the kernel does not reach: %s',
    async (perSecond) => {
      const fd = openSendingSocket(network.netns);
      let [turns, sending] = [0, true];
      const turn = (): void => {
        turns += 1;
        if (sending) setImmediate(turn);
      };
      setImmediate(turn);
      const routes = [{ fd, interface: sendingInterface(fd, 'vnet0'), count: 20_000 }];
      expect(
        await sendFrames({ routes, frames: Buffer.from(frames(20_000)), length: 60, perSecond }, () => true),
      ).toMatchObject({ accepted: 20_000, error: null });
      sending = false;
      closeSync(fd);
      expect(turns).toBeGreaterThan(20_000 / 1000);
    },
  );

  test('goes on beating while it sends a large message', async () => {
    const fd = openSendingSocket(network.netns);
    const file = openSharedFile();
    writeSync(file, frames(100_000));
    const helper = await startHelper('send');
    const device = sendingInterface(fd, 'vnet0');
    const beats: number[] = [];
    helper.subscribe((message) => (message.type === 'beat' ? beats.push(performance.now()) : undefined));
    const opened = helper.next('opened', () => true, 3000);
    helper.hand(fd);
    closeSync(fd);
    await helper.send({ type: 'adopt', socket: 'a' });
    await opened;
    helper.hand(file);
    closeSync(file);
    await helper.send({ type: 'frames' });
    const sent = helper.next('sent', () => true, patient(10_000));
    await helper.send({
      type: 'send',
      id: 1,
      routes: [{ socket: 'a', interface: device, count: 100_000 }],
      length: 60,
      at: 0,
      bytes: 6_000_000,
      perSecond: 100_000,
    });
    expect((await sent).accepted).toBe(100_000);
    const longestMs = Math.max(...beats.slice(1).map((at, index) => at - (beats[index] ?? at)));
    expect(beats.length).toBeGreaterThan(5);
    expect(longestMs).toBeLessThan(patient(500));
    await helper.close();
  });

  test('refuses a descriptor that is no packet socket and ends', async () => {
    const helper = await startHelper('send');
    helper.hand(2);
    await helper.send({ type: 'adopt', socket: 'a' });
    expect(await helper.ended).toMatchObject({
      status: 70,
      stderr: expect.stringContaining('the descriptor of "a" is no packet socket'),
    });
    expect(() => helper.hand(2)).toThrow('has ended');
  });

  test('is gone when it was stopped', async () => {
    const sender = await startSender({ out: { device: 'vnet0', netns: network.netns } });
    await sender.stop();
    expect(processExists(sender.pid)).toBe(false);
  });

  test('counts as not sent what a helper that was killed did not answer for', async () => {
    const sender = await startSender({ out: { device: 'vnet0', netns: network.netns } });
    const sending = sender.send('out', frames(1000), 60, 500);
    setTimeout(() => sender.kill(), 200);
    expect(await sending).toEqual({ accepted: 0, error: 'helper-died' });
  });

  test('names an interface that does not exist', async () => {
    await expect(startSender({ out: { device: 'nothing0', netns: network.netns } })).rejects.toMatchObject({
      code: 'interface-gone',
    });
  });
});
