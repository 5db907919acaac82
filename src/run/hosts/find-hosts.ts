import { setMaxListeners } from 'node:events';
import type { StateOfHost } from '../../core/bridge/states-by-host.js';
import { type HostTopology, hostTopology } from '../../core/discover/host-topology.js';
import { hostOf } from '../../core/model/host-names.js';
import type { Host, Scenario } from '../../core/model/scenario.js';
import type { HostState } from '../../core/model/state.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { mergeStates } from '../../core/plan/hosts.js';
import { namespaceOf, parseNeighbours } from '../../system/fabric/host/find.js';
import { readJson } from '../../system/process/programs.js';
import { connectHost, type RemoteHost } from './remote-host.js';

/** A host of a run and the place of its bridges. `remote` null = this host. */
export interface FoundPart {
  readonly host: string | null;
  readonly remote: RemoteHost | null;
  /** Of its bridges. null = its processes' own. */
  readonly netns: string | null;
  readonly state: HostState;
}

/** A topology found on several hosts. */
export interface FoundHosts extends HostTopology {
  readonly parts: readonly FoundPart[];
}

interface ReadPart extends FoundPart {
  readonly neighbours: ReturnType<typeof parseNeighbours>;
}

/** Rejects with all failures by host. No connection remains then. */
async function connectAll(hosts: readonly Host[], signal: AbortSignal | null): Promise<readonly RemoteHost[]> {
  if (signal !== null) setMaxListeners(0, signal); // else Node warns of more than ten hosts
  const settled = await Promise.allSettled(hosts.map((host) => connectHost(host, signal)));
  const connected = settled.flatMap((connection) => (connection.status === 'fulfilled' ? [connection.value] : []));
  const failed = settled.flatMap((connection) => (connection.status === 'rejected' ? [connection.reason] : []));
  if (failed.length === 0) return connected;
  await Promise.all(connected.map((host) => host.end()));
  const [first] = failed;
  const known = failed.filter((error) => error instanceof VerifyError);
  if (!(first instanceof VerifyError) || known.length < 2) throw first;
  throw new VerifyError(
    first.code,
    first.exitCode,
    known.map(({ message }) => message).join('\n'),
    [...new Set(known.map(({ hint }) => hint))].join('\n'),
  );
}

/**
 * Finds bridges and guests of a scenario on all hosts, changing nothing. Throws VerifyError as `connectHost` and
 * `hostTopology` do. `readHere` is called only if a bridge is here.
 */
export async function findHosts(
  scenario: Scenario,
  readHere: (netns: string | null) => Promise<HostState>,
  signal: AbortSignal | null,
): Promise<FoundHosts> {
  const { bridges, hosts = [] } = scenario.topology;
  const used = new Set(bridges.map(({ name }) => hostOf(name)));
  const remotes = await connectAll(
    hosts.filter(({ name }) => used.has(name)),
    signal,
  );
  const netnsOf = (host: string | null): string | null =>
    namespaceOf(bridges.filter(({ name }) => hostOf(name) === host));
  try {
    const here = async (): Promise<ReadPart> => {
      const netns = netnsOf(null);
      const [state, neighbours] = await Promise.all([
        readHere(netns),
        readJson(['ip', '-j', 'neigh', 'show'], { netns }),
      ]);
      return { host: null, remote: null, netns, state, neighbours: parseNeighbours(neighbours) };
    };
    const readRemote = async (remote: RemoteHost): Promise<ReadPart> => {
      const netns = netnsOf(remote.name);
      return {
        host: remote.name,
        remote,
        netns,
        ...(await remote.ask({ ask: 'read', netns, sysctl: [], ovs: false })),
      };
    };
    const parts = await Promise.all([...(used.has(null) ? [here()] : []), ...remotes.map(readRemote)]);
    return {
      ...hostTopology(
        scenario,
        mergeStates(parts),
        parts.flatMap(({ neighbours }) => neighbours),
      ),
      parts,
    };
  } catch (error) {
    await Promise.all(remotes.map((host) => host.end()));
    throw error;
  }
}

/**
 * The state of all hosts. A lost host has its last one, noted in `unread`. `last`: states by name, kept across calls.
 */
export async function readParts(
  parts: readonly FoundPart[],
  last: Map<string, HostState>,
  readHere: (netns: string | null) => Promise<HostState>,
): Promise<HostState> {
  const read = async ({ host, remote, netns, state: lastKnown }: FoundPart): Promise<StateOfHost> => {
    if (remote === null) return { host, state: await readHere(netns) };
    try {
      const { state } = await remote.ask({ ask: 'read', netns, sysctl: [], ovs: false });
      last.set(remote.name, state);
      return { host, state };
    } catch (error) {
      if (!(error instanceof VerifyError) || error.code !== 'host-lost') throw error;
      const state = last.get(remote.name) ?? lastKnown;
      return { host, state: { ...state, unread: [...state.unread, { what: 'state', why: error.message }] } };
    }
  };
  return mergeStates(await Promise.all(parts.map(read)));
}
