import type { Counters } from '../../core/model/timeline.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { type Captured, firstInheritedFd, type OpenMessage, type ToCapture } from '../../core/protocol/messages.js';
import { receiveFd } from '../kernel/fd-passing.js';
import { type HelperChannel, openHelperChannel } from '../process/helper-channel.js';
import { toolVersion } from '../process/package-path.js';
import { type SealedRights, sealHelper } from '../process/seal-helper.js';
import { type CaptureFile, createCaptureFile } from './capture-file.js';
import { createFrameAccounts } from './frame-accounts.js';
import { drainUntil, reached, settled } from './drain.js';
import { watchLinks } from './link-watch.js';
import { createObserverTable, type OpenObserver, sumCounters } from './observer-table.js';

const countsMs = 100;
/** While frames come, so that who sends knows soon what was taken. */
const busyCountsMs = 10;
/** The orchestrator does not take what is said: counts are left out, faults and answers never. */
const mostBacklog = 1 << 20;
const snaplenRange = { least: 60, most: 262_144 } as const;
/** Codes of faults that an error may carry through; any other trouble at opening is `open-failed`. */
const openCodes = ['bad-filter', 'interface-gone', 'interface-down', 'open-failed'];

/** The role `capture`: listens with many observers and writes one pcapng file (core/protocol/messages.ts). */
export function captureWorker(): void {
  openHelperChannel('capture', toolVersion(), serve);
}

function serve(channel: HelperChannel<'capture'>): { message(message: ToCapture): Promise<void>; end(): void } {
  const links = watchLinks();
  const table = createObserverTable(
    (observer, error) => fault(error.code, observer.name, error.message),
    tellLinkTroubles,
  );
  table.watch(links.fd);
  const accounts = createFrameAccounts();
  let file: CaptureFile | null = null;
  let fileFailureTold = false;
  /** Once it is sealed. */
  let rights: SealedRights | null = null;
  let stopped = false;
  /** Since it rested it was not told to open anything. */
  let rested = false;

  const gone = new Set<string>();
  function fault(code: string, observer: string | null, message: string): void {
    // the link watch and the engine both notice
    if (code === 'interface-gone' && observer !== null && gone.has(observer)) return;
    if (code === 'interface-gone' && observer !== null) gone.add(observer);
    channel.say({ type: 'fault', code, observer, message });
  }
  function tellLinkTroubles(): void {
    for (const trouble of links.troubles()) {
      for (const observer of table.all)
        if (observer.device === trouble.device) fault(trouble.code, observer.name, trouble.text);
    }
  }
  function drain(): boolean {
    const more = table.drain();
    file?.flush();
    if (file !== null && file.failure !== null && !fileFailureTold) {
      fileFailureTold = true;
      fault('file-failed', null, `the capture file cannot be written: ${file.failure}`);
    }
    return more;
  }
  let told = { atMs: 0, taken: 0 };
  function tellCounts(): void {
    if (stopped || channel.backlog > mostBacklog) return;
    told = { atMs: performance.now(), taken: table.taken() };
    heartbeat.refresh();
    channel.say({ type: 'counts', taken: told.taken });
  }
  let next: NodeJS.Timeout | undefined;
  let soon: NodeJS.Immediate | undefined;
  /** Drains, and does so again when there is something to drain or to tell. */
  function pump(): void {
    clearTimeout(next);
    clearImmediate(soon);
    if (stopped) return;
    const before = table.taken();
    const more = drain();
    const taken = table.taken();
    if (taken !== told.taken && performance.now() - told.atMs >= busyCountsMs) tellCounts();
    const restMs = table.restMs();
    const rests = restMs > 0 && taken !== before && !more;
    const woken = table.whenReady(rests ? null : pump);
    if (more) soon = setImmediate(pump);
    else if (rests || !woken) next = setTimeout(pump, restMs);
    else if (taken !== told.taken) next = setTimeout(pump, busyCountsMs);
  }
  const heartbeat = setInterval(() => {
    pump();
    tellCounts();
  }, countsMs);
  pump();

  function openFirst(message: OpenMessage, into: CaptureFile): OpenObserver {
    if (table.all.some((known) => known.name === message.observer)) throw refused('the observer listens already');
    if (message.snaplen < snaplenRange.least || message.snaplen > snaplenRange.most)
      throw refused(`snaplen must be ${snaplenRange.least} to ${snaplenRange.most}, not ${message.snaplen}`);
    links.add(message.device);
    return table.open(message, into);
  }
  function open(message: OpenMessage): void {
    try {
      if (file === null) throw refused('no capture file was named');
      rested = false;
      const observer = rights === null ? openFirst(message, file) : table.again(message, file);
      if (observer === null) throw refused('this helper is sealed and opens nothing any more');
      channel.say({
        type: 'listening',
        observer: message.observer,
        facts: observer.handle.facts,
        version: observer.version,
      });
    } catch (error) {
      if (!(error instanceof VerifyError)) throw error;
      fault(openCodes.includes(error.code) ? error.code : 'open-failed', message.observer, error.message);
    }
  }
  async function mark(id: string, withAccounts: boolean): Promise<void> {
    accounts.begin();
    const drainAndRead = (): boolean => {
      accounts.read();
      return drain();
    };
    const readings = new Map(table.all.map((observer) => [observer, observer.counters()] as const));
    report(
      await drainUntil(
        table.all,
        (observer) => reached(observer, readings.get(observer) ?? []),
        withAccounts ? drainAndRead : drain,
      ),
    );
    const counters: Record<string, Counters> = {};
    for (const [observer, reading] of readings)
      counters[observer.name] = observer.handle.shared?.own() ?? {
        ...sumCounters(reading),
        delivered: sumCounters(observer.counters()).delivered,
      };
    tellCounts();
    channel.say({ type: 'marked', id, counters, accounts: accounts.windows() });
  }
  /** Receives nothing more, writes what there is, and gives what was captured. */
  async function conclude(): Promise<Captured> {
    for (const observer of table.all) if (observer.alive) observer.handle.refuse();
    report(await drainUntil(table.all, settled, drain));
    const counters = new Map(
      table.all.map(
        (observer) => [observer.interface, observer.handle.shared?.own() ?? sumCounters(observer.counters())] as const,
      ),
    );
    await file?.finish(counters);
    if (file !== null && file.failure !== null && !fileFailureTold)
      fault('file-failed', null, `the capture file cannot be closed: ${file.failure}`);
    tellLinkTroubles();
    return {
      counters: Object.fromEntries(
        table.all.map((observer) => [observer.name, counters.get(observer.interface) ?? sumCounters([])]),
      ),
      written: Object.fromEntries(table.all.map((observer) => [observer.name, file?.written(observer.interface) ?? 0])),
      kept: (file?.unwritten ?? []).map((frame) => {
        const observer = table.all.find((one) => one.interface === frame.interface);
        return {
          observer: observer?.name ?? '',
          towards: (observer?.watch === 'port') === frame.outgoing,
          frame: frame.frame.toString('base64'),
        };
      }),
    };
  }
  async function stop(): Promise<void> {
    const captured = await conclude();
    stopped = true;
    channel.say({ type: 'stopped', ...captured });
    leave(0);
  }
  async function rest(): Promise<void> {
    const captured = await conclude();
    table.rest();
    file = null;
    rested = true;
    told = { ...told, taken: 0 };
    channel.say({ type: 'rested', ...captured });
  }
  function again(): void {
    tellLinkTroubles();
    channel.say({ type: 'again', fits: rested && table.all.every(({ alive }) => alive) && links.unchanged() });
  }
  function report(late: readonly OpenObserver[]): void {
    for (const observer of late) {
      const { received, dropped, delivered } = sumCounters(observer.counters());
      fault(
        'drain-incomplete',
        observer.name,
        `${JSON.stringify(observer.device)}: ${delivered} frames came of ${received} received and ${dropped} dropped`,
      );
    }
  }
  function leave(status: number): void {
    stopped = true;
    clearInterval(heartbeat);
    table.whenReady(null);
    // With the process they would be closed one after the other, and each closing waits for the kernel's RCU: together
    // they wait for the same.
    void Promise.all([table.close(), accounts.close()]).then(() => channel.exit(status));
  }

  return {
    async message(message) {
      switch (message.type) {
        case 'file':
          if (file !== null) throw refused('there is a capture file already');
          file = createCaptureFile({
            path: message.path,
            fd: message.fd ?? receiveFd(firstInheritedFd),
            runTag: message.runTag,
            only: message.only,
            application: `verify-isolation ${toolVersion()}`,
          });
          return;
        case 'open':
          open(message);
          // between two openings the others are drained and the heart beats
          return new Promise((resolve) => setImmediate(resolve));
        case 'seal':
          rights ??= sealHelper('capture');
          channel.say({ type: 'sealed', ...rights });
          return;
        case 'mark':
          return mark(message.id, message.accounts);
        case 'count':
          accounts.open(message.account, message.devices, rights !== null);
          return;
        case 'stop':
          return stop();
        case 'rest':
          return rest();
        case 'again':
          return again();
      }
    },
    end() {
      if (stopped) return;
      file?.flush();
      leave(Number(process.exitCode ?? 0));
    },
  };
}

function refused(what: string): VerifyError {
  return new VerifyError('open-failed', 70, what, 'report this as a fault of verify-isolation');
}
