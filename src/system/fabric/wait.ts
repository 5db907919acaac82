import { readFileSync } from 'node:fs';
import { hopsOf } from '../../core/bridge/hops.js';
import type { HostState, LinkState } from '../../core/model/state.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { counted } from '../../core/text/escape.js';
import { type Clock, machineClock } from '../kernel/clock.js';
import { commandFailed, runProgram } from '../process/programs.js';
import { mapByName } from '../../core/text/collections.js';

/** Idle revalidators rest at most this (max-revalidator, ovs-vswitchd.conf.db(5)). */
const restMs = 500;

/**
 * Resolves when every flow of Open vSwitch's datapaths matches the switch's present rules. An existing flow forwards as
 * before until a revalidator reaches it, and its count so far teaches the switch its source MAC again, even after a
 * flush (revalidate, xlate_push_stats; ofproto/ofproto-dpif-upcall.c). The round under way may have begun before the
 * change: the next one counts. Rejects with VerifyError if the switch does not answer.
 */
export async function waitUntilRevalidated(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await endOfRound();
}

/** With several datapaths Open vSwitch cannot know (upcall_unixctl_dump_wait). */
async function endOfRound(): Promise<void> {
  const command = ['ovs-appctl', 'revalidator/wait'];
  const outcome = await runProgram(command);
  if (outcome.status === 0) return;
  if (!outcome.stderr.includes('multiple udpifs')) throw commandFailed(command, outcome);
  await machineClock.sleep(restMs);
}

/** BR_STATE_FORWARDING (linux/if_bridge.h). */
const forwarding = 3;
const pollMs = 10;
/** Beyond STP's twice forward_delay (listening, then learning). */
const graceMs = 5000;

export interface SettleOptions {
  readonly ports: readonly string[];
  readonly sysfs: boolean;
  readonly readState: () => Promise<HostState>;
  readonly wakeLinkWatch?: (() => Promise<void>) | undefined;
  readonly clock?: Clock;
}

/**
 * Changes of carrier that the kernel handles at once; the rest waits a second, and a port forwards only afterwards
 * (MAX_DO_DEV_PER_LOOP, net/core/link_watch.c).
 */
export const linksInOneGo = 100;

/**
 * Waits for ports that are up. Rejects with VerifyError (3) naming the others after twice forward_delay and 5 s without
 * progress.
 */
export async function waitUntilForwarding(options: SettleOptions): Promise<void> {
  const { clock = machineClock } = options;
  let waiting = options.ports;
  let maxMs: number | undefined;
  let since = clock.now();
  for (let before = Infinity; ; before = waiting.length) {
    waiting = options.sysfs ? waiting.filter(blockedInSysfs) : await blockedInState(waiting, options.readState);
    if (waiting.length === 0) return;
    if (waiting.length < before) {
      since = clock.now();
      await options.wakeLinkWatch?.();
    }
    maxMs ??= (await slowestMs(options.readState)) + graceMs;
    if (clock.now() - since > maxMs) {
      const named = waiting.slice(0, 5).join(', ');
      throw new VerifyError(
        'not-forwarding',
        3,
        `${counted(waiting.length, 'port does', 'ports do')} not forward: ${named}`,
        'is STP blocking them, or has a port no carrier? see `bridge -d link`',
      );
    }
    await clock.sleep(pollMs);
  }
}

function blockedInSysfs(port: string): boolean {
  try {
    // Most ports forward, and need one file read instead of two.
    return (
      Number(readFileSync(`/sys/class/net/${port}/brport/state`, 'utf8')) !== forwarding &&
      (Number.parseInt(readFileSync(`/sys/class/net/${port}/flags`, 'utf8'), 16) & 1) === 1
    );
  } catch {
    return false; // it went, or left the bridge: the fabric's faults and the state report that
  }
}

async function blockedInState(
  ports: readonly string[],
  readState: () => Promise<HostState>,
): Promise<readonly string[]> {
  const { links } = await readState();
  const byName = mapByName(links);
  return ports.filter((port) => {
    const link = byName.get(port);
    return (
      link?.port !== null && link?.port !== undefined && link.flags.includes('UP') && link.port.state !== 'forwarding'
    );
  });
}

async function slowestMs(readState: () => Promise<HostState>): Promise<number> {
  const { links } = await readState();
  return Math.max(0, ...links.map((link) => Number(link.bridge?.forward_delay ?? 0) * 10 * 2));
}

interface Settling {
  readonly bridge: string;
  readonly ports: readonly string[];
  /**
   * Longest time in ms: twice forward_delay until a port forwards, then max_age + forward_delay of a topology change,
   * during which learned entries age early (br_topology_change_detection; net/bridge/br_stp.c).
   */
  readonly maxMs: number;
}

const onTheWay: readonly unknown[] = ['listening', 'learning'];

/** A bridge with guests behind a hop's port includes the bridge behind the hop. */
function withHopsOf(names: ReadonlySet<string>, links: readonly LinkState[]): ReadonlySet<string> {
  const masters = new Map(links.map(({ name, master }) => [name, master]));
  const hops = [...hopsOf({ links })].flatMap(([port, { bridge }]) =>
    names.has(masters.get(port) ?? '') ? [bridge] : [],
  );
  return new Set([...names, ...hops]);
}

/** The kernel's times are hundredths of a second. */
function settlingBridges(links: readonly LinkState[], names: readonly string[] | null): readonly Settling[] {
  const wanted = names === null ? null : withHopsOf(new Set(names), links);
  return links.flatMap(({ name, bridge }) => {
    if (bridge === null || (wanted !== null && !wanted.has(name))) return [];
    const ports = links.flatMap((link) =>
      link.master === name && onTheWay.includes(link.port?.['state']) ? [link.name] : [],
    );
    if (ports.length === 0 && bridge['topology_change'] !== 1) return [];
    const [delay, age] = [Number(bridge['forward_delay'] ?? 0), Number(bridge['max_age'] ?? 0)];
    return [{ bridge: name, ports, maxMs: 10 * ((ports.length > 0 ? 2 * delay : 0) + age + delay) }];
  });
}

function settlingText(settling: readonly Settling[], remainingMs: number): string {
  const bridges = settling.map(({ bridge, ports }) =>
    ports.length > 0
      ? `${counted(ports.length, 'port')} of ${bridge} ${ports.length === 1 ? 'does' : 'do'} not forward yet`
      : `a topology change makes ${bridge} forget MACs early`,
  );
  return `spanning tree: ${bridges.join(', ')}; waiting ${Math.ceil(remainingMs / 1000)} s at most`;
}

const noteMs = 5000;
const lookMs = 500;

export interface SpanningTreeOptions {
  readonly readLinks: () => Promise<readonly LinkState[]>;
  /** These and those behind their hops. null = all. */
  readonly bridges: readonly string[] | null;
  /** Called at the start and every five seconds. */
  readonly note: (text: string) => void;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/**
 * Waits until no port is about to forward and no topology change shortens ageing, at most 65 s by default, 35 s if
 * ports forward.
 */
export async function waitForSpanningTree(options: SpanningTreeOptions): Promise<void> {
  const { readLinks, bridges, note, signal, clock = machineClock } = options;
  const since = clock.now();
  let untilMs: number | null = null;
  let notedMs = -noteMs;
  for (;;) {
    const settling = settlingBridges(await readLinks(), bridges);
    untilMs ??= Math.max(0, ...settling.map(({ maxMs }) => maxMs)) + graceMs;
    const waitedMs = clock.now() - since;
    if (settling.length === 0 || waitedMs >= untilMs) return;
    if (waitedMs - notedMs >= noteMs) {
      note(settlingText(settling, untilMs - waitedMs));
      notedMs = waitedMs;
    }
    await clock.sleep(lookMs, signal);
  }
}
