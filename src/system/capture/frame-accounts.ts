import { isSettled, withReading } from '../../core/protocol/account-window.js';
import type { AccountWindow } from '../../core/model/timeline.js';
import { linkCountersOf, type LinkCounters } from '../kernel/ask/link-counters.js';
import { type NetlinkAsker, openNetlinkAsker } from '../kernel/ask/netlink-dump.js';
import { openCountingSocket } from './counting-socket.js';
import type { KernelSearch } from './kernel-search.js';
import { NETLINK_ROUTE } from '../kernel/netlink-socket.js';
import { linkIndex } from '../kernel/packet-socket.js';

/** Of several consecutive readings one meets a moment without frames under way. */
const together = 3;
/** By window. Many ports take milliseconds to read, and a busy machine preempts the reader meanwhile. */
const maxReadingMs = 15;
const maxUnsettledMs = 100;

interface FrameCounter {
  /** null = it counts no more. */
  count(): number | null;
  close(): Promise<void>;
}

interface OpenAccount {
  readonly indices: readonly number[];
  readonly counter: FrameCounter;
  window: AccountWindow | null;
  /** A device went away within the window. */
  broken: boolean;
}

/** Frames leaving by ports beside a helper's observers, by account. */
export interface FrameAccounts {
  /**
   * Replaces an account of this name if its ports differ. An account that cannot be opened is not read. `sealed`: the
   * process may open nothing more.
   */
  open(name: string, devices: readonly string[], sealed: boolean): void;
  begin(): void;
  /** Reads all a few times, unless this window's time is used up. */
  read(): void;
  /** True if another reading is allowed and may show more. */
  isUnsettled(): boolean;
  windows(): Readonly<Record<string, AccountWindow>>;
  close(): Promise<void>;
}

function counterOf(search: KernelSearch | null, indices: readonly number[]): FrameCounter | null {
  if (search === null || search.count(indices) === null) return null;
  return { count: () => search.count(indices), close: async () => undefined };
}

/** Accounts of the thread's network namespace. `search`: counts without extra sockets. */
export function createFrameAccounts(search: () => KernelSearch | null = () => null): FrameAccounts {
  const accounts = new Map<string, OpenAccount>();
  let asker: NetlinkAsker | null = null;
  let spentMs = 0;

  const isEachSettled = (): boolean =>
    asker === null ||
    [...accounts.values()].every(({ window, broken }) => broken || (window !== null && isSettled(window)));
  const readOnce = (): void => {
    if (asker === null || accounts.size === 0) return;
    if (spentMs > (isEachSettled() ? maxReadingMs : maxUnsettledMs)) return;
    const began = performance.now();
    const open = [...accounts.values()];
    const indices = open.flatMap((account) => account.indices);
    const before = linkCountersOf(asker, indices);
    const heard = open.map(({ counter }) => counter.count());
    const after = linkCountersOf(asker, indices);
    open.forEach((account, at) => {
      const [from, count, to] = [sumOf(before, account.indices), heard[at], sumOf(after, account.indices)];
      if (from === null || typeof count !== 'number' || to === null) account.broken = true;
      else account.window = withReading(account.window, { before: from, heard: count, after: to });
    });
    spentMs += performance.now() - began;
  };

  return {
    open(name, devices, sealed) {
      if (!sealed) asker ??= openNetlinkAsker(NETLINK_ROUTE);
      const { fd } = asker ?? {};
      if (fd === undefined) return;
      const indices = devices.flatMap((device) => linkIndex(fd, device) ?? []);
      const known = accounts.get(name);
      if (known !== undefined && known.indices.join() === indices.join()) return;
      void known?.counter.close();
      accounts.delete(name);
      if (indices.length !== devices.length) return;
      const counter = counterOf(search(), indices) ?? (sealed ? null : openCountingSocket(indices));
      if (counter !== null) accounts.set(name, { indices, counter, window: null, broken: false });
    },
    begin() {
      spentMs = 0;
      for (const account of accounts.values()) Object.assign(account, { window: null, broken: false });
    },
    read() {
      for (let reading = 0; reading < together; reading += 1) readOnce();
    },
    isUnsettled: () => spentMs <= maxUnsettledMs && !isEachSettled(),
    windows: () =>
      Object.fromEntries(
        [...accounts].flatMap(([name, { window, broken }]) => (window === null || broken ? [] : [[name, window]])),
      ),
    async close() {
      await Promise.all([...accounts.values()].map(({ counter }) => counter.close()));
      accounts.clear();
      asker?.close();
      asker = null;
    },
  };
}

/** null = a device is missing. */
function sumOf(counters: ReadonlyMap<number, LinkCounters> | null, indices: readonly number[]): LinkCounters | null {
  let [sent, dropped] = [0, 0];
  for (const index of indices) {
    const found = counters?.get(index);
    if (found === undefined) return null;
    sent += found.sent;
    dropped += found.dropped;
  }
  return { sent, dropped };
}
