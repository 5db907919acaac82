import { setTimeout as sleep } from 'node:timers/promises';
import { isOnPort } from '../../core/model/attach.js';
import type { Fabric, Place } from '../../core/model/fabric.js';
import { bareName, hostOf } from '../../core/model/host-names.js';
import type { Plan } from '../../core/model/plan.js';
import type { Host } from '../../core/model/scenario.js';
import type { HostState } from '../../core/model/state.js';
import { assertKnown, VerifyError } from '../../core/model/verify-error.js';
import { localPart, mergeStates } from '../../core/plan/hosts.js';
import { sendersOf, silentAddressees } from '../../core/plan/observers.js';
import { farPatienceMs, type InsideEndpoint } from '../../core/protocol/host-messages.js';
import { noChanges } from '../../system/fabric/apply.js';
import { journalFolder } from '../../system/fabric/host/journal.js';
import { forwardingPorts, openHost, unknownAddressees } from '../../system/fabric/host/open.js';
import { settleAll } from '../../system/process/settle-all.js';
import { waitUntilForwarding } from '../../system/fabric/wait.js';
import { type FoundHosts, type FoundPart, readParts } from './find-hosts.js';
import { connectHost, type RemoteHost } from './remote-host.js';
import { findNamed, namesIn } from '../../core/text/collections.js';

export interface OpenHostsDeps {
  readonly foundHosts: FoundHosts;
  readonly runId: string;
  readonly readHere: (netns: string | null) => Promise<HostState>;
  /** null = cannot be interrupted. */
  readonly signal: AbortSignal | null;
}

type RemoteWays = ReadonlyMap<string, Place>;

async function openRemote(plan: Plan, part: FoundPart, remote: RemoteHost, runId: string): Promise<RemoteWays> {
  const endpoints = plan.endpoints.filter(({ bridge }) => hostOf(bridge) === remote.name);
  const senders = new Set(plan.steps.flatMap(sendersOf));
  const inside = endpoints.flatMap(({ name, port, netns, attach }): readonly InsideEndpoint[] =>
    netns === null || port === null || !isOnPort(attach) || netns === part.netns
      ? []
      : [{ name, port: bareName(port), netns }],
  );
  const named = new Set(namesIn(inside));
  const sending = endpoints.flatMap(({ name, port, attach }) =>
    isOnPort(attach) && port !== null && senders.has(name) && !named.has(name) ? [{ name, port: bareName(port) }] : [],
  );
  const bridges = plan.bridges.filter(({ name }) => hostOf(name) === remote.name).map(({ name }) => bareName(name));
  const opened = await remote.ask({
    ask: 'open',
    runId,
    netns: part.netns,
    bridges,
    ports: sending.map(({ port }) => port),
    inside,
  });
  return new Map([
    ...Object.entries(opened.inside).map(([name, place]) => [name, { ...place, host: remote.name }] as const),
    ...sending.flatMap(({ name, port }) => {
      const place = opened.ways[port];
      return place === undefined ? [] : [[name, { ...place, host: remote.name }] as const];
    }),
  ]);
}

/**
 * Locks each host, with a journal and injection ports kept by its helper. Rejects with VerifyError as `openHost` does,
 * leaving nothing.
 */
export async function openHosts(plan: Plan, deps: OpenHostsDeps): Promise<Fabric> {
  const { parts } = deps.foundHosts;
  const last = new Map<string, HostState>();
  const readState = (): Promise<HostState> => readParts(parts, last, deps.readHere);
  const opened: OpenedHosts = { local: null, ways: new Map() };
  const close = (): Promise<readonly string[]> => closeHosts(plan, deps, opened);
  try {
    await openParts(plan, deps, opened);
  } catch (error) {
    await close();
    throw error;
  }
  const observingPlace: Fabric['observingPlace'] = (device) => {
    const host = hostOf(device);
    const netns = parts.find((part) => part.host === host)?.netns ?? null;
    return host === null ? { device, netns } : { device: bareName(device), netns, host };
  };
  return {
    runsAs: 'root',
    ...noChanges,
    sendingPlace: (name) => {
      const place = opened.ways.get(name) ?? opened.local?.sendingPlace(name);
      if (place !== undefined) return place;
      throw new VerifyError(
        'fabric-unknown',
        70,
        `there is no injection port for ${name}`,
        'this is a fault of verify-isolation: report it with plan.json',
      );
    },
    observingPlace,
    arrivingPlace: observingPlace,
    settled: () => waitUntilForwarding({ ports: forwardingPorts(plan), sysfs: false, readState }),
    readState,
    faults: () => [],
    close,
  };
}

interface OpenedHosts {
  local: Fabric | null;
  readonly ways: Map<string, Place>;
}

async function openParts(
  plan: Plan,
  { foundHosts, runId, readHere }: OpenHostsDeps,
  opened: OpenedHosts,
): Promise<void> {
  const { parts } = foundHosts;
  const silent = silentAddressees(plan, mergeStates(parts));
  if (silent.length > 0) throw unknownAddressees(silent);
  const here = parts.find(({ remote }) => remote === null);
  if (here !== undefined)
    opened.local = await openHost(localPart(plan), {
      foundHost: { ...foundHosts, netns: here.netns, state: here.state },
      runId,
      journalFolder: journalFolder(),
      readState: () => readHere(here.netns),
    });
  const opening = parts.flatMap((part) => (part.remote === null ? [] : [openRemote(plan, part, part.remote, runId)]));
  // A host whose answer is under way must not be closed.
  for (const ways of await settleAll(opening)) for (const [name, place] of ways) opened.ways.set(name, place);
}

async function closeHosts(
  { hosts = [] }: Plan,
  { foundHosts, runId, signal }: OpenHostsDeps,
  { local }: OpenedHosts,
): Promise<readonly string[]> {
  const remotes = foundHosts.parts.flatMap(({ remote, netns }) => (remote === null ? [] : [{ remote, netns }]));
  const closing = remotes.map(({ remote, netns }) => {
    const host = findNamed(hosts, remote.name);
    return closeRemote(remote, async () => {
      if (signal?.aborted === true)
        return [`${remote.name}: ${remote.lost ?? ''}; its helper undoes what is its own by itself`];
      return host === undefined ? [] : lookAgain(host, netns, runId);
    });
  });
  const unrestored = await Promise.all([local?.close() ?? Promise.resolve([]), ...closing]);
  return unrestored.flat();
}

/** Until a lost host's helper has given up by itself and it answers again. */
const comeBackMs = farPatienceMs + 10_000;
const againMs = 1000;

/** `look`: after a lost connection, checks that the helper has cleaned up. */
async function closeRemote(remote: RemoteHost, look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  if (remote.lost === null) {
    try {
      const { left } = await remote.ask({ ask: 'close' });
      await remote.end();
      return left.map((text) => `${remote.name}: ${text}`);
    } catch (error) {
      assertKnown(error);
    }
  }
  return look();
}

/** `netns`: that of the bridges, with the injection ports. */
async function lookAgain(host: Host, netns: string | null, runId: string): Promise<readonly string[]> {
  const deadline = performance.now() + comeBackMs;
  for (;;) {
    const remaining = await remainingOn(host, netns, runId);
    if (remaining === null) return [];
    if (performance.now() > deadline) return [`${host.name}: ${remaining}`];
    await sleep(againMs);
  }
}

/** Asks a lost host for remains of a run, in a sentence. null = none. */
export async function remainingOn(
  host: Host,
  netns: string | null,
  runId: string,
  connect: (host: Host) => Promise<RemoteHost> = connectHost,
): Promise<string | null> {
  try {
    const again = await connect(host);
    const { state } = await again.ask({ ask: 'read', netns, sysctl: [], ovs: false });
    await again.end();
    const ends = state.links.filter(({ name }) => name.startsWith(`vi${runId.slice(0, 8)}-`));
    return ends.length === 0 ? null : `the interfaces ${namesIn(ends).join(', ')}`;
  } catch (error) {
    assertKnown(error);
    return `it cannot be asked what is left there (${error.message}); its helper undoes what is its own by itself`;
  }
}
