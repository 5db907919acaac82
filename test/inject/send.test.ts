import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startSender, type Sender } from '../../src/inject/send-client.js';
import { frames, isRoot, processExists, testNetwork, type TestNetwork } from '../capture/test-network.js';

describe.skipIf(!isRoot)('sending helper', () => {
  let network: TestNetwork;
  let sender: Sender;
  beforeEach(async () => {
    network = testNetwork();
    sender = await startSender({ out: { device: 'vnet0', netns: network.netns }, back: { device: 'eth0', netns: network.netns } });
  });
  afterEach(async () => {
    await sender.stop();
    network.close();
  });
  const received = (device: string): number => Number(/RX:[^\n]*\n\s*\d+\s+(\d+)/.exec(network.ip('-s', 'link', 'show', 'dev', device))?.[1]);

  test('puts each frame on the interface that its socket names, once', async () => {
    expect(await sender.send('out', frames(3000), 60, null)).toEqual({ accepted: 3000, error: null });
    expect(await sender.send('back', frames(7), 60, null)).toEqual({ accepted: 7, error: null });
    expect([received('eth0'), received('vnet0')]).toEqual([3000, 7]);
  });

  test.each([500, 20_000])('keeps to %i frames a second', async (perSecond) => {
    const count = perSecond / 2;
    const began = performance.now();
    await sender.send('out', frames(count), 60, perSecond);
    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThan(480);
    expect(tookMs).toBeLessThan(1000);
  });

  test('says how many frames left before the interface went down', async () => {
    const sending = sender.send('out', frames(4000), 60, 4000);
    setTimeout(() => network.ip('link', 'set', 'dev', 'vnet0', 'down'), 300);
    const { accepted, error } = await sending;
    expect(error).toBe('ENETDOWN');
    expect(accepted).toBeGreaterThan(0);
    expect(accepted).toBeLessThan(4000);
    network.ip('link', 'set', 'dev', 'vnet0', 'up');
    expect(received('eth0')).toBe(accepted);
  });

  test('says that a frame is too long for the interface', async () => {
    expect(await sender.send('out', frames(1, 2000), 2000, null)).toEqual({ accepted: 0, error: 'EMSGSIZE' });
  });

  test('is gone when it was stopped', async () => {
    const one = await startSender({ out: { device: 'vnet0', netns: network.netns } });
    await one.stop();
    expect(processExists(one.pid)).toBe(false);
  });

  test('counts as not sent what a helper that was killed did not answer for', async () => {
    const one = await startSender({ out: { device: 'vnet0', netns: network.netns } });
    const sending = one.send('out', frames(1000), 60, 500);
    setTimeout(() => one.kill(), 200);
    expect(await sending).toEqual({ accepted: 0, error: 'helper-died' });
  });

  test('names an interface that does not exist', async () => {
    await expect(startSender({ out: { device: 'nothing0', netns: network.netns } })).rejects.toMatchObject({ code: 'interface-gone' });
  });
});
