import { closeSync, fsync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Counters } from '../../core/model/timeline.js';
import { blockBuffer, packetBlockLength, writePacketBlock } from '../../core/pcap/pcapng/packet-block.js';
import { interfaceDescription, interfaceStatistics, sectionHeader } from '../../core/pcap/pcapng/writer.js';
import { ringInterfaceBlock, ringPadding } from '../../core/pcap/ring/block.js';
import { libc } from '../kernel/libc.js';
import type { TakeBlock } from './engine.js';

/** A frame that the file could not take. */
export interface UnwrittenFrame {
  readonly interface: number;
  readonly outgoing: boolean;
  readonly frame: Buffer;
}

/**
 * An observer's interface. `ringIndex`: by this number of the kernel's its frames are known in blocks of a ring;
 * without it, it has none there.
 */
export interface CapturedInterface {
  readonly name: string;
  readonly description: string;
  readonly filter: string;
  readonly snaplen: number;
  readonly ringIndex?: number | null;
}

/** One append-only pcapng file with an interface an observer. */
export interface CaptureFile {
  addInterface(about: CapturedInterface): number;
  /** Appends one Enhanced Packet Block; `captured` bytes at `offset` of `bytes`. */
  add(
    id: number,
    bytes: Buffer,
    offset: number,
    captured: number,
    original: number,
    seconds: number,
    nanoseconds: number,
    outgoing: boolean,
  ): void;
  /**
   * Appends a block of a ring at once, as the kernel made it; takes none where frames are left out, or once the file
   * has failed.
   */
  readonly addRingBlock: TakeBlock;
  /** Hands what was added to the kernel. */
  flush(): void;
  /** Writes the interfaces' statistics, waits until the disk has everything, and closes. */
  finish(counters: ReadonlyMap<number, Counters>): Promise<void>;
  /** Frames written, by interface. */
  written(id: number): number;
  /** Why the file takes nothing any more; null = it does. */
  readonly failure: string | null;
  /**
   * Frames that carry the run's tag and came when the file had failed: the first of each interface and direction, so
   * that no sender's frames push out another observer's leaks.
   */
  readonly unwritten: readonly UnwrittenFrame[];
}

export interface CaptureFileOptions {
  readonly path: string;
  /** Open for writing; null = made here, and only if there is none of that name. */
  readonly fd: number | null;
  readonly runTag: number | null;
  /** `run`: frames without the run's tag are left out. */
  readonly only: 'run' | 'all';
  readonly application: string;
}

const bufferBytes = 1 << 20;
/** Bytes of an Enhanced Packet Block before the frame (draft-ietf-opsawg-pcapng 4.3). */
const packetHeader = 28;
/** Frames kept in all where the file has failed, in equal shares for each interface and direction. */
const maxUnwritten = 2000;
/** FALLOC_FL_KEEP_SIZE of fallocate(2). */
const keepSize = 1;
/** So much is set aside at a time for blocks of a ring, once there are some. */
const aheadBytes = 1 << 24;
const inbound = 1;
const outbound = 2;

/** Throws what the file system says where the file cannot be made. */
export function createCaptureFile(options: CaptureFileOptions): CaptureFile {
  const fd = options.fd ?? openSync(options.path, 'ax', 0o600);
  const blocks = blockBuffer(bufferBytes);
  const buffer = Buffer.from(blocks.bytes.buffer);
  const magic = runMagic(options.runTag);
  const only = options.only === 'run' ? magic : null;
  const written: number[] = [];
  const pending: number[] = [];
  const unwritten: UnwrittenFrame[] = [];
  /** How many of them are an interface's: inbound at twice its number, outbound behind. */
  const kept: number[] = [];
  let used = 0;
  let size = 0;
  /** Up to here the file system has room set aside; null = it does not do that. */
  let setAside: number | null = 0;
  let failure: string | null = null;
  let second = -1;
  let [secondHigh, secondLow] = [0, 0];

  /** Whether the file has it now. */
  function write(bytes: Uint8Array): boolean {
    if (failure !== null) return false;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done, bytes.length - done);
      size += bytes.length;
      return true;
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
      cutBack();
      return false;
    }
  }
  /**
   * Sets room aside, in which a page takes the kernel half the time; where it cannot be had, writing says what is
   * wrong.
   */
  function makeRoom(bytes: number): void {
    if (setAside === null || size < aheadBytes / 4 || size + bytes <= setAside) return;
    setAside = libc().fallocate(fd, keepSize, size, bytes + aheadBytes) < 0 ? null : size + bytes + aheadBytes;
  }
  /** Takes half a block away, so that what the file has remains readable, and room that was not needed. */
  function cutBack(): void {
    try {
      ftruncateSync(fd, size);
    } catch {
      return;
    }
  }
  function flush(): void {
    if (used === 0) return;
    const bytes = buffer.subarray(0, used);
    if (write(bytes)) pending.forEach((count, id) => (written[id] = (written[id] ?? 0) + count));
    else keepFrom(bytes);
    pending.fill(0);
    used = 0;
  }
  function keepFrom(failed: Buffer): void {
    if (magic === null) return;
    const share = Math.max(1, Math.floor(maxUnwritten / (2 * written.length)));
    for (let at = 0; at < failed.length; at += failed.readUInt32LE(at + 4)) {
      const id = failed.readUInt32LE(at + 8);
      const captured = failed.readUInt32LE(at + 20);
      const outgoing = failed.readUInt32LE(at + packetHeader + ((captured + 3) & ~3) + 4) === outbound;
      const column = 2 * id + Number(outgoing);
      const frame = failed.subarray(at + packetHeader, at + packetHeader + captured);
      if ((kept[column] ?? 0) >= share || !frame.includes(magic)) continue;
      kept[column] = (kept[column] ?? 0) + 1;
      unwritten.push({ interface: id, outgoing, frame: Buffer.from(frame) });
    }
  }

  write(sectionHeader({ application: options.application }));
  return {
    addInterface(about) {
      flush();
      const id = pending.push(0) - 1;
      written.push(0);
      write(interfaceDescription(about));
      if (typeof about.ringIndex === 'number') write(ringInterfaceBlock(id, about.ringIndex));
      return id;
    },
    add(id, bytes, offset, captured, original, seconds, nanoseconds, outgoing) {
      if (only !== null && !bytes.subarray(offset, offset + captured).includes(only)) return;
      if (used + packetBlockLength(captured) > bufferBytes) flush();
      if (second !== seconds) {
        const ns = BigInt(seconds) * 1_000_000_000n;
        [second, secondHigh, secondLow] = [seconds, Number(ns >> 32n), Number(ns & 0xffffffffn)];
      }
      const low = secondLow + nanoseconds;
      const carry = low > 0xffffffff ? 1 : 0;
      used = writePacketBlock(
        blocks,
        used,
        id,
        secondHigh + carry,
        low - carry * 0x1_0000_0000,
        bytes,
        offset,
        captured,
        original,
        outgoing ? outbound : inbound,
      );
      pending[id] = (pending[id] ?? 0) + 1;
    },
    addRingBlock(block, frames) {
      if (only !== null) return false;
      flush();
      makeRoom(block.length);
      if (!write(ringPadding(size)) || !write(block)) return false;
      for (let id = 0; id < written.length; id += 1) written[id] = (written[id] ?? 0) + (frames[id] ?? 0);
      return true;
    },
    flush,
    async finish(counters) {
      flush();
      const now = BigInt(Date.now()) * 1_000_000n;
      for (const [id, counted] of counters) {
        const { received, dropped, delivered } = counted;
        write(
          interfaceStatistics({
            interfaceId: id,
            timeNs: now,
            received: BigInt(received),
            dropped: BigInt(dropped),
            delivered: BigInt(delivered),
          }),
        );
      }
      if (setAside !== 0) cutBack();
      try {
        await promisify(fsync)(fd); // not waiting here: a slow disk must not look like a silent helper
        closeSync(fd);
      } catch (error) {
        // a pipe or a device cannot be synchronized: EINVAL
        if (!(error instanceof Error && 'code' in error && error.code === 'EINVAL'))
          failure ??= error instanceof Error ? error.message : String(error);
      }
    },
    written: (id) => written[id] ?? 0,
    get failure() {
      return failure;
    },
    unwritten,
  };
}

/** What a token of the run begins with: "VI" and the run's tag, big-endian. */
function runMagic(runTag: number | null): Buffer | null {
  if (runTag === null) return null;
  const magic = Buffer.alloc(6);
  magic.writeUInt16BE(0x5649, 0);
  magic.writeUInt32BE(runTag >>> 0, 2);
  return magic;
}
