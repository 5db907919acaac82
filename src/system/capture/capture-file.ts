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

export interface CaptureFileOptions {
  readonly path: string;
  /** Open for writing; null = made here, and only if there is none of that name. */
  readonly fd: number | null;
  readonly runTag: number | null;
  /** `run`: frames without the run's tag are left out. */
  readonly only: 'run' | 'all';
  /**
   * Bytes of frames that it may have; null = any number. Half is divided equally among its interfaces. One that needs
   * more takes half of what is left of the other half, so floods leave others their share.
   */
  readonly most: number | null;
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

/** One append-only pcapng file with an interface an observer. */
export class CaptureFile {
  /**
   * Frames with the run's tag that came after the file had failed, or beyond its bound. The first of each interface and
   * direction are kept, so that no sender's frames push out another observer's leaks.
   */
  readonly unwritten: UnwrittenFrame[] = [];
  private readonly fd: number;
  private readonly most: number | null;
  private readonly blocks = blockBuffer(bufferBytes);
  private readonly buffer = Buffer.from(this.blocks.bytes.buffer);
  private readonly magic: Buffer | null;
  /** Frames without this are left out; null = none are. */
  private readonly only: Buffer | null;
  /** Frames by interface: those that the kernel has, and those that are still in the buffer. */
  private readonly inFile: number[] = [];
  private readonly pending: number[] = [];
  /** How many of `unwritten` are an interface's: inbound at twice its number, outbound behind. */
  private readonly unwrittenCounts: number[] = [];
  /** Bytes of an interface's frames, and its frames beyond the bound. */
  private readonly bytesOf: number[] = [];
  private readonly beyondOf: number[] = [];
  /** Bytes that interfaces have beyond their shares. */
  private sharedBytes = 0;
  private readonly head: PacketHead;
  private used = 0;
  private size = 0;
  /** Up to here the file system has room set aside; null = it does not do that. */
  private setAside: number | null = 0;
  private whyNot: string | null = null;
  /** The second whose ns are in the two words beside it. */
  private second = -1;
  private secondHigh = 0;
  private secondLow = 0;

  /** Throws what the file system says where the file cannot be made. */
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

  /** Why the file takes nothing any more; null = it does. */
  get failure(): string | null {
    return this.whyNot;
  }

  /** Frames of an interface that were counted and not written: it has its share of the file. */
  beyondBound(id: number): number {
    return this.beyondOf[id] ?? 0;
  }

  /** The interface with the most frames, written or not. */
  get busiest(): number {
    const frames = this.inFile.map((count, id) => count + this.beyondBound(id));
    return frames.indexOf(Math.max(...frames));
  }

  /** Frames written, by interface. */
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

  /** Appends one Enhanced Packet Block. */
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

  /**
   * Appends a block of a ring at once, as the kernel made it, in which each interface has this many frames; takes none
   * where frames are left out, or once the file has failed.
   */
  addRingBlock(block: Uint8Array, frames: Uint32Array): boolean {
    if (this.only !== null) return false;
    this.flush();
    this.makeRoom(block.length);
    if (!this.write(ringPadding(this.size)) || !this.write(block)) return false;
    const written = this.inFile;
    for (let id = 0; id < written.length; id += 1) written[id] = (written[id] ?? 0) + (frames[id] ?? 0);
    return true;
  }

  /** Hands what was added to the kernel. */
  flush(): void {
    if (this.used === 0) return;
    const bytes = this.buffer.subarray(0, this.used);
    if (this.write(bytes)) this.pending.forEach((count, id) => (this.inFile[id] = (this.inFile[id] ?? 0) + count));
    else this.keepFrom(bytes);
    this.pending.fill(0);
    this.used = 0;
  }

  /** Writes the interfaces' statistics, waits until the disk has everything, and closes. */
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

  /**
   * Sets room aside, in which a page takes the kernel half the time; where it cannot be had, writing says what is
   * wrong.
   */
  private makeRoom(bytes: number): void {
    const size = this.size;
    if (this.setAside === null || size < aheadBytes / 4 || size + bytes <= this.setAside) return;
    const room = bytes + aheadBytes;
    this.setAside = libc().fallocate(this.fd, keepSize, size, room) < 0 ? null : size + room;
  }

  /** Takes half a block away, so that what the file has remains readable, and room that was not needed. */
  private cutBack(): void {
    try {
      ftruncateSync(this.fd, this.size);
    } catch {
      return;
    }
  }

  /** The time of the next block, in two words of ns. */
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

  /** Is there room for a block of the interface? Then it is taken up. */
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

/** What a token of the run begins with: "VI" and the run's tag, big-endian. */
function runMagic(runTag: number | null): Buffer | null {
  if (runTag === null) return null;
  const magic = Buffer.alloc(6);
  magic.writeUInt16BE(0x5649, 0);
  magic.writeUInt32BE(runTag >>> 0, 2);
  return magic;
}
