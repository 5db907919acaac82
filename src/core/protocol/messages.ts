import { accountWindow, counters, engineFacts, faultCode } from '../model/timeline.js';
import { count, flag, mapOf, maybe, number, type Of, oneOf, only, orNull, tagged, text } from '../model/shape/shape.js';

/**
 * Messages to helpers: JSON lines on stdin and stdout; stderr is for people. A helper undoes its changes and ends when
 * stdin closes.
 */

/**
 * The socket that passes open files before their messages (system/kernel/fd-passing.ts), beside the standard streams.
 */
export const handingFd = 3;

/** No process of its user can inspect it then; a sending helper is sealed. */
const ready = { version: text, pid: count };
export type Ready = Extract<FromRelay, { readonly type: 'ready' }>;

const fault = { code: faultCode, observer: orNull(text), message: text };
export type HelperFault = Extract<FromRelay, { readonly type: 'fault' }>;

/** `port`: both ways. `bridge`: outgoing and accepted frames. */
const watch = oneOf('port', 'bridge');
export type Watch = Of<typeof watch>;

export const openedShape = {
  observer: text,
  device: text,
  watch,
  engine: engineFacts.engine,
  macs: [text],
  filter: text,
  snaplen: count,
  /** Ring bytes a handle. */
  buffer: count,
  /** A ring of slots, handed over at once; absent = of blocks. */
  immediate: maybe(oneOf(true)),
  /** Opaque, for the file's interface. */
  description: text,
};

/** Frames a second; null = unlimited. */
export const paceShape = orNull(only(number, 'a number above 0', (rate) => rate > 0));

const toCapture = tagged('type', {
  open: openedShape,
  /**
   * The pcapng file, passed before it; comes before `open`. Keeps `runTag`'s frames in memory if the file cannot be
   * written. `only` `run`: other frames are just counted. `most`: bytes; null = no limit.
   */
  file: { path: text, runTag: orNull(count), only: oneOf('run', 'all'), most: orNull(count) },
  /**
   * Passes search programs, one for outgoing frames and one for all, with counts (system/capture/kernel-search.ts).
   * null = take every frame. Comes before `file`.
   */
  search: { runTag: orNull(count) },
  seal: {},
  /** Counts frames that leave by these ports, for one account; between `open` and `seal`. */
  count: { account: text, devices: [text] },
  mark: { id: text, accounts: flag },
  stop: {},
  /** As `stop`, but helper and handles stay, sealed and idle. */
  rest: {},
  /** Asks a resting helper to listen again. `file` and each `open` follow, equal but for filter and description. */
  again: {},
});
export type ToCapture = Of<typeof toCapture>;

export type FileMessage = Extract<ToCapture, { readonly type: 'file' }>;

export type OpenMessage = Extract<ToCapture, { readonly type: 'open' }>;

const keptFrame = { observer: text, towards: flag, frame: text };
/** A frame that the file could not take. `frame` is base64; `towards` = to the guest or host. */
export type KeptFrame = Of<typeof keptFrame>;

export const capturedShape = {
  counters: mapOf(counters),
  written: mapOf(count),
  /** The first such frames with the run's tag. */
  kept: [keptFrame],
};
export type Captured = Of<typeof capturedShape>;

/** `filtered`: the kernel refuses unneeded calls (system/kernel/seccomp.ts). */
export const sealedShape = { uid: count, capabilities: text, filtered: flag };
export const listeningShape = { observer: text, facts: engineFacts, version: text };

const fromCapture = tagged('type', {
  ready,
  fault,
  listening: listeningShape,
  sealed: sealedShape,
  /** All frames taken: every 100 ms (with frames 10 to 30), and before each `marked`. */
  counts: { taken: count },
  /** Without accounts that were unreadable or not requested. */
  marked: { id: text, counters: mapOf(counters), accounts: mapOf(accountWindow) },
  stopped: capturedShape,
  rested: capturedShape,
  /** Every handle still captures, on the interface of that name. */
  again: { unchanged: flag },
});
export type FromCapture = Of<typeof fromCapture>;

/** The next `count` frames leave by this socket. `size`: their first bytes; absent = all. */
export const routeShape = { socket: text, count, size: maybe(count) };
const sendRoute = {
  ...routeShape,
  /** Index; 0 = the socket's. */
  interface: count,
  /** A frame the driver drops counts as sent: it entered the device. */
  countsDropped: maybe(oneOf(true)),
};
export type SendRoute = Of<typeof sendRoute>;

const toSend = tagged('type', {
  adopt: { socket: text },
  /** Passes a memory file; frames stay in it until answered. */
  frames: {},
  /** `bytes` of that file from `at`: frames of `length` bytes. `routes`: their ways out, in order. */
  send: { id: count, routes: [sendRoute], length: count, at: count, bytes: count, perSecond: paceShape },
  stop: {},
});
export type ToSend = Of<typeof toSend>;

/** The kernel took the first `accepted` frames; `error`: why not more. */
export const sentShape = { accepted: count, error: orNull(text) };
const fromSend = tagged('type', {
  ready,
  fault,
  beat: {},
  opened: { socket: text },
  sent: { id: count, ...sentShape },
  stopped: {},
});

/** It carries frames between a promiscuous bridge device and an endpoint behind it. */
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
