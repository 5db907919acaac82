import { messageOf, systemCode } from '../../core/model/verify-error.js';
import { closeSync, fsync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { Counters } from '../../core/model/timeline.js';
import {
  blockBuffer,
  type PacketHead,
  packetBlockLength,
  writePacketBlock,
} from '../../core/pcap/pcapng/packet-block.js';
import { interfaceDescription, interfaceStatistics, sectionHeader } from '../../core/pcap/pcapng/writer.js';
import { ringInterfaceBlock, ringPadding } from '../../core/pcap/ring/block.js';
import { libc } from '../kernel/libc.js';
import type { TakenFrame } from './engine.js';

/** A frame that the file did not take. */
export interface UnwrittenFrame {
  readonly interface: number;
  readonly outgoing: boolean;
  readonly frame: Buffer;
}

/** An observer's interface. `ringIndex`: the kernel's index in ring blocks, absent outside a ring. */
export interface CapturedInterface {
  readonly name: string;
  readonly description: string;
  readonly filter: string;
  readonly snaplen: number;
  readonly ringIndex?: number | null;
}

export interface CaptureFileOptions {
  readonly path: string;
  /** Writable. null = a new file, which must not exist. */
  readonly fd: number | null;
  readonly runTag: number | null;
  readonly only: 'run' | 'all';
  /**
   * Bytes of frames, null = no bound. Half is divided equally. A busy interface gets half of the rest, so a flood
   * leaves room for others.
   */
  readonly most: number | null;
  readonly application: string;
}

const bufferBytes = 1 << 20;
/** draft-ietf-opsawg-pcapng 4.3. */
const packetHeader = 28;
const maxUnwritten = 2000;
/** FALLOC_FL_KEEP_SIZE of fallocate(2). */
const keepSize = 1;
const aheadBytes = 1 << 24;
const inbound = 1;
const outbound = 2;

/** An append-only pcapng file with one interface per observer. */
export class CaptureFile {
  /**
   * Tagged frames after a failure or beyond the bound. Each interface and direction keeps its first, so no flood
   * displaces another observer's leaks.
   */
  readonly unwritten: UnwrittenFrame[] = [];
  private readonly fd: number;
  private readonly most: number | null;
  private readonly blocks = blockBuffer(bufferBytes);
  private readonly buffer = Buffer.from(this.blocks.bytes.buffer);
  private readonly magic: Buffer | null;
  private readonly only: Buffer | null;
  private readonly inFile: number[] = [];
  private readonly pending: number[] = [];
  /** Inbound at twice the interface's number, outbound behind it. */
  private readonly unwrittenCounts: number[] = [];
  private readonly bytesOf: number[] = [];
  private readonly beyondOf: number[] = [];
  private sharedBytes = 0;
  private readonly head: PacketHead;
  private used = 0;
  private size = 0;
  /** null = the file system cannot preallocate. */
  private setAside: number | null = 0;
  private whyNot: string | null = null;
  private second = -1;
  private secondHigh = 0;
  private secondLow = 0;

  constructor(options: CaptureFileOptions) {
    this.fd = options.fd ?? openSync(options.path, 'ax', 0o600);
    this.most = options.most;
    this.magic = runMagic(options.runTag);
    this.only = options.only === 'run' ? this.magic : null;
    const bytes = this.buffer;
    this.head = {
      interfaceId: 0,
      timeHigh: 0,
      timeLow: 0,
      bytes,
      from: 0,
      captured: 0,
      original: 0,
      direction: inbound,
    };
    this.write(sectionHeader({ application: options.application }));
  }

  /** null = it takes frames. */
  get failure(): string | null {
    return this.whyNot;
  }

  /** Frames counted but not written. */
  beyondBound(id: number): number {
    return this.beyondOf[id] ?? 0;
  }

  /** The interface with the most frames, written or not. */
  get busiest(): number {
    const frames = this.inFile.map((count, id) => count + this.beyondBound(id));
    return frames.indexOf(Math.max(...frames));
  }

  written(id: number): number {
    return this.inFile[id] ?? 0;
  }

  addInterface(about: CapturedInterface): number {
    this.flush();
    const id = this.pending.push(0) - 1;
    this.inFile.push(0);
    this.write(interfaceDescription(about));
    if (typeof about.ringIndex === 'number') this.write(ringInterfaceBlock(id, about.ringIndex));
    return id;
  }

  addFrame(id: number, frame: Readonly<TakenFrame>): void {
    const { bytes, offset, captured } = frame;
    if (this.only !== null && !bytes.subarray(offset, offset + captured).includes(this.only)) return;
    const length = packetBlockLength(captured);
    if (!this.mayTake(id, length)) {
      this.beyondOf[id] = this.beyondBound(id) + 1;
      this.keep(id, frame.outgoing, bytes.subarray(offset, offset + captured));
      return;
    }
    if (this.used + length > bufferBytes) this.flush();
    this.setTime(frame.seconds, frame.nanoseconds);
    const head = this.head;
    head.interfaceId = id;
    head.bytes = bytes;
    head.from = offset;
    head.captured = captured;
    head.original = frame.original;
    head.direction = frame.outgoing ? outbound : inbound;
    this.used = writePacketBlock(this.blocks, this.used, head);
    this.pending[id] = (this.pending[id] ?? 0) + 1;
  }

  /** `frames` counts by interface. False = not taken, as frames are left out or the file has failed. */
  addRingBlock(block: Uint8Array, frames: Uint32Array): boolean {
    if (this.only !== null) return false;
    this.flush();
    this.makeRoom(block.length);
    if (!this.write(ringPadding(this.size)) || !this.write(block)) return false;
    const written = this.inFile;
    for (let id = 0; id < written.length; id += 1) written[id] = (written[id] ?? 0) + (frames[id] ?? 0);
    return true;
  }

  flush(): void {
    if (this.used === 0) return;
    const bytes = this.buffer.subarray(0, this.used);
    if (this.write(bytes)) this.pending.forEach((count, id) => (this.inFile[id] = (this.inFile[id] ?? 0) + count));
    else this.keepFrom(bytes);
    this.pending.fill(0);
    this.used = 0;
  }

  /** Syncs to disk. */
  async finish(counters: ReadonlyMap<number, Counters>): Promise<void> {
    this.flush();
    const timeNs = BigInt(Date.now()) * 1_000_000n;
    for (const [interfaceId, counted] of counters) {
      this.write(
        interfaceStatistics({
          interfaceId,
          timeNs,
          received: BigInt(counted.received),
          dropped: BigInt(counted.dropped),
          delivered: BigInt(counted.delivered),
        }),
      );
    }
    if (this.setAside !== 0) this.cutBack();
    try {
      await promisify(fsync)(this.fd); // not waiting here: a slow disk must not look like a silent helper
      closeSync(this.fd);
    } catch (error) {
      // a pipe or a device cannot be synchronized: EINVAL
      if (systemCode(error) !== 'EINVAL') this.whyNot ??= messageOf(error);
    }
  }

  private write(bytes: Uint8Array): boolean {
    if (this.whyNot !== null) return false;
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.fd, bytes, done, bytes.length - done);
      this.size += bytes.length;
      return true;
    } catch (error) {
      this.whyNot = messageOf(error);
      this.cutBack();
      return false;
    }
  }

  /** Writing into a preallocated page takes the kernel half the time. */
  private makeRoom(bytes: number): void {
    const size = this.size;
    if (this.setAside === null || size < aheadBytes / 4 || size + bytes <= this.setAside) return;
    const room = bytes + aheadBytes;
    this.setAside = libc().fallocate(this.fd, keepSize, size, room) < 0 ? null : size + room;
  }

  /** A partial block would make the file unreadable. */
  private cutBack(): void {
    try {
      ftruncateSync(this.fd, this.size);
    } catch {
      return;
    }
  }

  private setTime(seconds: number, nanoseconds: number): void {
    if (this.second !== seconds) {
      const ns = BigInt(seconds) * 1_000_000_000n;
      this.second = seconds;
      this.secondHigh = Number(ns >> 32n);
      this.secondLow = Number(ns & 0xffffffffn);
    }
    const low = this.secondLow + nanoseconds;
    const carry = low > 0xffffffff ? 1 : 0;
    this.head.timeHigh = this.secondHigh + carry;
    this.head.timeLow = low - carry * 0x1_0000_0000;
  }

  private mayTake(id: number, length: number): boolean {
    if (this.most === null) return true;
    const bytes = (this.bytesOf[id] ?? 0) + length;
    const shared = bytes - this.most / (2 * this.inFile.length);
    if (shared > 0) {
      if (shared > this.most / 2 - this.sharedBytes - length) return false;
      this.sharedBytes += length;
    }
    this.bytesOf[id] = bytes;
    return true;
  }

  private keepFrom(failed: Buffer): void {
    for (let at = 0; at < failed.length; at += failed.readUInt32LE(at + 4)) {
      const captured = failed.readUInt32LE(at + 20);
      const outgoing = failed.readUInt32LE(at + packetHeader + ((captured + 3) & ~3) + 4) === outbound;
      this.keep(
        failed.readUInt32LE(at + 8),
        outgoing,
        failed.subarray(at + packetHeader, at + packetHeader + captured),
      );
    }
  }

  private keep(id: number, outgoing: boolean, frame: Buffer): void {
    const column = 2 * id + Number(outgoing);
    const count = this.unwrittenCounts[column] ?? 0;
    const share = Math.max(1, Math.floor(maxUnwritten / (2 * this.inFile.length)));
    if (this.magic === null || count >= share || !frame.includes(this.magic)) return;
    this.unwrittenCounts[column] = count + 1;
    this.unwritten.push({ interface: id, outgoing, frame: Buffer.from(frame) });
  }
}

function runMagic(runTag: number | null): Buffer | null {
  if (runTag === null) return null;
  const magic = Buffer.alloc(6);
  magic.writeUInt16BE(0x5649, 0);
  magic.writeUInt32BE(runTag >>> 0, 2);
  return magic;
}
