import { accountWindow, counters, engineFacts, faultCode } from '../model/timeline.js';
import { count, flag, mapOf, maybe, number, type Of, oneOf, only, orNull, tagged, text } from '../model/shape/shape.js';

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
const ready = { version: text, pid: count };
export type Ready = Extract<FromRelay, { readonly type: 'ready' }>;

const fault = { code: faultCode, observer: orNull(text), message: text };
export type HelperFault = Extract<FromRelay, { readonly type: 'fault' }>;

/**
 * Which frames of an interface a handle takes: `port` both ways, `bridge` outgoing ones and those that the host
 * accepts.
 */
const watch = oneOf('port', 'bridge');
export type Watch = Of<typeof watch>;

/** An observer that is to be opened. */
export const openedShape = {
  observer: text,
  device: text,
  watch,
  engine: engineFacts.engine,
  /** MACs that are the observer's own: distinguishes directions where the engine cannot. */
  macs: [text],
  filter: text,
  snaplen: count,
  /** Bytes of ring buffer for each handle. */
  buffer: count,
  /** The ring has slots, of which each is handed over at once, and not blocks; absent = blocks. */
  immediate: maybe(oneOf(true)),
  /** Opaque text for the interface's description in the capture file. */
  description: text,
};

/** How many frames a second; null = as many as go. */
export const paceShape = orNull(only(number, 'a number above 0', (rate) => rate > 0));

const toCapture = tagged('type', {
  open: openedShape,
  /**
   * The pcapng file, handed over before it, that all observers of this helper are written to; comes before the first
   * `open`. `runTag`: frames that carry it are kept in memory once the file cannot be written. `only`: `run` = frames
   * that do not carry it are counted and not written. `most`: bytes that the file may have; null = any number.
   */
  file: { path: text, runTag: orNull(count), only: oneOf('run', 'all'), most: orNull(count) },
  /**
   * Programs that find the run's tokens, or take every frame (null), handed over before it like the file: the one for
   * what leaves, the one for all, and their counts (system/capture/kernel-search.ts). Comes before the first `file`.
   */
  search: { runTag: orNull(count) },
  seal: {},
  /**
   * Counts what leaves by these ports beside the observers, for one account; comes after the first `open` and before
   * `seal`.
   */
  count: { account: text, devices: [text] },
  /** `accounts`: they are read as well, while the handles are drained. */
  mark: { id: text, accounts: flag },
  stop: {},
  /** As `stop`, but the helper stays, sealed and with its handles, which receive nothing. */
  rest: {},
  /**
   * To one that rests: can it listen again? If so another `file` follows, and an `open` for each of its observers,
   * which says what it said before but for the filter and the description.
   */
  again: {},
});
export type ToCapture = Of<typeof toCapture>;

/** Names the file that is written. */
export type FileMessage = Extract<ToCapture, { readonly type: 'file' }>;

/** Opens an observer. */
export type OpenMessage = Extract<ToCapture, { readonly type: 'open' }>;

const keptFrame = { observer: text, towards: flag, frame: text };
/**
 * A frame kept in memory because the file could not be written: `frame` is base64, `towards` = towards the observer's
 * guest or host.
 */
export type KeptFrame = Of<typeof keptFrame>;

export const capturedShape = {
  counters: mapOf(counters),
  /** Records written to the file, by observer. */
  written: mapOf(count),
  /** The first frames with the run's tag that the file could not take; empty while it could. */
  kept: [keptFrame],
};
/** What a helper captured until it was instructed to stop or rest. */
export type Captured = Of<typeof capturedShape>;

/** `filtered`: the kernel itself refuses what a sealed helper does not need (system/kernel/seccomp.ts). */
export const sealedShape = { uid: count, capabilities: text, filtered: flag };
export const listeningShape = { observer: text, facts: engineFacts, version: text };

const fromCapture = tagged('type', {
  ready,
  fault,
  listening: listeningShape,
  sealed: sealedShape,
  /**
   * Every 100 ms, while frames come every 10 to 30, and before each `marked`: frames taken off all handles so far; the
   * helper's heartbeat.
   */
  counts: { taken: count },
  /** An account that could not be read, or was not asked for, is left out. */
  marked: { id: text, counters: mapOf(counters), accounts: mapOf(accountWindow) },
  stopped: capturedShape,
  rested: capturedShape,
  /** `unchanged`: every handle still hears, and its interface is the one of that name. */
  again: { unchanged: flag },
});
export type FromCapture = Of<typeof fromCapture>;

/**
 * The next `count` frames leave by this socket. `size`: only this many bytes of each, its first; absent = all.
 */
export const routeShape = { socket: text, count, size: maybe(count) };
const sendRoute = {
  ...routeShape,
  /** Index of the interface that they leave on; 0 = the one that the socket is bound to. */
  interface: count,
  /** A frame that the driver drops counts as sent: it entered the device. */
  countsDropped: maybe(oneOf(true)),
};
export type SendRoute = Of<typeof sendRoute>;

const toSend = tagged('type', {
  /** A packet socket, handed over before it. */
  adopt: { socket: text },
  /**
   * A file in memory, handed over before it: frames to send are written into it, and stay until they are answered for.
   */
  frames: {},
  /**
   * This many `bytes` of that file, from `at` on, are frames of `length` bytes each, one after the other; `routes` say
   * where they leave, in order.
   */
  send: { id: count, routes: [sendRoute], length: count, at: count, bytes: count, perSecond: paceShape },
  stop: {},
});
export type ToSend = Of<typeof toSend>;

/** The kernel took the first `accepted` frames; `error` says why not more. */
export const sentShape = { accepted: count, error: orNull(text) };
const fromSend = tagged('type', {
  ready,
  fault,
  /** Every 100 ms: the helper's heartbeat. */
  beat: {},
  opened: { socket: text },
  sent: { id: count, ...sentShape },
  stopped: {},
});

/** The relay carries frames between a bridge device that it holds promiscuous and an endpoint behind it. */
const toRelay = tagged('type', {
  start: { bridge: text, device: text, macs: [text], everything: flag },
  stop: {},
});
export type ToRelay = Of<typeof toRelay>;

const fromRelay = tagged('type', {
  ready,
  fault,
  relaying: { bridge: text, device: text },
  stopped: { toGuest: count, fromGuest: count },
});
type FromRelay = Of<typeof fromRelay>;

export const toHelper = { capture: toCapture, send: toSend, relay: toRelay };
export const fromHelper = { capture: fromCapture, send: fromSend, relay: fromRelay };
export type HelperRole = keyof typeof toHelper;
export type ToHelper = Of<typeof toHelper>;
export type FromHelper = Of<typeof fromHelper>;
