import type { PacketSocket } from '../../../core/model/packet-socket.js';
import type { AttachedProgram, LegacyTable, PacketHandler, PassingCarriers } from '../../../core/model/state.js';
import { messageOf, VerifyError } from '../../../core/model/verify-error.js';
import { isOwnProgram } from '../../kernel/bpf.js';
import { programIds } from '../../kernel/bpf-programs.js';
import { type KernelLink, linkReader } from '../../kernel/ask/links.js';
import { legacyTables } from '../../kernel/ask/netfilter-tables.js';
import { openNetlinkAsker } from '../../kernel/ask/netlink-dump.js';
import { packetSocketReports } from '../../kernel/ask/socket-diag.js';
import { inNamespace } from '../../kernel/namespaces.js';
import { NETLINK_ROUTE } from '../../kernel/netlink-socket.js';
import { isDescendant } from '../../process/socket-holders.js';
import { readSharedTaps, type TapLink } from '../read-monitors.js';
import {
  parsePacketSockets,
  readLogGroups,
  readPacketSockets,
  readPacketTable,
  unreadSockets,
} from '../read-packet-sockets.js';
import { programsShown, readPrograms, readStrayPrograms } from '../read-programs.js';

/** Carriers of frames that appeared later, also transient ones. */
export interface CarrierWatch {
  take(): Promise<PassingCarriers>;
  /** Reasons why some may have come and gone unseen. */
  unheard(): readonly string[];
  close(): void;
}

/** Carriers that live shorter may fall between two looks. */
const lookMs = 200;
/** Expensive looks take a fiftieth of a processor at most. */
const dearShare = 50;

function socketsOrWhy(netns: string | null): readonly PacketSocket[] | string {
  try {
    return readPacketSockets(netns, isDescendant) ?? unreadSockets.why;
  } catch (error) {
    if (error instanceof VerifyError) return error.message;
    throw error;
  }
}

function inside<T>(netns: string | null, ask: () => T): T | null {
  try {
    return inNamespace(netns, ask);
  } catch (error) {
    if (error instanceof VerifyError) return null;
    throw error;
  }
}

/** Carriers without events: packet sockets, log group readers, xtables rules, BPF programs, tap queues. */
export function watchCarriers(netns: string | null): CarrierWatch {
  const watch = new Looks(netns);
  const timer = setInterval(() => watch.look(), lookMs);
  return {
    take: () => watch.take(),
    unheard: () => watch.unheard(),
    close: () => clearInterval(timer),
  };
}

class Looks {
  readonly #failures = new Set<string>();
  /** Present from the start, or this program's own. */
  readonly #known: Set<string>;
  /** No process holds them, as the kernel closes sockets slowly. They count if still there at the next look. */
  #closing = new Set<string>();
  readonly #sockets: PacketSocket[] = [];
  readonly #logGroups = new Set<number>();
  readonly #legacy = new Map<string, LegacyTable>();
  readonly #taps = new Map<string, PassingCarriers['sharedTaps'][string]>();
  #tapCounts = '';
  /** The next look at tap queues, even if their number is unchanged: ms of performance.now(). */
  #nextTapsMs = 0;
  readonly #programs = new Map<string, AttachedProgram>();
  readonly #handlers = new Map<string, PacketHandler>();
  #lastProgram: number;
  readonly #readLinks = linkReader();
  #examining: Promise<void> = Promise.resolve();

  constructor(private readonly netns: string | null) {
    this.#known = new Set(this.#lines());
    this.#lastProgram = this.#newPrograms(0).at(-1) ?? 0;
    this.look();
  }

  look(): void {
    this.#lookAtSockets();
    this.#lookAtRules();
    const links = inside(this.netns, () => linksHere(this.#readLinks)) ?? [];
    this.#lookAtTaps(links);
    this.#lookAtPrograms(links);
  }

  async take(): Promise<PassingCarriers> {
    this.look();
    await this.#examining;
    return {
      packetSockets: this.#sockets,
      logGroups: [...this.#logGroups],
      legacyTables: [...this.#legacy.values()],
      sharedTaps: Object.fromEntries(this.#taps),
      programs: [...this.#programs.values()],
      packetHandlers: [...this.#handlers.values()],
    };
  }

  unheard(): readonly string[] {
    return [...this.#failures];
  }

  #lines(): readonly string[] {
    const table = readPacketTable(this.netns);
    if (table === null) this.#failures.add(unheardSockets(unreadSockets.why));
    const sockets = parsePacketSockets(table ?? '');
    const reports = sockets.length === 0 ? null : inside(this.netns, packetSocketReports);
    return sockets.map((socket) => lineOf({ ...socket, filter: reports?.get(socket.inode)?.filter ?? null }));
  }

  #lookAtSockets(): void {
    const seen = this.#closing;
    this.#closing = new Set();
    if (this.#lines().every((line) => this.#known.has(line))) return;
    const sockets = socketsOrWhy(this.netns);
    if (typeof sockets === 'string') {
      this.#failures.add(unheardSockets(sockets));
      return;
    }
    for (const socket of sockets) {
      const line = lineOf(socket);
      if (this.#known.has(line)) continue;
      if (socket.holders.length === 0 && !seen.has(line)) {
        this.#closing.add(line);
        continue;
      }
      this.#known.add(line);
      if (!socket.own) this.#sockets.push(socket);
    }
  }

  #lookAtRules(): void {
    const read = inside(this.netns, () => readLogGroups(null));
    for (const group of read !== null && 'groups' in read ? (read.groups ?? []) : []) this.#logGroups.add(group);
    for (const table of inside(this.netns, legacyTables)?.tables ?? []) this.#legacy.set(JSON.stringify(table), table);
  }

  /** Several processes may share one queue: looks periodically, and when the number changes. */
  #lookAtTaps(links: readonly TapLink[]): void {
    const taps = links.filter(({ kind }) => tapKinds.includes(kind ?? ''));
    if (taps.length === 0) return;
    const counts = JSON.stringify(taps.map(({ name, queues, queuesOff }) => [name, queues, queuesOff]));
    const began = performance.now();
    if (counts === this.#tapCounts && began < this.#nextTapsMs) return;
    this.#tapCounts = counts;
    for (const [tap, holders] of Object.entries(readSharedTaps(this.netns, taps)))
      this.#taps.set(tap, joinedHolders(this.#taps.get(tap) ?? holders, holders));
    this.#nextTapsMs = performance.now() + (performance.now() - began) * dearShare;
  }

  #newPrograms(after: number): readonly number[] {
    const ids = programIds(after);
    return typeof ids === 'string' || 'unknown' in ids ? [] : ids;
  }

  #lookAtPrograms(links: readonly KernelLink[]): void {
    const attached = inside(this.netns, () => readPrograms(null, links))?.programs ?? [];
    for (const program of attached) this.#programs.set(JSON.stringify(program), program);
    const ids = this.#newPrograms(this.#lastProgram);
    this.#lastProgram = ids.at(-1) ?? this.#lastProgram;
    if (ids.every(isOwnProgram)) return;
    const xdp = links.map(({ xdpId }) => (xdpId === null ? {} : { xdp: `id ${xdpId}` }));
    this.#examining = Promise.all([
      this.#examining,
      readStrayPrograms(this.netns, programsShown(attached, xdp, null), new Set(ids)),
    ]).then(
      ([, { handlers, unread }]) => {
        handlers.forEach((handler) => this.#handlers.set(handler.function, handler));
        if (unread !== undefined) this.#failures.add(`BPF programs that come and go: ${unread}`);
      },
      (error: unknown) => void this.#failures.add(`BPF programs that come and go: ${messageOf(error)}`),
    );
  }
}

const unheardSockets = (why: string): string => `packet sockets that come and go: ${why}`;

const tapKinds: readonly string[] = ['tun', 'macvtap', 'ipvtap'];

function lineOf({
  inode,
  ifindex,
  protocol,
  filter,
}: Pick<PacketSocket, 'inode' | 'ifindex' | 'protocol' | 'filter'>): string {
  return `${inode} ${ifindex} ${protocol} ${filter ?? ''}`;
}

function linksHere(read: ReturnType<typeof linkReader>): readonly KernelLink[] {
  const asker = openNetlinkAsker(NETLINK_ROUTE);
  try {
    return (asker === null ? null : read(asker)) ?? [];
  } finally {
    asker?.close();
  }
}

type Holders = PassingCarriers['sharedTaps'][string];

/** pid 0, a holder not found, stays only if both looks missed one. */
function joinedHolders(earlier: Holders, later: Holders): Holders {
  const isMissing = [earlier, later].every((holders) => holders.some(({ pid }) => pid === 0));
  const found = new Map([...earlier, ...later].map((holder) => [holder.pid, holder]));
  if (!isMissing) found.delete(0);
  return [...found.values()];
}
