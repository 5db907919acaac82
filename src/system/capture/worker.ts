import type { FaultCode } from '../../core/model/reasons.js';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Counters } from '../../core/model/timeline.js';
import { assertKnown, VerifyError } from '../../core/model/verify-error.js';
import {
  type Captured,
  type FileMessage,
  handingFd,
  type OpenMessage,
  type ToCapture,
} from '../../core/protocol/messages.js';
import { receiveFd } from '../kernel/fd-passing.js';
import { type ChannelHandlers, type HelperChannel, openHelperChannel } from '../process/helper-channel.js';
import { toolVersion } from '../process/package-path.js';
import { type SealedRights, sealHelper } from '../process/seal-helper.js';
import { CaptureFile } from './capture-file.js';
import { createFrameAccounts } from './frame-accounts.js';
import { drainUntil, inFlightMs, reached, settled } from './drain.js';
import { LinkWatch } from './link-watch.js';
import type { EngineHandle } from './engine.js';
import { type OpenObserver, ObserverTable, sumCounters } from './observer-table.js';
import { Pump } from './pump.js';
import { receiveSearch, type KernelSearch } from './kernel-search.js';

/** For a slow orchestrator counts are left out, but never faults and answers. */
const maxBacklog = 1 << 20;
const maxSettleMs = 150;
/** Each observer has two handles, and Node's pool four threads. */
const sideBySide = 4;
const snaplenRange = { least: 60, most: 262_144 } as const;
const openCodes = ['bad-filter', 'interface-gone', 'interface-down', 'open-failed'];

/** The role `capture`: many observers, one pcapng file (core/protocol/messages.ts). */
export function captureWorker(): void {
  openHelperChannel('capture', toolVersion(), (channel) => new CaptureWorker(channel));
}

class CaptureWorker implements ChannelHandlers<'capture'> {
  private readonly links = new LinkWatch();
  private readonly table = new ObserverTable(
    (observer, error) => this.sendFault(error.code, observer.name, error.message),
    () => this.sendLinkTroubles(),
  );
  private readonly accounts = createFrameAccounts(() => this.search);
  private readonly pump: Pump;
  private search: KernelSearch | null = null;
  private file: CaptureFile | null = null;
  private isFileFailureSent = false;
  private rights: SealedRights | null = null;
  private isStopped = false;
  private readonly opening: Promise<void>[] = [];
  private isResting = false;
  /** The link watch and the engine both notice. */
  private readonly gone = new Set<string>();

  constructor(private readonly channel: HelperChannel<'capture'>) {
    const { table } = this;
    table.watch(this.links.fd);
    this.pump = new Pump({
      drain: () => this.drain(),
      taken: () => table.taken(),
      restMs: () => table.restMs(),
      whenReady: (listener) => table.whenReady(listener),
      report: (taken) => this.sendCounts(taken),
    });
    this.pump.start();
  }

  async message(message: ToCapture): Promise<void> {
    if (message.type !== 'open') await this.opening.at(-1);
    switch (message.type) {
      case 'file':
        return this.openFile(message);
      case 'open':
        return this.beginOpening(message);
      case 'search':
        this.search = receiveSearch(handingFd, message.runTag);
        return;
      case 'seal':
        this.rights ??= sealHelper('capture');
        this.channel.say({ type: 'sealed', ...this.rights });
        return;
      case 'mark':
        return this.mark(message.id, message.accounts);
      case 'count':
        this.accounts.open(message.account, message.devices, this.rights !== null);
        return;
      case 'stop':
        return this.stop();
      case 'rest':
        return this.rest();
      case 'again':
        return this.sayWhetherAgain();
    }
  }

  end(): void {
    if (this.isStopped) return;
    this.file?.flush();
    this.leave(Number(process.exitCode ?? 0));
  }

  private openFile({ path, runTag, only, most }: FileMessage): void {
    if (this.file !== null) throw refused('there is a capture file already');
    this.file = new CaptureFile({
      path,
      fd: receiveFd(handingFd),
      runTag,
      only,
      most,
      application: `verify-isolation ${toolVersion()}`,
    });
  }

  /** Between two observers the others are drained and the heart beats. */
  private async beginOpening(message: OpenMessage): Promise<void> {
    const prepared = this.rights === null ? this.table.prepare(message, this.search) : null;
    prepared?.catch(() => undefined); // thrown where it is awaited
    const opened = this.openObserver(message, prepared, this.opening.at(-1));
    opened.catch(() => undefined);
    this.opening.push(opened);
    // cap finds its socket by what is new of this process: no other is opened meanwhile
    await this.opening.at(message.engine === 'libpcap' ? -sideBySide : -1);
    await new Promise((resolve) => setImmediate(resolve));
  }

  private async openObserver(
    message: OpenMessage,
    prepared: ReturnType<ObserverTable['prepare']> | null,
    before: Promise<void> | undefined,
  ): Promise<void> {
    await before;
    try {
      const open = await prepared;
      if (this.file === null) throw refused('no capture file was named');
      this.isResting = false;
      const observer = open === null ? this.table.again(message, this.file) : this.openFirst(message, this.file, open);
      if (observer === null) throw refused('this helper is sealed and opens nothing any more');
      const { handle, version } = observer;
      this.channel.say({ type: 'listening', observer: message.observer, facts: handle.facts, version });
    } catch (error) {
      assertKnown(error);
      this.sendFault(openCodes.includes(error.code) ? error.code : 'open-failed', message.observer, error.message);
    }
  }

  private openFirst(message: OpenMessage, file: CaptureFile, open: () => EngineHandle): OpenObserver {
    if (this.table.observers.some((known) => known.name === message.observer))
      throw refused('the observer listens already');
    if (message.snaplen < snaplenRange.least || message.snaplen > snaplenRange.most)
      throw refused(`snaplen must be ${snaplenRange.least} to ${snaplenRange.most}, not ${message.snaplen}`);
    this.sendLinkTroubles(); // what happened to a link before it is watched is none
    this.links.add(message.device);
    return this.table.open(message, file, open());
  }

  private async mark(id: string, withAccounts: boolean): Promise<void> {
    const { table, accounts } = this;
    accounts.begin();
    const readings = new Map(table.observers.map((observer) => [observer, observer.counters()] as const));
    this.sendLate(
      await drainUntil(
        table.observers,
        (observer) => reached(observer, readings.get(observer) ?? []),
        () => {
          if (withAccounts) accounts.read();
          return this.drain();
        },
      ),
    );
    if (withAccounts) await this.settleAccounts();
    const counters: Record<string, Counters> = {};
    for (const [observer, reading] of readings)
      counters[observer.name] = observer.handle.shared?.lossCounters() ?? {
        ...sumCounters(reading),
        delivered: sumCounters(observer.counters()).delivered,
      };
    this.pump.reportCounts();
    this.channel.say({ type: 'marked', id, counters, accounts: accounts.windows() });
  }

  private async settleAccounts(): Promise<void> {
    const until = performance.now() + maxSettleMs;
    while (this.accounts.isUnsettled() && performance.now() < until) {
      await sleep(1);
      this.accounts.read();
      this.drain();
    }
  }

  private async stop(): Promise<void> {
    const captured = await this.conclude();
    this.isStopped = true;
    this.channel.say({ type: 'stopped', ...captured });
    this.leave(0);
  }

  private async rest(): Promise<void> {
    const captured = await this.conclude();
    this.table.rest();
    this.file = null;
    this.isResting = true;
    this.pump.countAnew();
    this.channel.say({ type: 'rested', ...captured });
  }

  private sayWhetherAgain(): void {
    this.sendLinkTroubles();
    const unchanged = this.isResting && this.table.observers.every(({ alive }) => alive) && this.links.unchanged();
    this.channel.say({ type: 'again', unchanged });
  }

  private async conclude(): Promise<Captured> {
    const { observers } = this.table;
    for (const observer of observers) if (observer.alive) observer.handle.refuse();
    this.sendLate(await drainUntil(observers, settled, () => this.drain(), inFlightMs));
    const counters = new Map(
      observers.map(
        (observer) =>
          [observer.interface, observer.handle.shared?.lossCounters() ?? sumCounters(observer.counters())] as const,
      ),
    );
    await this.file?.finish(counters);
    this.sendFileFailure('closed');
    this.sendFloods();
    this.sendLinkTroubles();
    const { file } = this;
    return {
      counters: Object.fromEntries(
        observers.map((observer) => [observer.name, counters.get(observer.interface) ?? sumCounters([])]),
      ),
      written: Object.fromEntries(observers.map((observer) => [observer.name, file?.written(observer.interface) ?? 0])),
      kept: (file?.unwritten ?? []).map((frame) => {
        const observer = observers.find((each) => each.interface === frame.interface);
        return {
          observer: observer?.name ?? '',
          towards: (observer?.watch === 'port') === frame.outgoing,
          frame: frame.frame.toString('base64'),
        };
      }),
    };
  }

  private drain(): boolean {
    const more = this.table.drain();
    this.file?.flush();
    this.sendFileFailure('written');
    return more;
  }

  private sendCounts(taken: number): boolean {
    if (this.isStopped || this.channel.backlog > maxBacklog) return false;
    this.channel.say({ type: 'counts', taken });
    return true;
  }

  /** A file that cannot be written cannot be closed either, so only once. */
  private sendFileFailure(what: 'written' | 'closed'): void {
    const failure = this.file?.failure ?? null;
    if (failure === null || this.isFileFailureSent) return;
    this.isFileFailureSent = true;
    this.sendFault('file-failed', null, `the capture file cannot be ${what}: ${failure}`);
  }

  private sendFloods(): void {
    const { observers } = this.table;
    const busiest = observers.find(({ interface: id }) => id === this.file?.busiest)?.name ?? '';
    for (const { name, interface: id } of observers) {
      const beyond = this.file?.beyondBound(id) ?? 0;
      if (beyond > 0)
        this.sendFault(
          'file-failed',
          name,
          `${beyond} frames with the run's tag at ${name} were counted and not kept, as the capture has its bound: most are at ${busiest}, where a guest may flood tokens`,
        );
    }
  }

  private sendLate(late: readonly OpenObserver[]): void {
    for (const observer of late) {
      const { received, dropped, delivered } = sumCounters(observer.counters());
      const frames = `${delivered} frames came of ${received} received and ${dropped} dropped`;
      this.sendFault('drain-incomplete', observer.name, `${JSON.stringify(observer.device)}: ${frames}`);
    }
  }

  private sendLinkTroubles(): void {
    for (const trouble of this.links.troubles())
      for (const observer of this.table.observers)
        if (observer.device === trouble.device) this.sendFault(trouble.code, observer.name, trouble.text);
  }

  private sendFault(code: FaultCode, observer: string | null, message: string): void {
    if (code === 'interface-gone' && observer !== null) {
      if (this.gone.has(observer)) return;
      this.gone.add(observer);
    }
    this.channel.say({ type: 'fault', code, observer, message });
  }

  private leave(status: number): void {
    this.isStopped = true;
    this.pump.stop();
    // With the process they would be closed one after the other, and each closing waits for the kernel's RCU: together
    // they wait for the same.
    void Promise.all([this.table.close(), this.accounts.close()]).then(() => this.channel.exit(status));
  }
}

function refused(what: string): VerifyError {
  return new VerifyError('open-failed', 70, what, 'report this as a fault of verify-isolation');
}
