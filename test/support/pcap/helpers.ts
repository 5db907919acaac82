import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { execFileSync, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Batch, CaptureItem } from '../../../src/core/pcap/capture-items.js';
import { type CaptureReaderOptions, CaptureReader } from '../../../src/core/pcap/capture-reader.js';

export interface PlainPacket {
  readonly interfaceId: number;
  readonly timeNs: bigint;
  readonly original: number;
  readonly direction: number;
  readonly data: string;
}

/** All items of a file that is pushed in chunks of `chunkLength` bytes. */
export function readAll(
  bytes: Uint8Array,
  chunkLength = bytes.length,
  options: CaptureReaderOptions = {},
): readonly CaptureItem[] {
  const reader = new CaptureReader(options);
  const items: CaptureItem[] = [];
  for (let at = 0; at < bytes.length; at += Math.max(1, chunkLength))
    items.push(...reader.push(bytes.subarray(at, at + chunkLength)));
  items.push(...reader.end());
  return items;
}

export function batches(items: readonly CaptureItem[]): readonly Batch[] {
  return items.filter((item): item is Batch => item.kind === 'batch');
}

export function packets(items: readonly CaptureItem[]): readonly PlainPacket[] {
  return batches(items).flatMap((batch) =>
    Array.from({ length: batch.count }, (_, i) => {
      const at = batch.offset[i] ?? -1;
      return {
        interfaceId: batch.interfaceId[i] ?? -1,
        timeNs: batch.timeNs[i] ?? -1n,
        original: batch.original[i] ?? -1,
        direction: batch.direction[i] ?? -1,
        data: Buffer.from(batch.bytes.subarray(at, at + (batch.captured[i] ?? 0))).toString('hex'),
      };
    }),
  );
}

export function damages(items: readonly CaptureItem[]): readonly string[] {
  return items.flatMap((item) => (item.kind === 'damage' ? [item.message] : []));
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(Buffer.concat(parts));
}

/**
 * Runs a program on the bytes as a file; gives what it prints, stderr included. `FILE` in the arguments is its path.
 */
export function runOn(
  bytes: Uint8Array,
  program: string,
  args: readonly string[],
): { readonly stdout: string; readonly stderr: string; readonly status: number | null } {
  const folder = mkdtempSync(join(tmpdir(), 'verify-isolation-pcap-'));
  try {
    const path = join(folder, 'file');
    writeFileSync(path, bytes);
    const { stdout, stderr, status } = spawnSync(
      program,
      args.map((arg) => (arg === 'FILE' ? path : arg)),
      { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
    );
    return { stdout, stderr, status };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function available(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
