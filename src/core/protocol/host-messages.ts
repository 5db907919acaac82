import type { FaultCode } from '../model/reasons.js';
import type { Place } from '../model/fabric.js';
import type { HostState, LinkedDevice } from '../model/state.js';
import type { PacketSocket } from '../model/packet-socket.js';
import type { Account, AccountWindow, Counters, EngineFacts, RuleChange, SettingChange } from '../model/timeline.js';
import type { KeptFrame, ToCapture } from './messages.js';

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

/** An endpoint that is named by a network namespace of its own. */
export interface InsideEndpoint {
  readonly name: string;
  readonly port: string;
  readonly netns: string;
}

/** A port out of which frames are counted beside its observer. */
export interface CountedPort {
  readonly observer: string;
  readonly bridge: string;
  /** As the plan calls it. */
  readonly port: string;
  /** As its host does. */
  readonly device: string;
}

export type HostQuestion =
  /** The far side's wall clock, to hold against one's own. */
  | { readonly ask: 'clock' }
  | { readonly ask: 'read'; readonly netns: string | null; readonly sysctl: readonly string[]; readonly ovs: boolean }
  /** What devices have dropped since they are there. */
  | { readonly ask: 'drops'; readonly netns: string | null }
  /** Begins to hear who changes rules and settings in a namespace, and which packet sockets come. */
  | { readonly ask: 'watch'; readonly netns: string | null; readonly routed: boolean }
  /** Changes since the last question; packet sockets since the beginning. */
  | { readonly ask: 'heard' }
  /** Its devices, and those elsewhere that stand on one of them or are the other end of a veth. */
  | { readonly ask: 'around'; readonly netns: string | null }
  /** Locks the bridges and opens injection ports, with a journal. */
  | {
      readonly ask: 'open';
      readonly runId: string;
      readonly netns: string | null;
      readonly bridges: readonly string[];
      readonly ports: readonly string[];
      readonly inside: readonly InsideEndpoint[];
    }
  | {
      readonly ask: 'capture';
      readonly capture: string;
      readonly netns: string | null;
      readonly runTag: number | null;
      readonly only: 'run' | 'all';
      readonly most: number | null;
    }
  | {
      readonly ask: 'observe';
      readonly capture: string;
      readonly observers: readonly Omit<Extract<ToCapture, { type: 'open' }>, 'type'>[];
    }
  | { readonly ask: 'seal'; readonly capture: string }
  /** Counts what leaves by these ports, and what comes in behind them, between `observe` and `seal`. */
  | {
      readonly ask: 'count';
      readonly capture: string;
      readonly netns: string | null;
      readonly ports: readonly CountedPort[];
      readonly pooled: boolean;
    }
  | { readonly ask: 'mark'; readonly capture: string; readonly mark: string; readonly accounts: boolean }
  | { readonly ask: 'stop'; readonly capture: string }
  /** A piece of a capture that was stopped; an empty one is its end. */
  | { readonly ask: 'fetch'; readonly capture: string; readonly offset: number }
  | { readonly ask: 'sender'; readonly sender: string; readonly places: Readonly<Record<string, Place>> }
  | {
      readonly ask: 'send';
      readonly sender: string;
      readonly routes: readonly { readonly socket: string; readonly count: number; readonly size?: number }[];
      readonly length: number;
      readonly frames: string;
      readonly perSecond: number | null;
    }
  | { readonly ask: 'end-sender'; readonly sender: string }
  /** Undoes everything; what could not be undone is the answer. */
  | { readonly ask: 'close' };

/** What is answered, by question. */
export interface HostAnswers {
  readonly clock: { readonly ns: string };
  readonly read: {
    readonly state: HostState;
    readonly neighbours: readonly { readonly mac: string; readonly address: string }[];
  };
  readonly drops: { readonly drops: Readonly<Record<string, number>> };
  readonly watch: { readonly watching: true };
  readonly heard: {
    readonly rules: readonly RuleChange[];
    readonly settings: readonly SettingChange[];
    readonly sockets: readonly PacketSocket[];
    readonly unheard: readonly string[];
  };
  readonly around: { readonly devices: readonly LinkedDevice[]; readonly unread?: readonly string[] | undefined };
  readonly open: { readonly ways: Readonly<Record<string, Place>>; readonly inside: Readonly<Record<string, Place>> };
  readonly capture: { readonly pids: readonly number[] };
  readonly observe: {
    readonly listening: readonly { readonly observer: string; readonly facts: EngineFacts; readonly version: string }[];
  };
  readonly seal: { readonly uid: number; readonly capabilities: string; readonly filtered: boolean };
  readonly count: { readonly accounts: Readonly<Record<string, Account>> };
  readonly mark: {
    readonly counters: Readonly<Record<string, Counters>>;
    readonly accounts: Readonly<Record<string, AccountWindow>>;
  };
  readonly stop: {
    readonly counters: Readonly<Record<string, Counters>>;
    readonly written: Readonly<Record<string, number>>;
    readonly kept: readonly KeptFrame[];
  };
  readonly fetch: { readonly bytes: string };
  readonly sender: { readonly pid: number };
  readonly send: { readonly accepted: number; readonly error: string | null };
  readonly 'end-sender': { readonly ended: true };
  readonly close: { readonly left: readonly string[] };
}

export type HostAsk = HostQuestion['ask'];
export type QuestionOf<A extends HostAsk> = Extract<HostQuestion, { readonly ask: A }>;

export type ToHost = { readonly type: 'beat' } | ({ readonly type: 'question'; readonly id: number } & HostQuestion);

export type FromHost =
  | { readonly type: 'ready'; readonly version: string; readonly pid: number; readonly uid: number }
  | { readonly type: 'beat' }
  | { readonly type: 'answer'; readonly id: number; readonly value: unknown }
  | {
      readonly type: 'refused';
      readonly id: number;
      readonly code: FaultCode;
      readonly exit: number;
      readonly message: string;
      readonly hint: string;
    }
  | { readonly type: 'counts'; readonly capture: string; readonly taken: number }
  | {
      readonly type: 'fault';
      readonly capture: string;
      readonly code: FaultCode;
      readonly observers: readonly string[];
      readonly text: string;
    };
