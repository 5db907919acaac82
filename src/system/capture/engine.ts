import type { Counters, EngineFacts } from '../../core/model/timeline.js';
import type { Watch } from '../../core/protocol/messages.js';
import type { KernelSearch } from './kernel-search.js';

export interface OpenOptions {
  readonly device: string;
  readonly watch: Watch;
  /** The observer's own, from which some engines infer directions. */
  readonly macs: readonly string[];
  /** libpcap syntax, '' = everything. */
  readonly filter: string;
  /** Bytes kept of a frame. */
  readonly snaplen: number;
  /** Bytes of each kernel handle's ring. */
  readonly buffer: number;
  /** No batching, if the engine can. */
  readonly immediate?: true | undefined;
  readonly search?: KernelSearch | null;
}

/**
 * One frame: `captured` bytes at `offset` of `bytes`, which are valid while it is taken only; `original` bytes on the
 * wire; the time since 1970; `outgoing` as seen from the interface. An engine fills the same object for each frame.
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
 * Takes a block of a ring whole (core/pcap/ring/block.ts), in which each interface of the file has this many frames.
 * False = it takes none: they are handed over one by one.
 */
export type TakeBlock = (block: Uint8Array, frames: Uint32Array) => boolean;

/** The target of an observer that shares a socket. */
export interface SharedTarget {
  readonly interface: number;
  readonly take: TakeFrame;
  readonly takeBlock: TakeBlock;
}

/** An observer's one or two packet sockets. */
export interface EngineHandle {
  readonly facts: EngineFacts;
  /** Readable when frames wait. Empty = drain it now and then. */
  readonly descriptors: readonly number[];
  /** Hands over about `budget` frames, gives those taken off the handles. Throws VerifyError `interface-gone`. */
  drain(take: TakeFrame, budget: number): number;
  /** By kernel handle. Exact: without drops and with empty rings, delivered = received. */
  counters(): readonly Counters[];
  /** On a shared socket `counters` and `drain` concern all observers, this only one. */
  readonly shared?: {
    /** Frames the socket lost or has not delivered count for each observer. */
    lossCounters(): Counters;
    readonly index: number;
    /** The socket may rest this long. */
    restMs(): number;
    takeWith(target: SharedTarget): void;
  };
  /** Ends receiving. Frames in the ring remain to drain. */
  refuse(): void;
  /** Listens again and counts from 0. Throws VerifyError `bad-filter`. Absent if the engine cannot. */
  begin?(filter: string): void;
  close(): void;
  /** Handles closed together wait for the kernel together. Absent = the process's end closes it. */
  closeBeside?(): Promise<void>;
}

/**
 * A way of capturing. `open` returns when the kernel hands over each frame that matches; nothing before that is given
 * to `take`.
 */
export interface Engine {
  readonly name: EngineFacts['engine'];
  version(): string;
  /** Throws VerifyError `bad-filter`, `interface-gone`, `interface-down` or `open-failed`. */
  open(options: OpenOptions): EngineHandle;
  /**
   * Waits for the kernel on Node's pool, then gives the opening function. Both throw as `open`. Absent if there is no
   * wait.
   */
  prepare?(options: OpenOptions): Promise<() => EngineHandle>;
}
