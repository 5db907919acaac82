import { closeSync, openSync, readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Capture } from '../../../src/system/capture/client.js';
import type { CaptureOptions } from '../../../src/system/capture/helper.js';
import { startHelper } from '../../../src/system/process/helper-process.js';
import { batches, damages, packets, readAll } from '../../support/pcap/helpers.js';
import { listenAndSend, portRequest } from './listen-and-send.js';
import {
  frames,
  guestMac,
  readCapture,
  runTag,
  testNetwork,
  type TestNetwork,
} from '../../support/lab/test-network.js';
import { needs, root } from '../../support/needs.js';

/** vnet0 and eth0 are in one namespace here, so that each frame comes to the ring twice: as vnet0's and as eth0's. */
describe('engine ring: what goes to the file as the kernel made it', needs(root), () => {
  const { start, send: sendTo, endCapture, leave } = listenAndSend();
  let network: TestNetwork;
  beforeEach(() => {
    network = testNetwork();
  });
  afterEach(async () => {
    await endCapture();
    await leave(network);
  });

  async function listen(devices: readonly string[], options: Partial<CaptureOptions> = {}): Promise<Capture> {
    const started = await start(network, { runTag, ...options });
    await started.open(devices.map((device) => portRequest('ring', { observer: device, device })));
    return started;
  }
  const send = (bytes: Buffer): Promise<number> => sendTo(network, 'toGuest', bytes);
  /** What any other program finds in the file, to which blocks of a ring are nothing. */
  const written = ({ files }: Capture): ReturnType<typeof packets> => packets(readAll(readFileSync(files[0] ?? '')));

  test('blocks whose frames all are observed', async () => {
    const started = await listen(['vnet0', 'eth0']);
    await send(frames(20_000));
    const { counters, written: counted } = await started.stop();
    expect(counters).toEqual({
      vnet0: { received: 20_000, dropped: 0, delivered: 20_000 },
      eth0: { received: 20_000, dropped: 0, delivered: 20_000 },
    });
    expect(counted).toEqual({ vnet0: 20_000, eth0: 20_000 });
    expect(written(started)).toEqual([]);
    const { frames: seen, items } = readCapture(started.files[0] ?? '');
    expect(damages(items)).toEqual([]);
    // A frame that begins at a word is known by whole words; the others are classified by their headers, which takes
    // ten times as long.
    expect(
      batches(items).every(
        ({ bytes, offset, count }) =>
          bytes.byteOffset % 4 === 0 && offset.subarray(0, count).every((at) => at % 4 === 0),
      ),
    ).toBe(true);
    const numbers = Array.from({ length: 20_000 }, (_, at) => at);
    expect(seen.filter(({ direction }) => direction === 2).map(({ number }) => number)).toEqual(numbers);
    expect(seen.filter(({ direction }) => direction === 1).map(({ number }) => number)).toEqual(numbers);
    expect(
      new Set(
        batches(items).flatMap((batch) =>
          Array.from(batch.interfaceId, (id, at) => `${id} ${String(batch.direction[at])}`),
        ),
      ),
    ).toEqual(new Set(['0 2', '1 1']));
    const now = BigInt(Date.now()) * 1_000_000n;
    for (const { timeNs } of seen) expect(now - timeNs < 60_000_000_000n && timeNs <= now).toBe(true);
  });

  test("no block in which somebody else's frames are", async () => {
    const started = await listen(['vnet0']);
    await send(frames(500));
    await started.stop();
    expect(written(started)).toHaveLength(500);
    expect(readCapture(started.files[0] ?? '').frames.map(({ number }) => number)).toEqual(
      Array.from({ length: 500 }, (_, at) => at),
    );
  });

  test("no block where only the run's own frames are to be kept", async () => {
    const started = await listen(['vnet0', 'eth0'], { only: 'run' });
    await send(Buffer.concat([frames(5), Buffer.alloc(60, 7), frames(5)]));
    const { counters, written: counted } = await started.stop();
    expect(counters['eth0']).toEqual({ received: 11, dropped: 0, delivered: 11 });
    expect(counted).toEqual({ vnet0: 10, eth0: 10 });
    expect(written(started)).toHaveLength(20);
  });

  test.each([
    ['blocks whole', ['vnet0', 'eth0']],
    ['frame by frame', ['eth0']],
  ])('with the tag of a tagged frame: %s', async (_, devices) => {
    const tagged = Buffer.from(`${guestMac}020000000002`.replaceAll(':', '') + '8100600588b5' + '00'.repeat(42), 'hex');
    const started = await listen(devices);
    await send(tagged);
    await started.stop();
    const items = readAll(readFileSync(started.files[0] ?? ''), undefined, { raw: true });
    expect(packets(items).map(({ data, original }) => ({ data, original }))).toEqual(
      devices.map(() => ({ data: tagged.toString('hex'), original: 60 })),
    );
  });

  test.each([
    ['of blocks', ['vnet0', 'eth0']],
    ['frame by frame', ['vnet0']],
  ])("keeps what carries the run's tag when its file takes nothing: %s", async (_, devices) => {
    const full = openSync('/dev/full', 'w');
    const helper = await startHelper('capture', { netns: network.netns });
    helper.hand(full);
    closeSync(full);
    const fault = helper.next('fault', (message) => message.code === 'file-failed', 5000);
    await helper.send({ type: 'file', path: '/dev/full', runTag, only: 'all', most: null });
    for (const device of devices) {
      const listening = helper.next('listening', (message) => message.observer === device, 5000);
      await helper.send({ type: 'open', ...portRequest('ring', { observer: device, device }) });
      await listening;
    }
    await send(Buffer.concat([frames(2), Buffer.alloc(60, 7)]));
    const stopped = helper.next('stopped', () => true, 5000);
    await helper.send({ type: 'stop' });
    expect((await fault).message).toContain('no space left on device');
    const { kept, written: counted, counters } = await stopped;
    const both = [0, 1].map((at) =>
      frames(2)
        .subarray(at * 60, at * 60 + 60)
        .toString('base64'),
    );
    for (const device of devices)
      expect(kept.filter(({ observer }) => observer === device)).toEqual(
        both.map((frame) => ({ observer: device, towards: device === 'vnet0', frame })),
      );
    expect(counted).toEqual(Object.fromEntries(devices.map((device) => [device, 0])));
    expect(counters['vnet0']).toEqual({ received: 3, dropped: 0, delivered: 3 });
    await helper.close();
  });
});
