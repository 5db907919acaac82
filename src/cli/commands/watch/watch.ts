import { accessSync, constants, readFileSync } from 'node:fs';
import { bridgeViews } from '../../../core/bridge/view.js';
import type { Drift } from '../../../core/model/audit.js';
import { netnsPath } from '../../../core/model/fabric.js';
import type { Snapshot } from '../../../core/model/state.js';
import { VerifyError, messageOf, usageError } from '../../../core/model/verify-error.js';
import { counted, escapeText } from '../../../core/text/escape.js';
import { jsonText } from '../../../core/text/json-text.js';
import { watchMetrics } from '../../../report/machine/prometheus.js';
import { driftLines } from '../../../report/terminal/drift.js';
import { writeNamedFile } from '../../../system/evidence/folder/named-file.js';
import { notifySystemd, writeJournalEntry } from '../../../system/machine/systemd-notify.js';
import { parseSnapshot } from '../../../system/state/parse-snapshot.js';
import { readSnapshot } from '../../../system/state/read-snapshot.js';
import { type WatchCounts, watchLoop } from './loop.js';
import { makeExec, makeReprobe } from './reprobe.js';

export interface WatchCommandOptions {
  readonly bridge: string | undefined;
  readonly netns: string | undefined;
  readonly baseline: string | undefined;
  readonly learn: string | undefined;
  readonly json: boolean;
  readonly textfile: string | undefined;
  readonly reprobe: string | undefined;
  readonly exec?: string | undefined;
}

const signals = { SIGINT: 130, SIGTERM: 143 } as const;

function checkLearning({ bridge, baseline, json, textfile, reprobe, exec }: WatchCommandOptions): void {
  const stray = Object.entries({ bridge, baseline, json: json ? '' : undefined, textfile, reprobe, exec }).flatMap(
    ([name, value]) => (value === undefined ? [] : [`--${name}`]),
  );
  if (stray.length > 0)
    throw usageError(
      `${stray.join(', ')}: not with --learn`,
      'it takes --netns, and writes the whole state; give the others to the watch with --baseline',
    );
}

/** VerifyError (64): what a change starts is looked at before one is waited for. */
async function checkStarted({ reprobe, exec }: WatchCommandOptions): Promise<void> {
  if (reprobe !== undefined) await (await import('../scenario/load-files.js')).loadFiles([reprobe]);
  try {
    if (exec?.includes('/') === true) accessSync(exec, constants.X_OK);
  } catch (error) {
    throw usageError(`--exec ${exec}: ${messageOf(error)}`, 'name a program that may be started');
  }
}

/** Watches until a signal; gives its exit status. */
export async function watchCommand(options: WatchCommandOptions): Promise<number> {
  if (options.learn !== undefined) checkLearning(options);
  const netns = netnsPath(options.netns ?? null);
  if (options.learn !== undefined) {
    writeWhole(options.learn, `${jsonText(await readSnapshot({ netns, complete: false }), 1)}\n`);
    return 0;
  }
  await checkStarted(options);
  const stop = new AbortController();
  let status = 0;
  const stopped = Object.entries(signals).map(([name, code]) => {
    const handler = (): void => {
      status = code;
      stop.abort();
    };
    process.once(name, handler);
    return () => process.off(name, handler);
  });
  const say: Say = (object, text) => {
    process.stdout.write(`${options.json ? jsonText({ at: new Date().toISOString(), ...object }) : text}\n`);
  };
  const report = createReporter(options, say);
  const watchdog = process.env['WATCHDOG_USEC'];
  const alive =
    watchdog === undefined ? undefined : setInterval(() => notifySystemd('WATCHDOG=1'), Number(watchdog) / 2000);
  try {
    await watchLoop({
      netns,
      bridge: options.bridge ?? null,
      baseline: options.baseline === undefined ? null : loadBaseline(options.baseline),
      signal: stop.signal,
      ...report,
    });
  } finally {
    clearInterval(alive);
    for (const off of stopped) off();
    notifySystemd('STOPPING=1');
    await report.end();
  }
  return status;
}

type Say = (object: Readonly<Record<string, unknown>>, text: string) => void;

function createActions(options: WatchCommandOptions, say: Say) {
  const reprobe =
    options.reprobe === undefined
      ? null
      : makeReprobe(options.reprobe, (outcome) =>
          say(
            { event: 'reprobe', ...outcome },
            `reprobe: ${outcome.verdict} (exit status ${outcome.status}), evidence in ${outcome.dir}`,
          ),
        );
  const exec =
    options.exec === undefined
      ? null
      : makeExec(options.exec, (why) =>
          say({ event: 'exec-failed', why }, `--exec ${options.exec}: ${escapeText(why)}`),
        );
  return { reprobe, exec };
}

function createReporter(options: WatchCommandOptions, say: Say) {
  const driftCounts: Record<string, number> = {};
  const { reprobe, exec } = createActions(options, say);
  const requested = options.bridge ?? null;
  const views = (snapshot: Snapshot) =>
    bridgeViews(snapshot).filter(({ name }) => requested === null || name === requested);
  const write = (snapshot: Snapshot, open: readonly Drift[], counts: WatchCounts): void => {
    if (options.textfile === undefined) return;
    const bridges = views(snapshot).map(({ name, link }) => ({ name, promiscuity: link.promiscuity }));
    writeWhole(options.textfile, watchMetrics({ readAt: new Date(), bridges, open, driftCounts, counts }));
  };
  let failing = false;
  return {
    onReady(snapshot: Snapshot): void {
      const bridges = views(snapshot);
      const ports = bridges.reduce((sum, view) => sum + view.ports.length, 0);
      say(
        { event: 'watching', bridges: bridges.map(({ name }) => name), ports, unread: snapshot.state.unread },
        `watching ${bridges.map(({ name }) => name).join(', ') || 'for bridges to appear'}, ${counted(ports, 'port')}${snapshot.state.unread.map(({ what, why }) => `\ncould not be read: ${what}: ${why}`).join('')}`,
      );
      write(snapshot, [], { reads: 1, failures: 0, events: 0, overruns: 0 });
      notifySystemd(`READY=1\nSTATUS=watching ${counted(bridges.length, 'bridge')}, ${counted(ports, 'port')}`);
    },
    onSnapshot(snapshot: Snapshot, changed: readonly Drift[], open: readonly Drift[], counts: WatchCounts): void {
      failing = false;
      for (const { code } of changed) driftCounts[code] = (driftCounts[code] ?? 0) + 1;
      if (options.json) for (const drift of changed) say({ event: 'drift', ...drift }, '');
      else for (const line of driftLines(changed, new Date())) say({}, line);
      // In a unit, beside the lines: fields to search by
      if (process.env['JOURNAL_STREAM'] !== undefined) for (const drift of changed) writeDrift(drift);
      if (changed.length > 0)
        notifySystemd(`STATUS=${counted(open.length, 'thing differs', 'things differ')} from the baseline`);
      write(snapshot, open, counts);
      if (changed.some(({ severity }) => severity === 'high')) reprobe?.start();
      if (changed.length > 0) exec?.start(changed);
    },
    onFailure(error: VerifyError): void {
      if (!failing)
        say(
          { event: 'unreadable', message: error.message },
          `the state could not be read, trying again: ${error.message}`,
        );
      failing = true;
    },
    end: async (): Promise<void> => {
      await Promise.all([reprobe?.end(), exec?.end()]);
    },
  };
}

/** syslog(3): 4 is a warning, 6 for information. */
function writeDrift({ code, severity, place, bridge }: Drift): void {
  writeJournalEntry({
    MESSAGE: `verify-isolation: ${code} at ${escapeText(place)}`,
    PRIORITY: severity === 'info' ? '6' : '4',
    SYSLOG_IDENTIFIER: 'verify-isolation',
    VERIFY_ISOLATION_DRIFT: code,
    VERIFY_ISOLATION_SEVERITY: severity,
    VERIFY_ISOLATION_PLACE: place,
    VERIFY_ISOLATION_BRIDGE: bridge ?? '',
  });
}

function loadBaseline(path: string): Snapshot {
  try {
    return parseSnapshot(JSON.parse(readFileSync(path, 'utf8')));
  } catch (error) {
    throw new VerifyError(
      'baseline-unreadable',
      64,
      `${path}: ${messageOf(error)}`,
      'give a file that watch --learn wrote',
    );
  }
}

/** A reader sees the old file or the new one. */
function writeWhole(path: string, text: string): void {
  try {
    writeNamedFile(path, text);
  } catch (error) {
    if (error instanceof VerifyError) throw error;
    throw new VerifyError(
      'not-written',
      69,
      `${path} cannot be written: ${messageOf(error)}`,
      'name a file in a folder that is there and may be written to',
    );
  }
}
