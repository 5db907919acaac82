import { readFileSync } from 'node:fs';
import { hopsOf } from '../../core/bridge/hops.js';
import type { HostState, LinkState } from '../../core/model/state.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { counted } from '../../core/text/escape.js';
import { type Clock, machineClock } from '../kernel/clock.js';
import { commandFailed, runProgram } from '../process/programs.js';
import { mapByName } from '../../core/text/collections.js';

/** The longest that idle revalidators rest (max-revalidator, ovs-vswitchd.conf.db(5)). A change wakes them at once. */
const restMs = 500;

/**
 * Resolves when every flow of Open vSwitch's datapaths is as the switch would make it now. What was changed decides
 * frames at once only where there is no flow yet: one that there is forwards as before until a revalidator comes to it,
 * and what it counted until then teaches the switch its source MAC again, also after a flush (revalidate,
 * xlate_push_stats; ofproto/ofproto-dpif-upcall.c). The round of the revalidators that is found under way may have
 * begun before the change, so the one after it counts. Rejects with VerifyError where the switch does not answer.
 */
export async function waitUntilRevalidated(): Promise<void> {
  for (let round = 0; round < 2; round += 1) await endOfRound();
}

/**
 * Until the revalidators have gone round, as Open vSwitch reports; where it has several datapaths it cannot know
 * (upcall_unixctl_dump_wait), and as long as a round takes.
 */
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
/** Beyond the time in which STP comes to forwarding, which is twice forward_delay: listening, then learning. */
const graceMs = 5000;

export interface SettleOptions {
  /** Ports that are there and administratively up should forward. */
  readonly ports: readonly string[];
  readonly sysfs: boolean;
  readonly readState: () => Promise<HostState>;
  /** Lets the kernel look at once at ports whose carrier changed. */
  readonly wakeLinkWatch?: (() => Promise<void>) | undefined;
  readonly clock?: Clock;
}

/**
 * As many changes of carrier as the kernel deals with in one go; the rest waits for a second, and a port forwards once
 * its own was dealt with (MAX_DO_DEV_PER_LOOP, net/core/link_watch.c).
 */
export const linksInOneGo = 100;

/**
 * Resolves when every port forwards; rejects with VerifyError (3) naming those that do not in twice forward_delay and 5
 * s more, counted from the last one that did: a thousand ports come to it one after the other, and on a busy machine
 * that takes its time. Ports that are set down are not waited for.
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
    // Most forward: one file of them is read, not two.
    return (
      Number(readFileSync(`/sys/class/net/${port}/brport/state`, 'utf8')) !== forwarding &&
      (Number.parseInt(readFileSync(`/sys/class/net/${port}/flags`, 'utf8'), 16) & 1) === 1
    );
  } catch {
    return false; // it went, or left the bridge: the fabric's faults and the state report
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

/** A bridge of the kernel's on which spanning tree is not through. */
interface Settling {
  readonly bridge: string;
  /** Ports that will forward: they listen or learn. */
  readonly ports: readonly string[];
  /**
   * It takes no longer than this, in ms: twice forward_delay until a port forwards, then max_age + forward_delay of a
   * topology change, in which what was learned ages early (br_topology_change_detection; net/bridge/br_stp.c).
   */
  readonly maxMs: number;
}

const onTheWay: readonly unknown[] = ['listening', 'learning'];

/** Bridges of which guests sit behind a hop's port count as the bridge that the hop leads to. */
function withHopsOf(names: ReadonlySet<string>, links: readonly LinkState[]): ReadonlySet<string> {
  const masters = new Map(links.map(({ name, master }) => [name, master]));
  const hops = [...hopsOf({ links })].flatMap(([port, { bridge }]) =>
    names.has(masters.get(port) ?? '') ? [bridge] : [],
  );
  return new Set([...names, ...hops]);
}

/**
 * Bridges that a guest which started, or a cable, has set in motion. `names`: only these, and the hops to them; null =
 * all of the host. Times are the kernel's hundredths of a second.
 */
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

/** Why it is waited, and for how long at most. `remainingMs`: until it is waited no more. */
function settlingText(settling: readonly Settling[], remainingMs: number): string {
  const bridges = settling.map(({ bridge, ports }) =>
    ports.length > 0
      ? `${counted(ports.length, 'port')} of ${bridge} ${ports.length === 1 ? 'does' : 'do'} not forward yet`
      : `a topology change makes ${bridge} forget MACs early`,
  );
  return `spanning tree: ${bridges.join(', ')}; waiting ${Math.ceil(remainingMs / 1000)} s at most`;
}

/** How often it is said how long it still takes. */
const noteMs = 5000;
const lookMs = 500;

export interface SpanningTreeOptions {
  readonly readLinks: () => Promise<readonly LinkState[]>;
  /** Only these bridges, and the hops to them; null = all. */
  readonly bridges: readonly string[] | null;
  /** Takes a sentence at the beginning, and one every five seconds. */
  readonly note: (text: string) => void;
  /** Its abort rejects. */
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
}

/**
 * Resolves when no port is on its way to forwarding and no topology change shortens the ageing time, or when spanning
 * tree has had the time for both (65 s by its defaults; 35 s if the ports forward): what then still moves is judged.
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
