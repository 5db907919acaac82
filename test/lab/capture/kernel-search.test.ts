import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { searchDepth, tokenWord } from '../../../src/core/wire/token-filter.js';
import type { Capture } from '../../../src/system/capture/client.js';
import { inNamespace } from '../../../src/system/kernel/namespaces.js';
import { lackingEbpf } from '../../support/lab/features.js';
import { needs, root } from '../../support/needs.js';
import { frames, readCapture, runTag, testNetwork, type TestNetwork } from '../../support/lab/test-network.js';
import { listenAndSend, portRequest } from './listen-and-send.js';

const mark = Buffer.from([0x56, 0x49, 1, 2, 3, 4]);
const lengths = [60, 61, 65, 98, 300, 511, 512, 513, 519, 1514];

/** A frame of zeros but for the Ethernet header and what is put at a place. */
function frameWith(length: number, at: number, what: Buffer): Buffer {
  const frame = frames(1, length);
  frame.fill(0, 14);
  what.copy(frame, at);
  return frame;
}

/** Frames with the mark at each place of interest, as `length` and place. */
const carriers = lengths.flatMap((length) =>
  Array.from({ length: length - 14 - mark.length + 1 }, (_, at) => 14 + at)
    .filter((at) => length < 100 || at % 7 === 0 || at > length - 20)
    .map((at) => ({ length, at, isFound: at + mark.length <= searchDepth })),
);
/** What looks like the mark: all but its last byte, at the end too; bytes of it at wrong distances; its first byte only. */
const others = [
  frameWith(60, 20, mark.subarray(0, 5)),
  frameWith(60, 55, mark.subarray(0, 5)),
  frameWith(98, 14, Buffer.from([...mark].reverse())),
  frameWith(98, 14, Buffer.from(Array.from({ length: 84 }, (_, at) => mark[(at * 5) % 6] ?? 0))),
  frameWith(300, 14, Buffer.alloc(286, 'V')),
  frameWith(300, 14, Buffer.alloc(286, Buffer.from([0x56, 0x49]))),
];

/** The kernel runs the programs (search-program.ts) on real frames, in a helper that was handed them. */
describe.each(['libpcap', 'ring'] as const)(
  'frames that are searched for in the kernel by engine %s',
  needs(root, lackingEbpf()),
  (engine) => {
    let network: TestNetwork;
    const { start, send, endCapture, leave } = listenAndSend();
    beforeAll(() => {
      network = testNetwork();
    });
    afterEach(endCapture);
    afterAll(() => leave(network));

    async function listen(snaplen = 2048): Promise<Capture> {
      const started = await start(network, { runTag, only: 'run' });
      await started.open([portRequest(engine, { filter: tokenWord(runTag), snaplen })]);
      return started;
    }
    const packetSockets = (): number =>
      inNamespace(network.netns, () => readFileSync('/proc/thread-self/net/packet', 'utf8').split('\n').length - 2);

    test.each(['toGuest', 'fromGuest'] as const)(
      'are those with the run’s mark anywhere in their first 512 bytes, %s',
      async (socket) => {
        const started = await listen();
        for (const { length, at } of carriers) await send(network, socket, frameWith(length, at, mark), length);
        for (const frame of others) await send(network, socket, frame, frame.length);
        const { counters } = await started.stop();
        const expected = carriers.filter(({ isFound }) => isFound);
        expect(counters['g1']).toEqual({ received: expected.length, dropped: 0, delivered: expected.length });
        const seen = readCapture(started.files[0] ?? '').frames;
        expect(seen.map(({ original }) => original)).toEqual(expected.map(({ length }) => length));
        expect(new Set(seen.map(({ direction }) => direction))).toEqual(new Set([socket === 'toGuest' ? 2 : 1]));
      },
    );

    if (engine === 'ring')
      test('are all where nothing is searched for, and are counted without a socket', async () => {
        const observers = [portRequest(engine, { filter: '', snaplen: 100 })];
        const started = await start(network, { runTag, only: 'all', observers });
        await started.open(observers);
        const before = packetSockets();
        started.count({ vnet0: { observers: ['g1'], devices: ['vnet0'] } });
        await started.seal();
        await started.mark('first', true);
        const first = started.accounts()['vnet0'];
        const ordinary = Buffer.concat(Array.from({ length: 20 }, () => frameWith(1400, 14, Buffer.alloc(0))));
        await send(network, 'toGuest', ordinary, 1400);
        await send(network, 'fromGuest', frames(7));
        await started.mark('last', true);
        const last = started.accounts()['vnet0'];
        expect(packetSockets()).toBe(before);
        expect([last?.low, last?.high]).toEqual([first?.low, first?.high]);
        expect((last?.sentAtLow ?? 0) - (first?.sentAtLow ?? 0)).toBe(20);
        expect((await started.stop()).counters['g1']).toEqual({ received: 27, dropped: 0, delivered: 27 });
        const seen = readCapture(started.files[0] ?? '').frames;
        const lengths = seen.map(({ captured, original, direction }) => [captured, original, direction]);
        expect(lengths).toEqual([...Array(20).fill([100, 1400, 2]), ...Array(7).fill([60, 60, 1])]);
      });

    test('are cut to the snap length', async () => {
      const started = await listen(100);
      await send(network, 'toGuest', frames(3, 1400), 1400);
      await started.stop();
      const seen = readCapture(started.files[0] ?? '').frames;
      expect(seen.map(({ captured, original }) => [captured, original])).toEqual(Array(3).fill([100, 1400]));
    });

    test('are counted with all others that leave, without a socket for it', async () => {
      const started = await listen();
      const before = packetSockets();
      started.count({ vnet0: { observers: ['g1'], devices: ['vnet0'] } });
      await started.seal();
      await started.mark('first', true);
      const first = started.accounts()['vnet0'];
      const withoutMark = frames(20);
      for (let at = 0; at < 20; at += 1) withoutMark.fill(0, at * 60 + 14, at * 60 + 60);
      await send(network, 'toGuest', withoutMark);
      await send(network, 'toGuest', frames(5));
      await send(network, 'fromGuest', frames(7));
      await started.mark('last', true);
      const last = started.accounts()['vnet0'];
      expect(packetSockets()).toBe(before);
      // what was counted and what the kernel says stay as far apart as they were: nothing left unheard
      expect([last?.low, last?.high]).toEqual([first?.low, first?.high]);
      expect((last?.sentAtLow ?? 0) - (first?.sentAtLow ?? 0)).toBe(25);
      expect((await started.stop()).counters['g1']?.received).toBe(12);
    });
  },
);

describe('the search', needs(root, lackingEbpf()), () => {
  test('is not loaded where sysfs does not say how many processors there are', () => {
    const module = fileURLToPath(new URL('../../../build/system/capture/kernel-search.js', import.meta.url));
    const said = execFileSync(
      'unshare',
      [
        '--mount',
        'sh',
        '-ec',
        'mount -t tmpfs tmpfs /sys; exec "$@"',
        'sh',
        process.execPath,
        '--input-type=module',
        '-e',
        `const { loadSearch } = await import(${JSON.stringify(module)}); console.log(loadSearch(${runTag}));`,
      ],
      { encoding: 'utf8' },
    );
    expect(said).toBe('null\n');
  });
});
