import type { FaultCode } from '../model/reasons.js';
import type { AccountWindow, Counters, EngineFacts } from '../model/timeline.js';

/**
 * Messages between the orchestrator and its helpers: one JSON object a line, on the helper's stdin and stdout.
 * stderr is free text for people. A helper ends, undoing what is its own, when its stdin closes.
 */

/**
 * The socket over which a helper is handed open files (system/kernel/fd-passing.ts), each before the message that names
 * its use: the one descriptor that it is born with beside its standard streams.
 */
export const handingFd = 3;

/** The first message of every helper. By then no process of its user can look into it; one that sends is sealed. */
export interface Ready {
  readonly type: 'ready';
  readonly version: string;
  readonly pid: number;
}

export interface HelperFault {
  readonly type: 'fault';
  readonly code: FaultCode;
  readonly observer: string | null;
  readonly message: string;
}

/**
 * Which frames of an interface a handle takes: `port` both ways, `bridge` outgoing ones and those that the host
 * accepts.
 */
export type Watch = 'port' | 'bridge';

export type ToCapture =
  | {
      readonly type: 'open';
      readonly observer: string;
      readonly device: string;
      readonly watch: Watch;
      readonly engine: 'libpcap' | 'cap' | 'ring';
      /** MACs that are the observer's own: distinguishes directions where the engine cannot. */
      readonly macs: readonly string[];
      readonly filter: string;
      readonly snaplen: number;
      /** Bytes of ring buffer for each handle. */
      readonly buffer: number;
      /** Opaque text for the interface's description in the capture file. */
      readonly description: string;
    }
  /**
   * The pcapng file, handed over before it, that all observers of this helper are written to; comes before the first
   * `open`. `runTag`: frames that carry it are kept in memory once the file cannot be written. `only`: `run` = frames
   * that do not carry it are counted and not written. `most`: bytes that the file may have; null = any number.
   */
  | {
      readonly type: 'file';
      readonly path: string;
      readonly runTag: number | null;
      readonly only: 'run' | 'all';
      readonly most: number | null;
    }
  /**
   * Programs that find the run's tokens, or take every frame (null), handed over before it like the file: the one for
   * what leaves, the one for all, and their counts (system/capture/kernel-search.ts). Comes before the first `file`.
   */
  | { readonly type: 'search'; readonly runTag: number | null }
  | { readonly type: 'seal' }
  /**
   * Counts what leaves by these ports beside the observers, for one account; comes after the first `open` and before
   * `seal`.
   */
  | { readonly type: 'count'; readonly account: string; readonly devices: readonly string[] }
  /** `accounts`: they are read as well, while the handles are drained. */
  | { readonly type: 'mark'; readonly id: string; readonly accounts: boolean }
  | { readonly type: 'stop' }
  /** As `stop`, but the helper stays, sealed and with its handles, which receive nothing. */
  | { readonly type: 'rest' }
  /**
   * To one that rests: can it listen again? If so another `file` follows, and an `open` for each of its observers,
   * which says what it said before but for the filter and the description.
   */
  | { readonly type: 'again' };

/** Names the file that is written. */
export type FileMessage = Extract<ToCapture, { readonly type: 'file' }>;

/** Opens an observer. */
export type OpenMessage = Extract<ToCapture, { readonly type: 'open' }>;

/** What a helper captured until it was instructed to stop or rest. */
export interface Captured {
  readonly counters: Readonly<Record<string, Counters>>;
  /** Records written to the file, by observer. */
  readonly written: Readonly<Record<string, number>>;
  /** The first frames with the run's tag that the file could not take; empty while it could. */
  readonly kept: readonly KeptFrame[];
}

export type FromCapture =
  | Ready
  | HelperFault
  | { readonly type: 'listening'; readonly observer: string; readonly facts: EngineFacts; readonly version: string }
  /** `filtered`: the kernel itself refuses what a sealed helper does not need (system/kernel/seccomp.ts). */
  | { readonly type: 'sealed'; readonly uid: number; readonly capabilities: string; readonly filtered: boolean }
  /**
   * Every 100 ms, while frames come every 10 to 30, and before each `marked`: frames taken off all handles so far; the
   * helper's heartbeat.
   */
  | { readonly type: 'counts'; readonly taken: number }
  /** An account that could not be read, or was not asked for, is left out. */
  | {
      readonly type: 'marked';
      readonly id: string;
      readonly counters: Readonly<Record<string, Counters>>;
      readonly accounts: Readonly<Record<string, AccountWindow>>;
    }
  | ({ readonly type: 'stopped' } & Captured)
  | ({ readonly type: 'rested' } & Captured)
  /** `unchanged`: every handle still hears, and its interface is the one of that name. */
  | { readonly type: 'again'; readonly unchanged: boolean };

/**
 * A frame kept in memory because the file could not be written: `frame` is base64, `towards` = towards the observer's
 * guest or host.
 */
export interface KeptFrame {
  readonly observer: string;
  readonly towards: boolean;
  readonly frame: string;
}

/**
 * The next `count` frames leave by this socket on the interface of that index; 0 = the one that the socket is bound to.
 * `size`: only this many bytes of each, its first; absent = all.
 */
export interface SendRoute {
  readonly socket: string;
  readonly interface: number;
  readonly count: number;
  readonly size?: number;
  /** A frame that the driver drops counts as sent: it entered the device. */
  readonly countsDropped?: true;
}

export type ToSend =
  /** A packet socket, handed over before it. */
  | { readonly type: 'adopt'; readonly socket: string }
  /**
   * A file in memory, handed over before it: frames to send are written into it, and stay until they are answered for.
   */
  | { readonly type: 'frames' }
  /**
   * This many `bytes` of that file, from `at` on, are frames of `length` bytes each, one after the other; `routes` say
   * where they leave, in order.
   */
  | {
      readonly type: 'send';
      readonly id: number;
      readonly routes: readonly SendRoute[];
      readonly length: number;
      readonly at: number;
      readonly bytes: number;
      readonly perSecond: number | null;
    }
  | { readonly type: 'stop' };

export type FromSend =
  | Ready
  | HelperFault
  /** Every 100 ms: the helper's heartbeat. */
  | { readonly type: 'beat' }
  | { readonly type: 'opened'; readonly socket: string }
  /** The kernel took the first `accepted` frames; `error` says why not more. */
  | { readonly type: 'sent'; readonly id: number; readonly accepted: number; readonly error: string | null }
  | { readonly type: 'stopped' };

/** The relay carries frames between a bridge device that it holds promiscuous and an endpoint behind it. */
export type ToRelay =
  | {
      readonly type: 'start';
      readonly bridge: string;
      readonly device: string;
      readonly macs: readonly string[];
      readonly everything: boolean;
    }
  | { readonly type: 'stop' };

export type FromRelay =
  | Ready
  | HelperFault
  | { readonly type: 'relaying'; readonly bridge: string; readonly device: string }
  | { readonly type: 'stopped'; readonly toGuest: number; readonly fromGuest: number };

export type HelperRole = 'capture' | 'send' | 'relay';
export interface ToHelper {
  readonly capture: ToCapture;
  readonly send: ToSend;
  readonly relay: ToRelay;
}
export interface FromHelper {
  readonly capture: FromCapture;
  readonly send: FromSend;
  readonly relay: FromRelay;
}
