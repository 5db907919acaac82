import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Fault } from '../../../src/core/model/timeline.js';
import type { Capture } from '../../../src/system/capture/client.js';
import type { CaptureOptions, ObserverRequest } from '../../../src/system/capture/helper.js';
import { listenAndSend, portRequest } from './listen-and-send.js';
import {
  frames,
  guestMac,
  readCapture,
  runTag,
  testNetwork,
  type TestNetwork,
  until,
} from '../../support/lab/test-network.js';
import { needs, root } from '../../support/needs.js';

const engines = [
  { name: 'libpcap', engine: 'libpcap' },
  { name: 'libpcap, in slots', engine: 'libpcap', immediate: true },
  { name: 'ring', engine: 'ring' },
  { name: 'cap', engine: 'cap' },
] as const;
const mebibyte = 1 << 20;

/** The contract of an engine (src/system/capture/engine.ts), held by each of them over a whole helper. */
describe.each(engines)('engine $name', needs(root), ({ name: _, ...contestant }) => {
  const { engine } = contestant;
  /** Of all tests that leave it as it was, with the helper that sends there. */
  let shared: TestNetwork;
  let network: TestNetwork;
  const { start, send: sendIn, endCapture, leave } = listenAndSend();
  let faults: Fault[];

  beforeAll(() => {
    shared = testNetwork();
  });
  beforeEach(() => {
    network = shared;
    faults = [];
  });
  afterEach(async () => {
    await endCapture();
    if (network !== shared) await leave(network);
  });
  afterAll(() => leave(shared));

  async function listen(
    changes: Partial<ObserverRequest> = {},
    options: Partial<CaptureOptions> = {},
  ): Promise<Capture> {
    const started = await start(network, { runTag, ...options });
    started.onFault((fault) => faults.push(fault));
    const buffer = (engine === 'cap' ? 64 : 8) * mebibyte;
    await started.open([portRequest(engine, { ...contestant, filter: 'ether proto 0x88b5', buffer, ...changes })]);
    return started;
  }
  const send = (socket: 'toGuest' | 'fromGuest', bytes: Buffer, length?: number, perSecond?: number): Promise<number> =>
    sendIn(network, socket, bytes, length, perSecond);
  const hit = (code: string): boolean => faults.some((fault) => fault.code === code && fault.observers.includes('g1'));

  test('catches the first and only frame', { tags: ['kernel'] }, async () => {
    const started = await listen();
    expect(await send('toGuest', frames(1))).toBe(1);
    const stopped = await started.stop();
    expect(stopped.counters).toEqual({ g1: { received: 1, dropped: 0, delivered: 1 } });
    expect(readCapture(started.files[0] ?? '').frames).toHaveLength(1);
    expect(faults).toEqual([]);
  });

  test.each([16, 160, 1023, 5000])('accounts for every frame of a burst of %i', async (count) => {
    const started = await listen();
    await send('toGuest', frames(count));
    const { counters, written } = await started.stop();
    const { received, dropped, delivered } = counters['g1'] ?? { received: 0, dropped: 0, delivered: 0 };
    expect(received).toBe(count);
    expect(delivered).toBe(received - dropped);
    expect(written['g1']).toBe(delivered);
    if (engine !== 'cap' || count <= 1000) expect(dropped).toBe(0);
    const numbers = readCapture(started.files[0] ?? '').frames.map((frame) => frame.number);
    expect(numbers).toHaveLength(delivered);
    if (dropped === 0) expect(numbers).toEqual(Array.from({ length: count }, (_, at) => at));
  });

  test('tells frames towards the guest from those that the guest sends', { tags: ['kernel'] }, async () => {
    const started = await listen();
    await send('toGuest', frames(3));
    await send('fromGuest', frames(5, 60, guestMac, '02:00:00:00:00:02'));
    await started.stop();
    const { frames: seen } = readCapture(started.files[0] ?? '');
    expect(seen.filter((frame) => frame.direction === 2)).toHaveLength(3);
    expect(seen.filter((frame) => frame.direction === 1)).toHaveLength(5);
  });

  test('cuts frames to snaplen and knows their length on the wire, or says that it does not', async () => {
    const started = await start(network);
    const [listening] = await started.open([
      portRequest(engine, { ...contestant, macs: [], snaplen: 100, description: 'x' }),
    ]);
    await send('toGuest', frames(2, 1400), 1400);
    await started.stop();
    const { frames: seen } = readCapture(started.files[0] ?? '');
    expect(seen.map((frame) => frame.captured)).toEqual([100, 100]);
    expect(listening?.facts.originalLength).toBe(engine !== 'cap');
    if (engine !== 'cap') expect(seen.map((frame) => frame.original)).toEqual([1400, 1400]);
  });

  test('hands over only what the filter takes', async () => {
    const started = await listen({ filter: 'ether src 02:00:00:00:00:09' });
    await send('toGuest', frames(10));
    await send('toGuest', frames(4, 60, '02:00:00:00:00:09'));
    expect((await started.stop()).counters['g1']).toEqual({ received: 4, dropped: 0, delivered: 4 });
  });

  test('opened in the middle of traffic counts what came before its filter, and writes none of it', async () => {
    await send('toGuest', frames(1));
    const traffic = send('toGuest', frames(100_000), 60, 100_000);
    await new Promise((resolve) => setTimeout(resolve, 100));
    const started = await listen({ filter: 'ether src 02:00:00:00:00:09' });
    await traffic;
    await send('toGuest', frames(4, 60, '02:00:00:00:00:09'));
    const { counters, written } = await started.stop();
    const { received, dropped, delivered } = counters['g1'] ?? { received: 0, dropped: 0, delivered: 0 };
    expect(delivered).toBe(received - dropped);
    expect(delivered).toBeGreaterThanOrEqual(4);
    expect(delivered).toBeLessThan(20_000); // none of those that came later
    expect(written).toEqual({ g1: 4 });
  });

  test.each(['ether proto', 'inbound', 'ether proto 0x88b5 and outbound', 'ifindex 1'])(
    'refuses the filter "%s"',
    async (filter) => {
      await expect(listen({ filter })).rejects.toMatchObject({ code: 'bad-filter' });
      expect(hit('bad-filter')).toBe(true);
    },
  );

  test('names a device that does not exist', async () => {
    await expect(listen({ device: 'nothing0' })).rejects.toMatchObject({ code: 'interface-gone' });
  });

  test.each([
    ['goes down', 'interface-down', ['link', 'set', 'dev', 'vnet0', 'down']],
    ['loses its carrier', 'interface-down', ['link', 'set', 'dev', 'eth0', 'down']],
    ['is deleted', 'interface-gone', ['link', 'del', 'dev', 'vnet0']],
  ] as const)('says that a device %s', async (_, code, command) => {
    network = testNetwork();
    const started = await listen();
    network.ip(...command);
    await until(code, () => hit(code) || (engine === 'cap' && hit('helper-died')));
    await started.stop();
  });

  test('says that a device moved to another namespace', async () => {
    network = testNetwork();
    await listen();
    const otherNetwork = testNetwork();
    try {
      network.ip(`link set dev vnet0 name moved0 netns ${otherNetwork.netns.replace('self', String(process.pid))}`);
      await until('interface-gone', () => hit('interface-gone') || (engine === 'cap' && hit('helper-died')));
    } finally {
      otherNetwork.close();
    }
  });

  test('reports what was lost while it stood still', async () => {
    const started = await listen({ buffer: mebibyte });
    await send('toGuest', frames(1));
    for (const pid of started.pids()) process.kill(pid, 'SIGSTOP');
    const sent = 1 + (await send('toGuest', frames(40_000)));
    for (const pid of started.pids()) process.kill(pid, 'SIGCONT');
    const { counters, written } = await started.stop();
    const { received, dropped, delivered } = counters['g1'] ?? { received: 0, dropped: 0, delivered: 0 };
    // what one socket for many observers lost may have been any one's: it counts for each
    if (engine === 'ring') expect(received).toBeGreaterThanOrEqual(sent);
    else expect(received).toBe(sent);
    expect(dropped).toBeGreaterThan(0);
    expect(delivered).toBe(received - dropped);
    expect(written['g1']).toBe(delivered);
    // The numbers in the frames tell the same: as many are missing as the kernel says that it dropped.
    const missing = 40_000 - new Set(readCapture(started.files[0] ?? '').frames.map((frame) => frame.number)).size;
    expect(missing).toBe(dropped - (received - sent));
  });

  test('has delivered at a mark what was received before it, and loses nothing after', async () => {
    const started = await listen();
    await send('toGuest', frames(500), 60, 20_000);
    const { g1: marked } = await started.mark('one');
    expect(marked?.received).toBe(500);
    expect(marked?.delivered).toBeGreaterThanOrEqual((marked?.received ?? 0) - (marked?.dropped ?? 0));
    await send('toGuest', frames(300), 60, 20_000);
    expect((await started.stop()).counters['g1']).toEqual({ received: 800, dropped: 0, delivered: 800 });
  });

  test('raises promiscuity only if it cannot do otherwise', async () => {
    const before = network.promiscuity('vnet0');
    await listen();
    expect(network.promiscuity('vnet0') - before).toBe(engine === 'cap' ? 1 : 0);
  });

  test('never makes a bridge device promiscuous, and hears there only what the host accepts', async () => {
    network = testNetwork();
    network.ip('link add br0 address 02:00:00:00:00:99 type bridge');
    network.ip('link set dev vnet0 master br0');
    network.ip('link set dev br0 up');
    const before = network.promiscuity('br0');
    const started = await listen({ device: 'br0', watch: 'bridge' });
    expect(network.promiscuity('br0')).toBe(before);
    // as a relay does: others' frames come to br0 as OTHERHOST
    network.ip('link set dev br0 promisc on');
    await send('fromGuest', frames(7, 60, guestMac, '02:00:00:00:00:55'));
    await send('fromGuest', frames(3, 60, guestMac, '02:00:00:00:00:99'));
    await send('fromGuest', frames(2, 60, guestMac, 'ff:ff:ff:ff:ff:ff'));
    expect((await started.stop()).counters['g1']).toEqual({ received: 5, dropped: 0, delivered: 5 });
    expect(readCapture(started.files[0] ?? '').frames.map((frame) => frame.direction)).toEqual([1, 1, 1, 1, 1]);
  });

  test('opens nothing after the seal and may do nothing but packet sockets', async () => {
    const started = await listen();
    expect(await started.seal()).toMatchObject({ capabilities: '0000000000002000' });
    await expect(
      started.open([
        {
          observer: 'g2',
          device: 'eth0',
          watch: 'port',
          ...contestant,
          macs: [],
          filter: '',
          snaplen: 256,
          buffer: mebibyte,
          description: '',
        },
      ]),
    ).rejects.toMatchObject({ code: 'open-failed' });
  });
});
