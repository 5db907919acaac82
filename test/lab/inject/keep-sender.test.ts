import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keepSender, type SenderPool } from '../../../src/system/inject/keep-sender.js';
import { frames, processExists, testNetwork, type TestNetwork } from '../../support/lab/test-network.js';
import { needs, root } from '../../support/needs.js';

describe('a sending helper that is kept from step to step', needs(root), () => {
  let networks: TestNetwork[];
  let manager: SenderPool;
  const made = (): TestNetwork => {
    const network = testNetwork();
    networks.push(network);
    return network;
  };
  const out = ({ netns }: TestNetwork): { readonly out: { readonly device: string; readonly netns: string } } => ({
    out: { device: 'vnet0', netns },
  });
  beforeEach(() => {
    networks = [];
    manager = keepSender();
  });
  afterEach(async () => {
    await manager.end();
    for (const network of networks) network.close();
  });

  test('is the same process for senders that need the same namespaces, whatever their interfaces, and sends for each', async () => {
    const network = made();
    const first = await manager.start(out(network));
    expect(await first.send('out', frames(3), 60, null)).toEqual({ accepted: 3, error: null });
    await first.stop();
    const second = await manager.start({ back: { device: 'eth0', netns: network.netns } });
    expect(second.pid).toBe(first.pid);
    expect(await second.send('back', frames(2), 60, null)).toEqual({ accepted: 2, error: null });
    expect(await second.send('out', frames(2), 60, null)).toMatchObject({ accepted: 0, error: 'protocol' });
  });

  test('is the one that was started before, and one that nobody has ends with the pool', async () => {
    const children = (): readonly number[] =>
      readdirSync('/proc/self/task').flatMap((task) =>
        readFileSync(`/proc/self/task/${task}/children`, 'utf8').trim().split(' ').filter(Boolean).map(Number),
      );
    const before = children();
    manager.warm();
    const [warmed] = children().filter((pid) => !before.includes(pid));
    const first = await manager.start(out(made()));
    expect(first.pid).toBe(warmed);
    expect(await first.send('out', frames(3), 60, null)).toEqual({ accepted: 3, error: null });
    await manager.end();
    manager.warm();
    const [unused = 0] = children().filter((pid) => !before.includes(pid));
    await manager.end();
    expect(unused).toBeGreaterThan(0);
    expect(processExists(unused)).toBe(false);
  });

  test('comes to have a socket in every namespace that some sender needed', async () => {
    const [here, there] = [made(), made()];
    const pids: number[] = [];
    for (const network of [here, there, here, there]) {
      const sender = await manager.start(out(network));
      pids.push(sender.pid);
      expect(await sender.send('out', frames(1), 60, null)).toEqual({ accepted: 1, error: null });
      await sender.stop();
    }
    expect(pids.map((pid) => pids.indexOf(pid))).toEqual([0, 1, 1, 1]);
    expect(processExists(pids[0] ?? 0)).toBe(false);
  });

  test('is another one after one that was killed', async () => {
    const network = made();
    const first = await manager.start(out(network));
    first.kill();
    while (processExists(first.pid)) await sleep(10);
    const second = await manager.start(out(network));
    expect(second.pid).not.toBe(first.pid);
    expect(await second.send('out', frames(1), 60, null)).toEqual({ accepted: 1, error: null });
  });

  test('is another one after one that was silent for too long, of which only its own sender hears', {
    tags: 'all',
  }, async () => {
    const network = made();
    const first = await manager.start(out(network));
    const [reported, reportedLater]: string[][] = [[], []];
    first.onFault(({ code }) => reported?.push(code));
    process.kill(first.pid, 'SIGSTOP');
    while (reported?.length === 0) await sleep(50);
    expect(reported).toEqual(['helper-silent']);
    await first.stop();
    const second = await manager.start(out(network));
    second.onFault(({ code }) => reportedLater?.push(code));
    expect(second.pid).not.toBe(first.pid);
    expect(await second.send('out', frames(1), 60, null)).toEqual({ accepted: 1, error: null });
    expect([reported, reportedLater]).toEqual([['helper-silent'], []]);
  });

  test('names an interface that is not there, and serves the next', async () => {
    const network = made();
    await expect(manager.start({ out: { device: 'nothing0', netns: network.netns } })).rejects.toMatchObject({
      code: 'interface-gone',
    });
    expect(await (await manager.start(out(network))).send('out', frames(1), 60, null)).toEqual({
      accepted: 1,
      error: null,
    });
  });

  test('is not there where nothing is to be sent, and gone at the end', async () => {
    const network = made();
    expect((await manager.start({})).pid).toBe(0);
    const { pid } = await manager.start(out(network));
    expect(processExists(pid)).toBe(true);
    await manager.end();
    expect(processExists(pid)).toBe(false);
  });
});
