import { closeSync, openSync, writeSync } from 'node:fs';
import type { Place } from '../../core/model/fabric.js';
import type { AccountWindow, Fault } from '../../core/model/timeline.js';
import { VerifyError } from '../../core/model/verify-error.js';
import type { Capture } from '../../system/capture/client.js';
import type { CaptureOptions } from '../../system/capture/helper.js';
import { sendInPieces } from '../../system/inject/send-in-pieces.js';
import type { Sender } from '../../system/inject/sender.js';
import type { RemoteHost } from './remote-host.js';

/** Opening, draining and closing on the far side, as in system/capture/client.ts. */
const openMs = 120_000;
const drainMs = 60_000;

/** null where the connection is lost: its observers' fault reports that, and the others go on. */
async function unlessLost<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof VerifyError && error.code === 'host-lost') return null;
    throw error;
  }
}

/**
 * A capture on another host, with the same face as one here. When it is stopped its file is brought back over the
 * channel to `options.file`. A connection that is lost is a fault `host-lost` of all its observers.
 */
export async function startRemoteCapture(host: RemoteHost, options: CaptureOptions): Promise<Capture> {
  const capture = `${options.file.slice(options.file.lastIndexOf('/') + 1)}`;
  const observers: string[] = [];
  const faultListeners = new Set<(fault: Fault) => void>();
  const countListeners = new Set<(taken: number) => void>();
  let taken = 0;
  let windows: Readonly<Record<string, AccountWindow>> = {};
  let over = false;
  const report = (fault: Fault): void => {
    for (const listener of faultListeners) listener(fault);
  };
  const { pids } = await host.ask({
    ask: 'capture',
    capture,
    netns: options.netns ?? null,
    runTag: options.runTag ?? null,
    only: options.only ?? 'all',
  });
  host.onMessage((message) => {
    if (message.type === 'counts' && message.capture === capture) {
      ({ taken } = message);
      for (const listener of countListeners) listener(taken);
    }
    if (message.type === 'fault' && message.capture === capture)
      report({ code: message.code, observers: message.observers, text: `${host.name}: ${message.text}` });
  });
  host.onLost((why) => {
    if (!over)
      report({ code: 'host-lost', observers: [...observers], text: `the connection to ${host.name} was lost: ${why}` });
  });

  async function fetch(): Promise<void> {
    const fd = openSync(options.file, 'ax', 0o600);
    try {
      for (let offset = 0; ; ) {
        const bytes = Buffer.from((await host.ask({ ask: 'fetch', capture, offset })).octets, 'base64');
        if (bytes.length === 0) return;
        for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
        offset += bytes.length;
      }
    } finally {
      closeSync(fd);
    }
  }
  return {
    files: [options.file],
    pids: () => pids,
    async open(requests) {
      observers.push(...requests.map(({ observer }) => observer));
      return (await host.ask({ ask: 'observe', capture, observers: requests }, openMs)).listening;
    },
    seal: () => host.ask({ ask: 'seal', capture }),
    async mark(id, withAccounts = false) {
      const marked = await unlessLost(host.ask({ ask: 'mark', capture, mark: id, accounts: withAccounts }, drainMs));
      if (withAccounts) windows = marked?.accounts ?? {};
      return marked?.counters ?? {};
    },
    count: () => undefined, // what has to be known of the ports is known there
    async countThere(ports, pooled) {
      if (ports.length === 0) return {};
      const netns = options.netns ?? null;
      return (await unlessLost(host.ask({ ask: 'count', capture, netns, ports, pooled })))?.accounts ?? {};
    },
    accounts: () => windows,
    async stop() {
      const stopped = await unlessLost(host.ask({ ask: 'stop', capture }, drainMs));
      if (stopped === null) return { counters: {}, written: {}, kept: [] };
      try {
        if ((await unlessLost(fetch().then(() => true))) === null) return { counters: {}, written: {}, kept: [] };
      } catch (error) {
        if (error instanceof VerifyError) throw error;
        report({
          code: 'file-failed',
          observers: [...observers],
          text: `the capture of ${host.name} could not be written here: ${error instanceof Error ? error.message : String(error)}`,
        });
      }
      over = true;
      return stopped;
    },
    ended: async () => undefined,
    onCounts(listener) {
      countListeners.add(listener);
      listener(taken);
    },
    onFault: (listener) => void faultListeners.add(listener),
    kill: () => void host.ask({ ask: 'stop', capture }).catch(() => undefined),
  };
}

/** Bytes of frames in one message. */
const pieceBytes = 256 * 1024;
const answerMs = 15_000;

/** A sender on another host, with the same face as one here: `error` is `host-lost` where the connection is gone. */
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
