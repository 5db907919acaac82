import { closeSync, openSync, writeSync } from 'node:fs';
import type { Place } from '../../core/model/fabric.js';
import type { AccountWindow, Fault } from '../../core/model/timeline.js';
import { messageOf, VerifyError } from '../../core/model/verify-error.js';
import { fetchBytes } from '../../core/protocol/host-messages.js';
import { type Capture, CaptureReports } from '../../system/capture/client.js';
import type { CaptureOptions } from '../../system/capture/helper.js';
import { sendInPieces } from '../../system/inject/send-in-pieces.js';
import type { Sender } from '../../system/inject/sender.js';
import type { RemoteHost } from './remote-host.js';

/** As in system/capture/client.ts. */
const openMs = 120_000;
const drainMs = 60_000;

/** Uncounted bytes of a capture file, and its total. */
const maxFile = { uncounted: 64 * 2 ** 20, bytes: 4 * 2 ** 30 } as const;
/** Headers and comments of a frame's block (pcapng, 4.3). */
const blockBytes = 128;
/** The slowest line over which a file is still fetched. */
const slowest = { bytesPerMs: 64, startMs: 60_000 } as const;

/** A lost connection is its observers' fault. The others go on. */
async function unlessLost<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'host-lost') return null;
    throw error;
  }
}

/**
 * Like a local capture. When stopped, its file comes to `options.file`. A lost connection is a fault `host-lost` of all
 * its observers.
 */
export async function startRemoteCapture(host: RemoteHost, options: CaptureOptions): Promise<Capture> {
  const name = options.file.slice(options.file.lastIndexOf('/') + 1);
  const { pids } = await host.ask({
    ask: 'capture',
    capture: name,
    netns: options.netns ?? null,
    runTag: options.runTag ?? null,
    only: options.only ?? 'all',
    most: options.most ?? null,
  });
  const capture = new RemoteCapture(host, name, options.file);
  return {
    files: [options.file],
    pids: () => pids,
    open: (requests) => capture.open(requests),
    seal: () => host.ask({ ask: 'seal', capture: name }),
    mark: (id, withAccounts) => capture.mark(id, withAccounts),
    count: () => undefined, // what has to be known of the ports is known there
    async countThere(ports, pooled) {
      if (ports.length === 0) return {};
      const netns = options.netns ?? null;
      return (await unlessLost(host.ask({ ask: 'count', capture: name, netns, ports, pooled })))?.accounts ?? {};
    },
    accounts: () => capture.windows,
    stop: () => capture.stop(),
    ended: async () => undefined,
    onCounts: (listener) => capture.reports.onCounts(listener),
    onFault: (listener) => capture.reports.onFault(listener),
    kill: () => void host.ask({ ask: 'stop', capture: name }).catch(() => undefined),
  };
}

class RemoteCapture {
  /** From the last mark that asked for accounts. */
  windows: Readonly<Record<string, AccountWindow>> = {};
  private readonly host: RemoteHost;
  private readonly name: string;
  private readonly path: string;
  private readonly observers: string[] = [];
  private snaplen = 0;
  readonly reports = new CaptureReports();
  private isOver = false;

  constructor(host: RemoteHost, name: string, path: string) {
    this.host = host;
    this.name = name;
    this.path = path;
    host.onMessage((message) => {
      if (message.type === 'counts' && message.capture === name) this.reports.count(message.taken);
      if (message.type === 'fault' && message.capture === name)
        this.reports.fault({ code: message.code, observers: message.observers, text: `${host.name}: ${message.text}` });
    });
    host.onLost((why) => {
      if (!this.isOver) this.reportAll('host-lost', `the connection to ${host.name} was lost: ${why}`);
    });
  }

  async open(requests: Parameters<Capture['open']>[0]): ReturnType<Capture['open']> {
    this.observers.push(...requests.map(({ observer }) => observer));
    this.snaplen = Math.max(this.snaplen, ...requests.map(({ snaplen }) => snaplen));
    return (await this.host.ask({ ask: 'observe', capture: this.name, observers: requests }, openMs)).listening;
  }

  async mark(id: string, withAccounts = false): ReturnType<Capture['mark']> {
    const mark = { ask: 'mark', capture: this.name, mark: id, accounts: withAccounts } as const;
    const marked = await unlessLost(this.host.ask(mark, drainMs));
    if (withAccounts) this.windows = marked?.accounts ?? {};
    return marked?.counters ?? {};
  }

  async stop(): ReturnType<Capture['stop']> {
    const nothing = { counters: {}, written: {}, kept: [] };
    const stopped = await unlessLost(this.host.ask({ ask: 'stop', capture: this.name }, drainMs));
    if (stopped === null) return nothing;
    try {
      if ((await unlessLost(this.fetch(this.maxBytes(stopped)).then(() => true))) === null) return nothing;
    } catch (error) {
      if (error instanceof VerifyError) throw error;
      this.reportAll('file-failed', `the capture of ${this.host.name} could not be written here: ${messageOf(error)}`);
    }
    this.isOver = true;
    return stopped;
  }

  private reportAll(code: Fault['code'], text: string): void {
    this.reports.fault({ code, observers: [...this.observers], text });
  }

  /** By the far side's counts. */
  private maxBytes({ counters, written }: Awaited<ReturnType<Capture['stop']>>): number {
    const delivered = Object.values(counters).reduce((sum, observer) => sum + observer.delivered, 0);
    const frames = Math.max(
      delivered,
      Object.values(written).reduce((sum, count) => sum + count, 0),
    );
    return Math.min(maxFile.uncounted + frames * (this.snaplen + blockBytes), maxFile.bytes);
  }

  /** All pieces but the last are full. Drops a host that sends anything else. */
  private async fetch(maxBytes: number): Promise<void> {
    const fd = openSync(this.path, 'ax', 0o600);
    const startMs = performance.now();
    let isLast = false;
    try {
      for (let offset = 0; ; ) {
        const piece = await this.host.ask({ ask: 'fetch', capture: this.name, offset });
        const bytes = Buffer.from(piece.bytes, 'base64');
        if (bytes.length === 0) return;
        offset += bytes.length;
        const lateMs = performance.now() - startMs - slowest.startMs - offset / slowest.bytesPerMs;
        if (isLast || bytes.length > fetchBytes || offset > maxBytes || lateMs > 0) {
          this.host.giveUp(
            lateMs > 0
              ? `its capture comes too slowly: ${offset} bytes in ${Math.round(performance.now() - startMs)} ms`
              : `its capture is longer than what it counted (at most ${maxBytes} bytes), or comes in odd pieces`,
          );
          continue; // the next question is refused
        }
        isLast = bytes.length < fetchBytes;
        for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
      }
    } finally {
      closeSync(fd);
    }
  }
}

const pieceBytes = 256 * 1024;
const answerMs = 15_000;

/** Like a local sender. `error` is `host-lost` if the connection is gone. */
export async function startRemoteSender(
  host: RemoteHost,
  sender: string,
  places: Readonly<Record<string, Place>>,
): Promise<Sender> {
  const { pid } = await host.ask({ ask: 'sender', sender, places });
  const { send, sendRouted, idle } = sendInPieces(
    { pieceBytes, answerMs, underWay: 1 },
    ({ routes, frames, length, perSecond, withinMs }) =>
      host.ask(
        {
          ask: 'send',
          sender,
          routes,
          length,
          perSecond,
          frames: Buffer.from(frames.buffer, frames.byteOffset, frames.length).toString('base64'),
        },
        withinMs,
      ),
  );
  return {
    pid,
    send,
    sendRouted,
    onFault: () => undefined, // a sender that fails says so in its outcome
    async stop() {
      await idle();
      await host.ask({ ask: 'end-sender', sender }).catch(() => undefined);
    },
    kill: () => void host.ask({ ask: 'end-sender', sender }).catch(() => undefined),
  };
}
