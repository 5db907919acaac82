import { objectsOf, textOf } from '../core/text/json-fields.js';
import type { GuardRecord } from '../model/guard.js';
import type { Plan } from '../core/model/plan.js';
import { VerifyError } from '../core/model/verify-error.js';
import { readDrops } from '../state/read-drops.js';
import { type PingStream, startPing } from '../system/process/ping-stream.js';
import { readJson } from '../sys/programs.js';
import { type WatchedHost, watchDrops } from './hosts/watch-drops.js';
import { type DropReading, droppingPort, median, worseGateway } from './disturbance.js';

const pingsPerSecond = 4;
const everyMs = 250;
/** Drops are counted over this time. */
const windowMs = 1000;

/** Watches guests and the gateway while a run goes on. */
export interface Guard {
  /** Aborts with a VerifyError `guests-disturbed` as its reason. */
  readonly signal: AbortSignal;
  /** What was seen since the start is what is usual; from now on the signal may abort. */
  arm(): GuardRecord;
  stop(): void;
}

/** Starts to look, at once. `netns`: that of the bridges here; `hosts`: others that have some. */
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
  const first = read();
  const readings: DropReading[] = [];
  const disturbed = new AbortController();
  let usual: GuardRecord | null = null;
  let pingsBefore = 0;

  const look = (): void => {
    if (usual === null) return;
    const now = read();
    readings.push(now);
    while (readings.length > 2 && now.atMs - (readings[1]?.atMs ?? now.atMs) >= windowMs) readings.shift();
    const [from = now] = readings;
    const found =
      (now.atMs - from.atMs >= windowMs / 2 ? droppingPort(usual.dropsPerSecond, from, now) : null) ??
      worseGateway(usual.gateway?.medianMs ?? null, ping?.answers.slice(pingsBefore) ?? []);
    if (found !== null)
      disturbed.abort(
        new VerifyError('guests-disturbed', 3, found, 'the run was stopped; lower `rate`, or run it at a quieter time'),
      );
  };
  const timer = setInterval(look, everyMs);
  return {
    signal: disturbed.signal,
    arm() {
      const now = read();
      readings.push(now);
      const seconds = Math.max(1, now.atMs - first.atMs) / 1000;
      const answers = ping?.answers ?? [];
      pingsBefore = answers.length;
      usual = {
        dropsPerSecond: Object.fromEntries(
          Object.entries(now.drops).map(([port, drops]) => [port, (drops - (first.drops[port] ?? drops)) / seconds]),
        ),
        gateway: address === null ? null : { address, medianMs: median(answers.filter((answer) => answer !== null)) },
      };
      return usual;
    },
    stop() {
      clearInterval(timer);
      ping?.stop();
      away.stop();
    },
  };
}

/** The gateway of the default route of a namespace; null = it has none. */
async function gatewayOf(netns: string | null): Promise<string | null> {
  const routes = objectsOf(await readJson(['ip', '-j', 'route', 'show', 'default'], { netns }));
  return routes.flatMap((route) => textOf(route['gateway']) ?? [])[0] ?? null;
}
