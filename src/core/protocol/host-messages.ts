import {
  anything,
  both,
  count,
  flag,
  mapOf,
  matching,
  maybe,
  number,
  type Of,
  oneOf,
  only,
  orNull,
  type Shape,
  tagged,
  text,
  whole,
} from '../model/shape/shape.js';
import { account, accountWindow, counters, faultCode, ruleChange, settingChange } from '../model/timeline.js';
import {
  capturedShape,
  listeningShape,
  openedShape,
  paceShape,
  routeShape,
  sealedShape,
  sentShape,
} from './messages.js';
import { linkedDevices, passing, stateShape } from './state-shape.js';

/**
 * Messages to `verify-isolation helper` on another host over ssh(1), as JSON lines. It begins with `ready`; its version
 * is compared first. It undoes changes and ends when stdin closes, or after `farPatienceMs` of silence, as a cut
 * network closes nothing.
 */

export const beatMs = 1000;
/** The far side ends after this silence. */
export const farPatienceMs = 10_000;
/** The orchestrator gives up after this silence. */
export const nearPatienceMs = 6000;
/** A message's part of a capture file. */
export const fetchBytes = 512 * 1024;

const insideEndpoint = { name: text, port: text, netns: text };
/** An endpoint with its own network namespace. */
export type InsideEndpoint = Of<typeof insideEndpoint>;

const countedPort = {
  observer: text,
  bridge: text,
  port: text,
  device: text,
};
/** Its outgoing frames are counted beside its observer. */
export type CountedPort = Of<typeof countedPort>;

const netns = orNull(text);
/** Only the far side knows its place. */
const farPlace = { device: text, netns };

const questions = {
  clock: {},
  read: { netns, sysctl: [text], ovs: flag },
  drops: { netns },
  watch: { netns, routed: flag },
  /** Changes since the last question, bypasses since the beginning. */
  heard: {},
  /** Its devices, and those elsewhere above them or at a veth's other end. */
  around: { netns },
  /** Locks bridges and opens injection ports, with a journal. */
  open: { runId: matching(/^[0-9a-f]{8,64}$/), netns, bridges: [text], ports: [text], inside: [insideEndpoint] },
  capture: { capture: text, netns, runTag: orNull(count), only: oneOf('run', 'all'), most: orNull(count) },
  observe: { capture: text, observers: [openedShape] },
  seal: { capture: text },
  /** Counts frames that leave by these ports or enter behind them, between `observe` and `seal`. */
  count: { capture: text, netns, ports: [countedPort], pooled: flag },
  mark: { capture: text, mark: text, accounts: flag },
  stop: { capture: text },
  /** Part of a stopped capture; empty = its end. */
  fetch: { capture: text, offset: count },
  sender: { sender: text, places: mapOf(farPlace) },
  send: {
    sender: text,
    routes: [routeShape],
    length: only(count, 'a whole number from 1', (length) => length > 0),
    frames: text,
    perSecond: paceShape,
  },
  'end-sender': { sender: text },
  close: {},
};
const questionShape = tagged('ask', questions);
export type HostQuestion = Of<typeof questionShape>;

export const answerShapes = {
  clock: { ns: matching(/^\d{1,20}$/) },
  read: { state: stateShape, neighbours: [{ mac: text, address: text }] },
  drops: { drops: mapOf(count) },
  watch: { watching: oneOf(true) },
  heard: { rules: [ruleChange], settings: [settingChange], passing, unheard: [text] },
  around: { devices: linkedDevices, unread: maybe([text]) },
  open: { ways: mapOf(farPlace), inside: mapOf(farPlace) },
  capture: { pids: [number] },
  observe: { listening: [listeningShape] },
  seal: sealedShape,
  count: { accounts: mapOf(account) },
  mark: { counters: mapOf(counters), accounts: mapOf(accountWindow) },
  stop: capturedShape,
  fetch: { bytes: text },
  sender: { pid: whole },
  send: sentShape,
  'end-sender': { ended: oneOf(true) },
  close: { left: [text] },
} as const satisfies { readonly [A in keyof typeof questions]: Shape };
export type HostAnswers = Of<typeof answerShapes>;

export type HostAsk = HostQuestion['ask'];
export type QuestionOf<A extends HostAsk> = Extract<HostQuestion, { readonly ask: A }>;

export const toHostShape = tagged('type', { beat: {}, question: both({ id: count }, questionShape) });
export type ToHost = Of<typeof toHostShape>;

export const fromHostShape = tagged('type', {
  ready: { version: text, pid: whole, uid: whole },
  beat: {},
  answer: { id: count, value: anything },
  refused: { id: count, code: faultCode, exit: whole, message: text, hint: text },
  counts: { capture: text, taken: count },
  fault: { capture: text, code: faultCode, observers: [text], text },
});
export type FromHost = Of<typeof fromHostShape>;
