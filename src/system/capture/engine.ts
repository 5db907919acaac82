import type { Counters, EngineFacts } from '../../core/model/timeline.js';
import type { Watch } from '../../core/protocol/messages.js';
import type { KernelSearch } from './kernel-search.js';

export interface OpenOptions {
  readonly device: string;
  readonly watch: Watch;
  /** The observer's own MACs, by which engines without directions infer them. */
  readonly macs: readonly string[];
  /** libpcap filter expression; '' = everything. */
  readonly filter: string;
  /** Bytes kept of a frame. */
  readonly snaplen: number;
  /** Bytes of ring buffer a kernel handle. */
  readonly buffer: number;
  /** Each frame is handed over at once, if the engine can. */
  readonly immediate?: true | undefined;
  /** A faster program for the run's own filter; null = none. */
  readonly search?: KernelSearch | null;
}

/**
 * A frame: `captured` bytes at `offset` of `bytes`, valid only during the call. `original`: bytes on the wire. The time
 * is since 1970. `outgoing` is relative to the interface. Engines reuse one object for all frames.
 */
export interface TakenFrame {
  bytes: Buffer;
  offset: number;
  captured: number;
  original: number;
  seconds: number;
  nanoseconds: number;
  outgoing: boolean;
}

export type TakeFrame = (frame: Readonly<TakenFrame>) => void;

/** A frame to fill. */
export function emptyFrame(bytes: Buffer): TakenFrame {
  return { bytes, offset: 0, captured: 0, original: 0, seconds: 0, nanoseconds: 0, outgoing: false };
}

/**
 * Takes a whole ring block (core/pcap/ring/block.ts); `frames` counts by interface of the file. False = hand its frames
 * over singly.
 */
export type TakeBlock = (block: Uint8Array, frames: Uint32Array) => boolean;

/** The target of an observer that shares a socket. */
export interface SharedTarget {
  readonly interface: number;
  readonly take: TakeFrame;
  readonly takeBlock: TakeBlock;
}

/** An observer's capture point: one or two packet sockets on its device. */
export interface EngineHandle {
  readonly facts: EngineFacts;
  /** Readable when frames wait; empty = drain it now and then. */
  readonly descriptors: readonly number[];
  /**
   * Hands over about `budget` frames at most. Gives the frames taken off the handles. Throws VerifyError
   * `interface-gone`.
   */
  drain(take: TakeFrame, budget: number): number;
  /** By kernel handle, since opening. Exact: without drops and with empty rings, delivered = received. */
  counters(): readonly Counters[];
  /** Present when a socket serves many observers: `counters` and `drain` concern all, this only one. */
  readonly shared?: {
    /** Frames the socket lost or has not delivered count for each observer. */
    lossCounters(): Counters;
    /** The kernel's interface index. */
    readonly index: number;
    /** The socket may be left alone for this long. */
    restMs(): number;
    takeWith(target: SharedTarget): void;
  };
  /** The kernel hands over no new frames; those in the ring remain to drain. */
  refuse(): void;
  /**
   * Listens again with a libpcap filter and counts from 0. Throws VerifyError `bad-filter`. Absent if the engine
   * cannot.
   */
  begin?(filter: string): void;
  close(): void;
  /** Closes beside other handles, which wait for the kernel together. Absent = the process's end closes it. */
  closeBeside?(): Promise<void>;
}

/** A way of capturing. `open` returns when the kernel hands over all matching frames; earlier ones are not taken. */
export interface Engine {
  readonly name: EngineFacts['engine'];
  /** The library's version. */
  version(): string;
  /** Throws VerifyError `bad-filter`, `interface-gone`, `interface-down` or `open-failed`. */
  open(options: OpenOptions): EngineHandle;
  /**
   * Waits for the kernel on Node's pool, then gives a function that opens. Both throw as `open` does. Absent if there
   * is no wait.
   */
  prepare?(options: OpenOptions): Promise<() => EngineHandle>;
}
