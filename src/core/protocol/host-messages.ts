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
 * Messages between the orchestrator and `verify-isolation helper` on another host, over ssh(1)'s stdin and stdout: one
 * JSON object a line, as between the orchestrator and its own helpers. The far side says `ready` first, and nothing is
 * asked of it before its version was compared. It undoes what is its own and ends when its stdin closes, or when
 * nothing was heard for `farPatienceMs`: a network that was cut closes nothing.
 */

/** How often each side says that it is there. */
export const beatMs = 1000;
/** The far side gives up on an orchestrator that was silent for this long. */
export const farPatienceMs = 10_000;
/** The orchestrator gives up on a far side that was silent for this long. */
export const nearPatienceMs = 6000;
/** Bytes of a capture file in one message. */
export const fetchBytes = 512 * 1024;

const insideEndpoint = { name: text, port: text, netns: text };
/** An endpoint that is named by a network namespace of its own. */
export type InsideEndpoint = Of<typeof insideEndpoint>;

const countedPort = {
  observer: text,
  bridge: text,
  /** As the plan calls it. */
  port: text,
  /** As its host does. */
  device: text,
};
/** A port out of which frames are counted beside its observer. */
export type CountedPort = Of<typeof countedPort>;

const netns = orNull(text);
/** Of another host: where it is reached, only this one knows. */
const farPlace = { device: text, netns };

/** Questions, by `ask`. */
const questions = {
  /** The far side's wall clock, to hold against one's own. */
  clock: {},
  read: { netns, sysctl: [text], ovs: flag },
  /** What devices have dropped since they are there. */
  drops: { netns },
  /** Begins to hear who changes rules and settings in a namespace, and what comes that can carry frames elsewhere. */
  watch: { netns, routed: flag },
  /** Changes since the last question; what can carry frames elsewhere since the beginning. */
  heard: {},
  /** Its devices, and those elsewhere that stand on one of them or are the other end of a veth. */
  around: { netns },
  /** Locks the bridges and opens injection ports, with a journal. */
  open: { runId: matching(/^[0-9a-f]{8,64}$/), netns, bridges: [text], ports: [text], inside: [insideEndpoint] },
  capture: { capture: text, netns, runTag: orNull(count), only: oneOf('run', 'all'), most: orNull(count) },
  observe: { capture: text, observers: [openedShape] },
  seal: { capture: text },
  /** Counts what leaves by these ports, and what comes in behind them, between `observe` and `seal`. */
  count: { capture: text, netns, ports: [countedPort], pooled: flag },
  mark: { capture: text, mark: text, accounts: flag },
  stop: { capture: text },
  /** A piece of a capture that was stopped; an empty one is its end. */
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
  /** Undoes everything; what could not be undone is the answer. */
  close: {},
};
const questionShape = tagged('ask', questions);
export type HostQuestion = Of<typeof questionShape>;

/** What is answered, by question. */
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
