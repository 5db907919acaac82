import type { Plan } from '../core/model/plan.js';
import type { GuardRecord } from '../core/model/run-record.js';
import { VerifyError } from '../core/model/verify-error.js';
import { framesByKind } from '../core/plan/flows/shortcuts.js';
import { objectsOf, textOf } from '../core/text/json-text.js';
import { reservedGroup } from '../core/wire/ethernet.js';
import { readJson } from '../system/process/programs.js';
import { readDrops } from '../system/state/read-devices.js';
import { type PingStream, startPing } from '../system/traffic/ping.js';
import { watchDrops, type WatchedHost } from './hosts/watch-drops.js';
import { placesOf, watchSenders } from './send/watch-senders.js';

const pingsPerSecond = 4;
const everyMs = 250;
const windowMs = 1000;

/** Watches guests and the gateway. */
export interface Guard {
  /** Aborts with VerifyError `guests-disturbed`, or if it can watch no more. */
  readonly signal: AbortSignal;
  /** Frames so far are usual. From now on the signal may abort. */
  arm(): GuardRecord;
  /** Idempotent. */
  stop(): void;
}

/** Looks at once. `netns`: the bridges' here. `hosts`: others with bridges. */
export async function startGuard(plan: Plan, netns: string | null, hosts: readonly WatchedHost[] = []): Promise<Guard> {
  const bridges = new Set(plan.bridges.map(({ name }) => name));
  const ports = new Set(
    plan.endpoints.flatMap(({ port, bridge }) => (port !== null && bridges.has(bridge) ? [port] : [])),
  );
  const away = watchDrops(hosts);
  const read = (): DropReading => ({
    atMs: performance.now(),
    drops: Object.fromEntries(
      Object.entries({ ...readDrops(netns), ...away.latest() }).filter(([name]) => ports.has(name)),
    ),
  });
  const address = await gatewayOf(netns);
  const ping: PingStream | null = address === null ? null : startPing(address, netns, pingsPerSecond);
  const refused = refusedFrames(plan);
  const senders = watchSenders(placesOf(plan, await portIndexes(netns)), netns);
  const first = read();
  const readings: DropReading[] = [];
  const disturbed = new AbortController();
  let usual: GuardRecord | null = null;
  let pingsBefore = 0;
  let isStopped = false;

  const faultNow = (): string | null => {
    if (usual === null) return null;
    const now = read();
    readings.push(now);
    while (readings.length > 2 && now.atMs - (readings[1]?.atMs ?? now.atMs) >= windowMs) readings.shift();
    const [from = now] = readings;
    return (
      (now.atMs - from.atMs >= windowMs / 2 ? droppingPort(usual.dropsPerSecond, from, now, refused) : null) ??
      worseGateway(usual.gateway?.medianMs ?? null, ping?.answers.slice(pingsBefore) ?? [])
    );
  };
  const timer = setInterval(() => {
    const reason = stopReasonOf(faultNow);
    if (reason !== null) disturbed.abort(reason);
  }, everyMs);
  return {
    signal: AbortSignal.any([disturbed.signal, senders.signal]),
    arm() {
      const now = read();
      readings.push(now);
      const answers = ping?.answers ?? [];
      pingsBefore = answers.length;
      const medianMs = median(answers.filter((answer) => answer !== null));
      const gateway = address === null ? null : { address, medianMs };
      usual = { dropsPerSecond: dropsPerSecond(first, now), gateway };
      return usual;
    },
    stop() {
      if (isStopped) return;
      isStopped = true;
      clearInterval(timer);
      senders.stop();
      ping?.stop();
      away.stop();
    },
  };
}

/** A lost namespace also stops the run: guests are no longer watched. */
function stopReasonOf(faultNow: () => string | null): VerifyError | null {
  try {
    const fault = faultNow();
    return fault === null
      ? null
      : new VerifyError('guests-disturbed', 3, fault, 'the run was stopped; lower `rate`, or run it at a quieter time');
  } catch (error) {
    if (error instanceof VerifyError) return error;
    throw error;
  }
}

function dropsPerSecond(first: DropReading, now: DropReading): Readonly<Record<string, number>> {
  const seconds = Math.max(1, now.atMs - first.atMs) / 1000;
  return Object.fromEntries(
    Object.entries(now.drops).map(([port, drops]) => [port, (drops - (first.drops[port] ?? drops)) / seconds]),
  );
}

async function portIndexes(netns: string | null): Promise<ReadonlyMap<string, number>> {
  const links = objectsOf(await readJson(['ip', '-j', 'link', 'show'], { netns }));
  return new Map(
    links.flatMap((link): readonly [string, number][] => {
      const [name, ifindex] = [textOf(link['ifname']), link['ifindex']];
      return name === null || typeof ifindex !== 'number' ? [] : [[name, ifindex]];
    }),
  );
}

async function gatewayOf(netns: string | null): Promise<string | null> {
  const routes = objectsOf(await readJson(['ip', '-j', 'route', 'show', 'default'], { netns }));
  return routes.flatMap((route) => textOf(route['gateway']) ?? [])[0] ?? null;
}

/** Tolerated drops a second beyond three times the usual ones. */
const tolerableDrops = 10;
/** Their median counts, or all are lost. */
const pingsInARow = 4;
/** The scheduler explains answers that do not exceed both. */
const slower = { times: 10, ms: 50 } as const;

interface DropReading {
  readonly atMs: number;
  readonly drops: Readonly<Record<string, number>>;
}

/**
 * The run's frames to reserved groups (IEEE 802.1Q table 8-1), by port. The kernel counts unclaimed ones as drops
 * (br_handle_frame, __netif_receive_skb_core). They disturb no guest.
 */
export function refusedFrames({
  endpoints,
  steps,
}: Pick<Plan, 'endpoints' | 'steps'>): Readonly<Record<string, number>> {
  const ports = new Map(endpoints.map(({ name, port }) => [name, port]));
  const frames: Record<string, number> = {};
  for (const { flows } of steps)
    for (const { first: flow, frames: count } of framesByKind(flows)) {
      const port = ports.get(flow.sender) ?? null;
      if (port !== null && reservedGroup(flow.frame.dstMac) !== null) frames[port] = (frames[port] ?? 0) + count;
    }
  return frames;
}

/**
 * A line for the first port that drops more than usual between readings a second apart. null = none. `refused`: upper
 * bound of the run's own frames among them.
 */
export function droppingPort(
  usual: GuardRecord['dropsPerSecond'],
  from: DropReading,
  to: DropReading,
  refused: Readonly<Record<string, number>> = {},
): string | null {
  const seconds = Math.max(1, to.atMs - from.atMs) / 1000;
  for (const [port, now] of Object.entries(to.drops)) {
    const before = from.drops[port];
    if (before === undefined) continue;
    const rate = Math.max(0, now - before - (refused[port] ?? 0)) / seconds;
    if (rate > 3 * (usual[port] ?? 0) + tolerableDrops)
      return `${port} drops ${Math.round(rate)} frames a second, ${Math.round(usual[port] ?? 0)} before the run`;
  }
  return null;
}

/** A gateway's fault compared with its median. null = none. A null answer did not come. */
export function worseGateway(medianMs: number | null, answers: readonly (number | null)[]): string | null {
  const last = answers.slice(-pingsInARow);
  if (medianMs === null || last.length < pingsInARow) return null;
  const came = last.filter((answer) => answer !== null);
  if (came.length === 0) return `the gateway no longer answers: ${last.length} pings in a row are lost`;
  const now = median(came) ?? 0;
  return now > slower.times * medianMs && now - medianMs > slower.ms
    ? `the gateway answers in ${now.toFixed(1)} ms, in ${medianMs.toFixed(1)} ms before the run`
    : null;
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? null;
}
