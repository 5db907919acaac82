import type { Counters, EngineFacts } from '../../core/model/timeline.js';
import type { Watch } from '../../core/protocol/messages.js';
import type { KernelSearch } from './kernel-search.js';

export interface OpenOptions {
  readonly device: string;
  readonly watch: Watch;
  /** The observer's own MACs: report directions apart where the engine cannot. */
  readonly macs: readonly string[];
  /** libpcap filter expression; '' = everything. */
  readonly filter: string;
  /** Bytes kept of a frame. */
  readonly snaplen: number;
  /** Bytes of ring buffer for each kernel handle. */
  readonly buffer: number;
  /** Each frame is handed over at once, where the engine can. */
  readonly immediate?: true | undefined;
  /** Finds what the filter takes at less cost, where it is the filter of the run; null = there is none. */
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

/** A frame to fill, in these bytes. */
export function emptyFrame(bytes: Buffer): TakenFrame {
  return { bytes, offset: 0, captured: 0, original: 0, seconds: 0, nanoseconds: 0, outgoing: false };
}

/**
 * Takes a block of a ring whole (core/pcap/ring/block.ts), in which each interface of the file has this many frames.
 * False = it takes none: they are handed over one by one.
 */
export type TakeBlock = (block: Uint8Array, frames: Uint32Array) => boolean;

/** Where the frames of an observer go that shares a socket with others. */
export interface SharedTarget {
  /** The observer's interface in the file. */
  readonly interface: number;
  readonly take: TakeFrame;
  readonly takeBlock: TakeBlock;
}

/** One observer's ears: one or two packet sockets on its device. */
export interface EngineHandle {
  readonly facts: EngineFacts;
  /**
   * Descriptors that become readable when there is something to drain; empty = the engine collects by itself, drain it
   * now and then.
   */
  readonly descriptors: readonly number[];
  /**
   * Hands over what has arrived, at most about `budget` frames, and gives how many frames it took off the handles.
   * Throws VerifyError `interface-gone` when the device went away.
   */
  drain(take: TakeFrame, budget: number): number;
  /**
   * One reading for each kernel handle, since it was opened. Exact: without drops and with empty rings, delivered =
   * received.
   */
  counters(): readonly Counters[];
  /** Where one socket serves many observers: `counters` and `drain` are about all of them, this is about one. */
  readonly shared?: {
    /** What the socket lost or has not delivered yet counts for each observer. */
    lossCounters(): Counters;
    /** The kernel's number of the observed interface. */
    readonly index: number;
    /** For this long, in ms, the socket may be left alone now. */
    restMs(): number;
    takeWith(target: SharedTarget): void;
  };
  /** From now on the kernel hands nothing more to these handles; what it has is still to be drained. */
  refuse(): void;
  /**
   * Listens again after it has refused, to what a libpcap filter takes, and counts from 0. Throws VerifyError
   * `bad-filter`. Absent where an engine cannot.
   */
  begin?(filter: string): void;
  close(): void;
  /** The same beside others, since the kernel lets each wait. Absent = what is left ends with the process. */
  closeBeside?(): Promise<void>;
}

/**
 * A way of capturing. `open` returns when the kernel hands over each frame that matches; nothing before that is given
 * to `take`.
 */
export interface Engine {
  readonly name: EngineFacts['engine'];
  /** Version of the library, for the record. */
  version(): string;
  /** Throws VerifyError `bad-filter`, `interface-gone`, `interface-down` or `open-failed`. */
  open(options: OpenOptions): EngineHandle;
  /**
   * Waits for the kernel on threads of Node's pool, beside others; what it gives then opens. Both throw as `open` does.
   * Absent where there is nothing to wait for.
   */
  prepare?(options: OpenOptions): Promise<() => EngineHandle>;
}
