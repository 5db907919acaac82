import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaptureReader } from '../../../src/core/pcap/capture-reader.js';
import type { CaptureItem } from '../../../src/core/pcap/capture-items.js';
import { readU32 } from '../../../src/core/wire/bytes.js';
import { disableIpv6, inNamespaceFd, newNamespace } from '../../../src/system/kernel/namespaces.js';
import { wordsOf } from './throw-away.js';

/**
 * A network namespace without a name, gone with the test: veth `vnet0` (the port) to `eth0` (the guest), both up,
 * silent.
 */
export interface TestNetwork {
  readonly netns: string;
  readonly dir: string;
  file(): string;
  ip(...parameters: readonly string[]): string;
  promiscuity(device: string): number;
  close(): void;
}

export function testNetwork(): TestNetwork {
  if (!existsSync(new URL('../../../dist/helper.cjs', import.meta.url)))
    throw new Error('these tests need the built program: npx tsc');
  const fd = newNamespace(disableIpv6);
  const dir = mkdtempSync(join(tmpdir(), 'capture-test-'));
  let files = 0;
  const ip = (...parameters: readonly string[]): string =>
    inNamespaceFd(fd, () => execFileSync('ip', wordsOf(parameters), { encoding: 'utf8' }));
  ip('link', 'add', 'vnet0', 'type', 'veth', 'peer', 'name', 'eth0');
  ip('link', 'set', 'dev', 'eth0', 'up');
  ip('link', 'set', 'dev', 'vnet0', 'up');
  return {
    netns: `/proc/self/fd/${fd}`,
    dir,
    ip,
    file: () => join(dir, `${(files += 1)}.pcapng`),
    promiscuity(device) {
      const found = /"promiscuity":(\d+)/.exec(ip('-j', '-d', 'link', 'show', 'dev', device))?.[1];
      if (found === undefined) throw new Error('no promiscuity');
      return Number(found);
    },
    close() {
      closeSync(fd);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

export const guestMac = '02:00:00:00:00:01';
const otherMac = '02:00:00:00:00:02';
export const runTag = 0x01020304;

/** `count` frames of `length` bytes, EtherType 0x88b5, with the run's magic and their number at byte 20. */
export function frames(count: number, length = 60, source = otherMac, destination = guestMac, tag = runTag): Buffer {
  const bytes = Buffer.alloc(count * length);
  const run = tag.toString(16).padStart(8, '0');
  const head = Buffer.from(`${destination}${source}`.replaceAll(':', '') + `88b55649${run}00000000`, 'hex');
  for (let at = 0; at < count; at += 1) {
    head.copy(bytes, at * length);
    bytes.writeUInt32BE(at, at * length + 20);
  }
  return bytes;
}

export interface ReadFrame {
  readonly number: number;
  readonly direction: number;
  readonly captured: number;
  readonly original: number;
  readonly timeNs: bigint;
}

/** The frames and the other items of a capture file. */
export function readCapture(path: string): {
  readonly frames: readonly ReadFrame[];
  readonly items: readonly CaptureItem[];
} {
  const reader = new CaptureReader({ raw: true });
  const items = [...reader.push(readFileSync(path)), ...reader.end()];
  const found = items.flatMap((item) =>
    item.kind !== 'batch'
      ? []
      : Array.from({ length: item.count }, (_, at) => ({
          number: readU32(item.bytes, (item.offset[at] ?? 0) + 20),
          direction: item.direction[at] ?? 0,
          captured: item.captured[at] ?? 0,
          original: item.original[at] ?? 0,
          timeNs: item.timeNs[at] ?? 0n,
        })),
  );
  return { frames: found, items };
}

export async function until(what: string, holds: () => boolean, maxMs = 3000): Promise<void> {
  const began = performance.now();
  while (!holds()) {
    if (performance.now() - began > maxMs) throw new Error(`not within ${maxMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function processExists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
