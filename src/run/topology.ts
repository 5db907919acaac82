import { createHash, randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import type { HostTopology } from '../core/discover/host-topology.js';
import { reversePathSysctls } from '../core/bridge/beside.js';
import { isRoutedTo } from '../core/model/attach.js';
import type { Fabric } from '../core/model/fabric.js';
import type { Plan, PlannedTopology } from '../core/model/plan.js';
import type { Scenario } from '../core/model/scenario.js';
import { makePlan, planTopology } from '../core/plan/make-plan.js';
import { isSearchable } from '../core/wire/search-program.js';
import type { Authored } from '../system/fabric/apply.js';
import { buildLab } from '../system/fabric/lab/build.js';
import type { Inside } from '../system/fabric/lab/enter.js';
import { readLinks, readState } from '../system/state/read.js';
import { startRelay } from '../system/traffic/relay-client.js';
import type { RemoteHost } from './hosts/remote-host.js';
import type { WatchedHost } from './hosts/watch-drops.js';
import { mapByName } from '../core/text/collections.js';

/** A topology before the run touches it. */
export interface PreparedTopology {
  /** Completed by the findings. */
  readonly scenario: Scenario;
  readonly runsAs: Fabric['runsAs'];
  /** Absent in a lab. */
  readonly hostTopology: Omit<HostTopology, 'scenario'> | null;
  /** On a host: of its bridges. null = this process's. */
  readonly netns: string | null;
  /** By name. */
  readonly remotes: ReadonlyMap<string, RemoteHost>;
  readonly watched: readonly WatchedHost[];
  /** Ends it if `open` was not called. */
  abandon(): Promise<void>;
  /** Builds it, or prepares existing devices. */
  open(plan: Plan): Promise<Fabric>;
  /** Builds before planning, and calls `meanwhile` while the kernel works. null = nothing to build early. */
  readonly openEarly: ((plan: PlannedTopology, meanwhile: () => void) => Promise<Fabric>) | null;
}

interface StateWishes {
  readonly sysctl: readonly string[];
  readonly ovs: boolean;
  readonly routing: boolean;
}

function stateWishes({ topology, steps }: Scenario): StateWishes {
  return {
    sysctl: [
      ...Object.keys(topology.sysctl),
      ...steps.flatMap((step) => Object.keys(step.sysctl)),
      ...topology.endpoints.flatMap(({ attach, port }) =>
        isRoutedTo(attach) && port !== null ? reversePathSysctls(port) : [],
      ),
    ],
    ovs: topology.bridges.some(({ kind }) => kind === 'ovs'),
    routing: topology.bridges.some(({ kind }) => kind === 'routed'),
  };
}

type ReadOnHost = (netns: string | null) => ReturnType<typeof readState>;

const nothing = {
  openEarly: null,
  watched: [],
  remotes: new Map<string, RemoteHost>(),
  abandon: async () => undefined,
} as const;

/**
 * The lab of this process, or this host. `inside` null = a host. `signal` ends connections. Loads only the needed
 * parts.
 */
export async function topologyOf(
  scenario: Scenario,
  inside: Inside | null,
  runId: string,
  signal: AbortSignal | null = null,
): Promise<PreparedTopology> {
  const spansHosts = scenario.topology.hosts !== undefined;
  const wishes = stateWishes(scenario);
  if (inside !== null) return spansHosts ? labOfHosts(scenario, inside) : labOf(scenario, inside, wishes);
  const read: ReadOnHost = (netns) => readState({ netns, sysfs: netns === null, packetSockets: true, ...wishes });
  return spansHosts ? hostsOf(scenario, runId, read, signal) : hostOfScenario(scenario, runId, read);
}

async function labOfHosts(scenario: Scenario, inside: Inside): Promise<PreparedTopology> {
  const { buildLabHosts } = await import('../system/fabric/lab/build-hosts.js');
  const read = (netns: string): ReturnType<typeof readState> =>
    readState({ netns, sysfs: false, sysctl: [], packetSockets: true });
  return {
    ...nothing,
    scenario,
    runsAs: inside.runsAs,
    hostTopology: null,
    netns: null,
    open: (plan) => buildLabHosts(plan, { inside, readState: read }),
  };
}

function authoredOf({ file, files, mustBeFree = false }: Scenario): Authored {
  return { folder: dirname(file), files, mustBeFree };
}

function labOf(scenario: Scenario, inside: Inside, wishes: StateWishes): PreparedTopology {
  const { sysfs } = inside;
  const complete = (): ReturnType<typeof readState> =>
    readState({ netns: null, sysfs, packetSockets: true, ...wishes });
  const build = (plan: PlannedTopology, meanwhile?: () => void): Promise<Fabric> =>
    buildLab(plan, {
      inside,
      startRelay,
      meanwhile,
      runIn: authoredOf(scenario),
      readState: complete,
      readLinks: wishes.ovs ? async () => (await complete()).links : () => readLinks({ netns: null, sysfs }),
    });
  return {
    ...nothing,
    scenario,
    runsAs: inside.runsAs,
    hostTopology: null,
    netns: null,
    open: (plan) => build(plan),
    openEarly: build,
  };
}

async function hostsOf(
  scenario: Scenario,
  runId: string,
  read: ReadOnHost,
  signal: AbortSignal | null,
): Promise<PreparedTopology> {
  const [{ findHosts }, { openHosts }] = await Promise.all([
    import('./hosts/find-hosts.js'),
    import('./hosts/open-hosts.js'),
  ]);
  const hosts = await findHosts(scenario, read, signal);
  const watched = hosts.parts.flatMap(({ remote, netns }) => (remote === null ? [] : [{ remote, netns }]));
  const remotes = watched.map(({ remote }) => remote);
  return {
    openEarly: null,
    scenario: hosts.scenario,
    runsAs: 'root',
    hostTopology: hosts,
    netns: hosts.parts.find(({ remote }) => remote === null)?.netns ?? null,
    watched,
    remotes: mapByName(remotes),
    abandon: async () => void (await Promise.all(remotes.map((remote) => remote.end()))),
    open: (plan) => openHosts(plan, { foundHosts: hosts, runId, readHere: read, signal }),
  };
}

async function hostOfScenario(scenario: Scenario, runId: string, read: ReadOnHost): Promise<PreparedTopology> {
  const [{ findHost }, { journalFolder }, { openHost }] = await Promise.all([
    import('../system/fabric/host/find.js'),
    import('../system/fabric/host/journal.js'),
    import('../system/fabric/host/open.js'),
  ]);
  const host = await findHost(scenario, read);
  return {
    ...nothing,
    scenario: host.scenario,
    runsAs: 'root',
    hostTopology: host,
    netns: host.netns,
    open: (plan) =>
      openHost(plan, {
        foundHost: host,
        runId,
        journalFolder: journalFolder(),
        readState: () => read(host.netns),
        runIn: authoredOf(scenario),
      }),
  };
}

/** Drawn until one can be searched for: 93 of 100 can. */
function drawRunTag(): number {
  for (;;) {
    const runTag = randomBytes(4).readUInt32BE();
    if (isSearchable(runTag)) return runTag;
  }
}

/** The plan, and a lab built meanwhile. null = opened later. Awaiting the lab reports its failure. */
export async function planOn(
  { scenario, openEarly, hostTopology }: PreparedTopology,
  key: Uint8Array,
  lingerMs: number,
): Promise<{ readonly plan: Plan; readonly opening: Promise<Fabric> | null }> {
  const input = {
    runTag: drawRunTag(),
    keySha256: createHash('sha256').update(key).digest('hex'),
    lingerMs,
    ...hostTopology,
  };
  const planned = planTopology(scenario, input);
  const make = (): Plan => makePlan(scenario, input, planned);
  if (openEarly === null) return { plan: make(), opening: null };
  const early: { plan: Plan | null } = { plan: null };
  let begun = (): void => undefined;
  const beginning = new Promise<void>((resolve) => (begun = resolve));
  const opening = openEarly(planned, () => {
    early.plan = make();
    begun();
  });
  await Promise.race([beginning, opening.catch(() => undefined)]);
  return { plan: early.plan ?? make(), opening };
}
