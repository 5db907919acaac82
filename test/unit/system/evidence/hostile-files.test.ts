import fc from 'fast-check';
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { hearForeign } from '../../../../src/system/evidence/hear-foreign.js';
import { replayFolder } from '../../../../src/system/evidence/replay.js';
import { startForeign } from '../../../../src/core/judge/foreign/foreign.js';
import { finishForeign, type ForeignReport, macOfNumber } from '../../../../src/core/judge/foreign/report.js';
import { macBytes, macNumber } from '../../../../src/core/wire/ethernet.js';
import { scratchFolder } from '../../../support/scratch.js';

const scratch = scratchFolder('hostile');
const captures = resolve(import.meta.dirname, '../../../../captures');
const kali3 = macNumber(macBytes('52:54:00:27:4e:0a') ?? new Uint8Array(6), 0);

async function hear(bytes: Uint8Array): Promise<ForeignReport> {
  const path = join(scratch, 'capture');
  writeFileSync(path, bytes);
  const fold = startForeign({ name: null, macs: [kali3], elsewhere: null });
  await hearForeign(fold, path);
  return finishForeign(fold, macOfNumber);
}
const foreignOf = (report: ForeignReport): number => report.files.reduce((sum, { foreign }) => sum + foreign, 0);

const forms = [
  'foreign-both-ways/guest.pcap',
  'foreign-nanoseconds/guest.pcap',
  'foreign-big-endian/guest.pcap',
  'foreign-pcapng/guest.pcapng',
  'foreign-pcapng-big-endian/guest.pcapng',
];
const originals = forms.map((name) => readFileSync(join(captures, name)));
/** Bytes that decoders trip over rather than any: lengths, the ends of ranges. */
const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 4, 12, 127, 128, 254, 255));
const changes = fc.array(fc.tuple(fc.double({ min: 0, max: 0.999_999, noNaN: true }), byte), {
  minLength: 1,
  maxLength: 8,
});

/** A copy with bytes changed; places are shares of what lies behind `from`. */
function mutate(bytes: Uint8Array, list: readonly (readonly [number, number])[], from = 0): Uint8Array {
  const changed = Uint8Array.from(bytes);
  for (const [share, value] of list) changed[from + Math.floor(share * (bytes.length - from))] = value;
  return changed;
}

describe('a capture of others, changed at random', () => {
  it('is read to its end or to its damage, and never taken for a proof that nothing was there', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...originals), changes, async (bytes, list) => {
        const report = await hear(mutate(bytes, list));
        // Whatever was changed: the leak is told, or the capture is not what says "none".
        if (!report.found) expect(report.exitCode).toBe(3);
        expect(JSON.stringify(report).length).toBeLessThan(100_000);
      }),
    );
  });

  it('still tells the leak that came before the damage', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...originals), changes, async (bytes, list) => {
        const half = Math.floor(bytes.length / 2);
        const before = foreignOf(await hear(bytes.subarray(0, half)));
        expect(before).toBeGreaterThan(0);
        const report = await hear(mutate(bytes, list, half));
        expect(report.exitCode).toBe(2);
        expect(foreignOf(report)).toBeGreaterThanOrEqual(before);
      }),
    );
  });

  it('and then compressed, or changed when it was compressed, is no different', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...originals), changes, fc.boolean(), async (bytes, list, inside) => {
        const report = await hear(inside ? gzipSync(mutate(bytes, list)) : mutate(gzipSync(bytes), list, 2));
        if (!report.found) expect(report.exitCode).toBe(3);
      }),
    );
  });
});

describe('a compressed capture that grows without end', () => {
  for (const [mebibytes, options] of [
    [80, {}],
    [160, { tags: 'all' }],
  ] as const) {
    it(`of ${mebibytes} MiB is read up to a bound, and what came before is told`, options, async () => {
      const leak = originals[0] ?? new Uint8Array(0);
      const bomb = gzipSync(Buffer.concat([leak, Buffer.alloc(mebibytes * 1024 * 1024)]), { level: 9 });
      expect(bomb.length).toBeLessThan(400_000);
      const before = process.memoryUsage().rss;
      const report = await hear(bomb);
      expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1024 * 1024);
      expect(report).toMatchObject({ found: true, exitCode: 2 });
      expect(report.reasons.map(({ text }) => text).join()).toMatch(/have grown to \d+, more than 250 times as much/);
    });
  }

  it('is not unpacked again where it holds another', async () => {
    const nested = gzipSync(gzipSync(gzipSync(Buffer.alloc(50 * 1024 * 1024))));
    expect(await hear(nested)).toMatchObject({ found: false, exitCode: 3 });
  });
});

describe('the folder of a run whose capture was changed at random', () => {
  const folder = (name: string) => {
    const dir = join(scratch, name);
    cpSync(join(captures, name), dir, { recursive: true });
    rmSync(join(dir, 'evidence.pcapng.gz'));
    return {
      path: join(dir, 'evidence.pcapng'),
      bytes: gunzipSync(readFileSync(join(captures, name, 'evidence.pcapng.gz'))),
      dir,
    };
  };

  it('never holds', async () => {
    const { path, bytes, dir } = folder('switch-mode');
    writeFileSync(path, bytes);
    expect((await replayFolder(dir)).verdict).toBe('holds');
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        const changed = mutate(bytes, list);
        writeFileSync(path, changed);
        if (!Buffer.from(changed).equals(bytes)) expect((await replayFolder(dir)).verdict).not.toBe('holds');
      }),
    );
  });

  it('is broken all the same where the leak came before the change', async () => {
    const { path, bytes, dir } = folder('hub-mode');
    await fc.assert(
      fc.asyncProperty(changes, async (list) => {
        writeFileSync(path, mutate(bytes, list, Math.floor(bytes.length / 2)));
        expect((await replayFolder(dir)).verdict).toBe('broken');
      }),
    );
  });
});
