import { readdirSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startCapture } from '../../../src/system/capture/client.js';
import { startSender } from '../../../src/system/inject/helper.js';
import { inNamespace } from '../../../src/system/kernel/namespaces.js';
import { startRelay } from '../../../src/system/traffic/relay-client.js';
import { frames, guestMac, runTag, testNetwork, type TestNetwork } from '../../support/lab/test-network.js';
import { needs, readable, root } from '../../support/needs.js';
import { portRequest } from './listen-and-send.js';

/** What all threads of a process may do, as the kernel tells: a thread with other rights makes another entry. */
function rightsOf(pid: number): readonly string[] {
  const lines = readdirSync(`/proc/${pid}/task`).map((thread) => {
    const status = readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8');
    const value = (name: string): string => new RegExp(`^${name}:\\s*(\\S+)$`, 'm').exec(status)?.[1] ?? '?';
    return ['CapEff', 'CapPrm', 'CapBnd', 'CapAmb', 'NoNewPrivs']
      .map((name) => `${name} ${value(name).replace(/^0+(?=.)/, '')}`)
      .join(', ');
  });
  return [...new Set(lines)];
}
/** Filters of system calls; a process is born with those of the one that starts it. */
const filtersOf = (pid: number): number =>
  Number(/^Seccomp_filters:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
const raw = 'CapEff 2000, CapPrm 2000, CapBnd 2000, CapAmb 2000, NoNewPrivs 1';
const none = 'CapEff 0, CapPrm 0, CapBnd 0, CapAmb 0, NoNewPrivs 1';

describe('a helper', needs(root, readable), () => {
  let network: TestNetwork;
  beforeEach(() => {
    network = testNetwork();
  });
  afterEach(() => network.close());

  test.each(['libpcap', 'ring', 'cap'] as const)(
    'that captures with %s has CAP_NET_RAW alone, and once it is sealed the kernel lets it open nothing; it hears all the same',
    async (engine) => {
      const capture = await startCapture({ file: network.file(), netns: network.netns, runTag });
      const open = (observer: string) => capture.open([portRequest(engine, { observer })]);
      const [pid = 0] = capture.pids();
      await open('a');
      expect([rightsOf(pid), filtersOf(pid)]).toEqual([[raw], filtersOf(process.pid)]);
      const { uid, ...sealed } = await capture.seal();
      expect(uid).toBeGreaterThanOrEqual(1_879_048_192);
      expect(sealed).toEqual({ capabilities: '0000000000002000', filtered: true });
      expect([rightsOf(pid), filtersOf(pid)]).toEqual([[raw], filtersOf(process.pid) + 1]);
      await expect(open('b')).rejects.toThrow('sealed');
      const sender = await startSender({ out: { device: 'vnet0', netns: network.netns } });
      await sender.send('out', frames(100), 60, null);
      await sender.stop();
      expect((await capture.stop()).counters['a']).toEqual({ received: 100, dropped: 0, delivered: 100 });
      await capture.ended();
    },
  );

  test('that sends has no capability at all, and is sealed before its first frame', async () => {
    const sender = await startSender({ out: { device: 'vnet0', netns: network.netns } });
    expect([rightsOf(sender.pid), filtersOf(sender.pid)]).toEqual([[none], filtersOf(process.pid) + 1]);
    expect(await sender.send('out', frames(10), 60, null)).toEqual({ accepted: 10, error: null });
    expect([rightsOf(sender.pid), filtersOf(sender.pid)]).toEqual([[none], filtersOf(process.pid) + 1]);
    expect(await sender.send('out', frames(10), 60, null)).toEqual({ accepted: 10, error: null });
    await sender.stop();
  });

  test('that relays has CAP_NET_RAW alone, and is sealed once it carries frames', async () => {
    network.ip('link add br0 type bridge');
    network.ip('link set dev br0 up');
    const relay = await inNamespace(network.netns, () =>
      startRelay({ bridge: 'br0', device: 'eth0', macs: [guestMac], everything: false }),
    );
    expect([rightsOf(relay.pid), filtersOf(relay.pid)]).toEqual([[raw], filtersOf(process.pid) + 1]);
    await relay.stop();
  });
});
