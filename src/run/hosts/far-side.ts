import { closeSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { HostState } from '../../core/model/state.js';
import { messageOf, VerifyError } from '../../core/model/verify-error.js';
import {
  beatMs,
  farPatienceMs,
  fetchBytes,
  type FromHost,
  type HostAnswers,
  type HostAsk,
  type HostQuestion,
  type QuestionOf,
} from '../../core/protocol/host-messages.js';
import { encodeLine, lineSplitter } from '../../core/protocol/lines.js';
import { failureOf } from '../../core/protocol/failure.js';
import { parseToHost } from '../../core/protocol/parse-host-message.js';
import { type Capture, startCapture } from '../../system/capture/client.js';
import { parseNeighbours } from '../../system/fabric/host/find.js';
import { type InjectionPorts, openInjectionPorts } from '../../system/fabric/host/injection-ports.js';
import { journalFolder } from '../../system/fabric/host/journal.js';
import { cleanedText, cleanUp, isClean } from '../../system/fabric/host/undo.js';
import { startSender } from '../../system/inject/helper.js';
import type { Sender } from '../../system/inject/sender.js';
import { wallClockNs } from '../../system/kernel/clock.js';
import { watchSilence } from '../../system/process/helper-process.js';
import { toolVersion } from '../../system/process/package-path.js';
import { readJson } from '../../system/process/programs.js';
import { watchRuleChanges } from '../../system/state/changes/rule-changes.js';
import { watchSettingChanges } from '../../system/state/changes/setting-changes.js';
import { readDrops } from '../../system/state/read-devices.js';
import { accountsOfPorts, type InsideReader, readLinkedDevices } from '../../system/state/read-linked-devices.js';
import { watchCarriers } from '../../system/state/changes/carrier-changes.js';
import { readState } from '../../system/state/read.js';

/** If the orchestrator does not read, counts are left out, but no faults or answers. */
const maxBacklog = 1 << 20;
const lastWordsMs = 1000;

interface FarCapture {
  readonly capture: Capture;
  /** Without a name: it vanishes with this process. */
  readonly fd: number;
  readonly readInside: InsideReader;
}

interface Held {
  readonly captures: Map<string, FarCapture>;
  readonly senders: Map<string, Sender>;
  ways: InjectionPorts | null;
  /** Set while a step's probes are under way. */
  watch: HostWatch | null;
}

/** Ties a question to its answerer by type. */
type Asked<A extends HostAsk> = { [Name in HostAsk]: QuestionOf<Name> }[A];

type Answerers = {
  readonly [A in HostAsk]: (
    question: Asked<A>,
    state: Held,
    say: (message: FromHost) => void,
  ) => Promise<HostAnswers[A]>;
};

function captureOf(state: Held, name: string): FarCapture {
  const capture = state.captures.get(name);
  if (capture === undefined) throw refused(`there is no capture ${JSON.stringify(name)}`);
  return capture;
}

function refused(what: string): VerifyError {
  return new VerifyError('protocol', 70, what, 'report this as a fault of verify-isolation');
}

function stateIn(netns: string | null, sysctl: readonly string[], ovs: boolean): Promise<HostState> {
  return readState({ netns, sysfs: netns === null, sysctl, packetSockets: true, ovs });
}

/** A failing one answers with its VerifyError. */
const answerers: Answerers = {
  clock: async () => ({ ns: wallClockNs().toString() }),
  async read({ netns, sysctl, ovs }) {
    const [state, neighbours] = await Promise.all([
      stateIn(netns, sysctl, ovs),
      readJson(['ip', '-j', 'neigh', 'show'], { netns }),
    ]);
    return { state, neighbours: parseNeighbours(neighbours) };
  },
  drops: async ({ netns }) => ({ drops: readDrops(netns) }),
  async watch({ netns, routed }, state) {
    state.watch?.close();
    state.watch = watchHost(netns, routed);
    return { watching: true };
  },
  heard: async (_question, { watch }) => {
    if (watch === null) throw refused('nothing is watched');
    return watch.take();
  },
  around: async ({ netns }) => readLinkedDevices(netns),
  async open({ runId, netns, bridges, ports, inside }, state) {
    if (state.ways !== null) throw refused('a run is open already');
    const again = (): Promise<HostState> => stateIn(netns, [], false);
    const named = inside.map((guest) => ({ ...guest, attach: 'port' as const }));
    const endpoints = [...named, ...ports.map((port) => ({ name: port, port, netns: null, attach: 'port' as const }))];
    const ways = await openInjectionPorts({
      runId,
      journalFolder: journalFolder(),
      netns,
      state: await again(),
      readState: again,
      bridges,
      endpoints,
      senders: new Set(ports),
    });
    state.ways = ways;
    return {
      ways: Object.fromEntries(ports.map((port) => [port, ways.of(port)])),
      inside: Object.fromEntries(ways.inside),
    };
  },
  async capture({ capture: name, netns, runTag, only, most }, state, say) {
    const dir = mkdtempSync(join(tmpdir(), 'verify-isolation-'));
    try {
      const file = join(dir, 'capture.pcapng');
      const capture = await startCapture({ file, netns, runTag, only, most });
      state.captures.set(name, { capture, fd: openSync(file, 'r'), readInside: () => ({}) });
      capture.onFault(({ code, observers, text }) => say({ type: 'fault', capture: name, code, observers, text }));
      capture.onCounts((taken) => say({ type: 'counts', capture: name, taken }));
      return { pids: capture.pids() };
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  },
  observe: async ({ capture, observers }, state) => ({
    listening: await captureOf(state, capture).capture.open(observers),
  }),
  seal: ({ capture }, state) => captureOf(state, capture).capture.seal(),
  async count({ capture: name, netns, ports, pooled }, state) {
    const counting = captureOf(state, name);
    const place = { home: netns, devices: readLinkedDevices(netns).devices, pooled, lostEndPolls: true };
    const { accounts, counted, readInside } = accountsOfPorts(place, ports);
    counting.capture.count(counted);
    state.captures.set(name, { ...counting, readInside });
    return { accounts };
  },
  async mark({ capture: name, mark, accounts }, state) {
    const { capture, readInside } = captureOf(state, name);
    const counters = await capture.mark(mark, accounts);
    return { counters, accounts: accounts ? { ...capture.accounts(), ...readInside() } : {} };
  },
  stop: ({ capture }, state) => captureOf(state, capture).capture.stop(),
  async fetch({ capture: name, offset }, state) {
    const { fd } = captureOf(state, name);
    const bytes = Buffer.alloc(fetchBytes);
    const length = readSync(fd, bytes, 0, fetchBytes, offset);
    if (length === 0) {
      closeSync(fd);
      state.captures.delete(name);
    }
    return { bytes: bytes.subarray(0, length).toString('base64') };
  },
  async sender({ sender: name, places }, state) {
    const sender = await startSender(places);
    state.senders.set(name, sender);
    return { pid: sender.pid };
  },
  async send({ sender, routes, length, frames, perSecond }, state) {
    const known = state.senders.get(sender);
    if (known === undefined) throw refused(`there is no sender ${JSON.stringify(sender)}`);
    return known.sendRouted(routes, Buffer.from(frames, 'base64'), length, perSecond);
  },
  async 'end-sender'({ sender }, state) {
    await state.senders.get(sender)?.stop();
    state.senders.delete(sender);
    return { ended: true };
  },
  async close(_question, state) {
    await letGo(state);
    const unrestored = (await state.ways?.close()) ?? [];
    state.ways = null;
    return { left: unrestored };
  },
};

function answerAs<A extends HostAsk>(
  ask: A,
  question: Asked<A>,
  state: Held,
  say: (message: FromHost) => void,
): Promise<unknown> {
  return answerers[ask](question, state, say);
}

function answer(question: HostQuestion, state: Held, say: (message: FromHost) => void): Promise<unknown> {
  return answerAs(question.ask, question, state, say);
}

async function letGo(state: Held): Promise<void> {
  const { captures, senders } = state;
  for (const { capture } of captures.values()) capture.kill();
  for (const sender of senders.values()) sender.kill();
  await Promise.all([...captures.values()].map(({ capture }) => Promise.race([capture.ended(), sleep(lastWordsMs)])));
  captures.clear();
  senders.clear();
  state.watch?.close();
  state.watch = null;
}

/**
 * `verify-isolation helper`, the far side of a run, on stdin and stdout (core/protocol/host-messages.ts). Resolves when
 * stdin closes or falls silent, and all is undone. The next start undoes remains of a killed one.
 */
export async function farSide(): Promise<void> {
  const cleaned = process.getuid?.() === 0 ? await cleanUp(journalFolder()) : [];
  for (const run of cleaned) if (!isClean(run)) process.stderr.write(`${cleanedText(run)}\n`);
  return new Promise((resolve) => new FarSide(resolve));
}

class FarSide {
  private readonly state: Held = { captures: new Map(), senders: new Map(), ways: null, watch: null };
  private readonly output = new Socket({ fd: 1, readable: false, writable: true });
  private readonly input = new Socket({ fd: 0, readable: true, writable: false });
  private readonly split = lineSplitter();
  private readonly silence = watchSilence(farPatienceMs, () => void this.end());
  private readonly beat = setInterval(() => this.send({ type: 'beat' }), beatMs);
  private readonly resolve: () => void;
  private isEnded = false;

  /** Called when all is undone. */
  constructor(resolve: () => void) {
    this.resolve = resolve;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void this.end());
    this.output.on('error', () => void this.end());
    this.input.on('error', () => void this.end());
    this.input.on('close', () => void this.end());
    this.input.setEncoding('utf8').on('data', (chunk: string) => this.hear(chunk));
    this.send({ type: 'ready', version: toolVersion(), pid: process.pid, uid: process.getuid?.() ?? -1 });
  }

  private send(message: FromHost): void {
    if (message.type === 'counts' && this.output.writableLength > maxBacklog) return;
    this.output.write(encodeLine(message));
  }

  private hear(chunk: string): void {
    this.silence.restart();
    try {
      for (const line of this.split(chunk)) {
        const message = parseToHost(line);
        if (message.type === 'question') void this.answer(message.id, message);
      }
    } catch (error) {
      process.stderr.write(`${messageOf(error)}\n`);
      void this.end();
    }
  }

  private async answer(id: number, question: HostQuestion): Promise<void> {
    try {
      const value = await answer(question, this.state, (message) => this.send(message));
      this.send({ type: 'answer', id, value });
    } catch (error) {
      this.send({ type: 'refused', id, ...failureOf(error instanceof VerifyError ? error : faultOf(error)) });
    }
  }

  private async end(): Promise<void> {
    if (this.isEnded) return;
    this.isEnded = true;
    clearInterval(this.beat);
    this.silence.stop();
    try {
      await letGo(this.state);
      await this.state.ways?.close();
    } catch (error) {
      // its journal is there, and the next one undoes it
      process.stderr.write(`${messageOf(error)}\n`);
    }
    this.input.destroy();
    this.output.destroy();
    this.resolve();
  }
}

function faultOf(error: unknown): VerifyError {
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new VerifyError('host-fault', 70, text, 'report this as a fault of verify-isolation');
}

interface HostWatch {
  /** Rules and settings since the last call, others since opening. */
  take(): Promise<HostAnswers['heard']>;
  close(): void;
}

/** `netns` null = the caller's. `routed`: also routes (watchSettingChanges). */
function watchHost(netns: string | null, routed: boolean): HostWatch {
  const [rules, settings, carriers] = [
    watchRuleChanges(netns),
    watchSettingChanges(netns, routed),
    watchCarriers(netns),
  ];
  return {
    take: async () => ({
      rules: rules.take(),
      settings: settings.take(),
      passing: await carriers.take(),
      unheard: [...new Set([rules, settings, carriers].flatMap((watch) => watch.unheard()))],
    }),
    close: () => [rules, settings, carriers].forEach((watch) => watch.close()),
  };
}
