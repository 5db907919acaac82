import type { Change } from '../../model/change.js';
import type { ChangeRecord, Fabric } from '../../model/fabric.js';
import type { Plan } from '../../model/plan.js';
import type { HostState } from '../../model/state.js';
import { VerifyError } from '../../model/verify-error.js';
import { sendersOf } from '../../plan/senders.js';
import { silentAddressees } from '../../plan/silent-addressees.js';
import { mustRun, readJson } from '../../sys/programs.js';
import { takeLock } from '../../sys/run-lock.js';
import { applyToKernel, type KernelChange } from '../apply.js';
import { waitUntilForwarding } from '../settled.js';
import { makeEntries, type Entries } from './entries.js';
import type { FoundHost } from './find.js';
import { insidePlaces } from './inside.js';
import { type Journal, namespaceInode, openJournal, startOf } from './journal.js';
import { undoOf } from './undo-of.js';
import { undoAll } from './undo.js';

export interface HostDeps {
  readonly found: FoundHost;
  readonly readState: () => Promise<HostState>;
  readonly runId: string;
  /** Folder of the journal. */
  readonly journalFolder: string;
}

/**
 * The topology as it runs on this host. Locks its bridges against other runs, writes each change into the journal before it is made, and
 * makes a way in for every endpoint that sends. Rejects with VerifyError: `locked` (69), `unsupported` (69), `command-failed` (3).
 */
export async function openHost(plan: Plan, deps: HostDeps): Promise<Fabric> {
  const { found, runId, readState } = deps;
  const { netns, state } = found;
  const silent = silentAddressees(plan, state);
  if (silent.length > 0) throw new VerifyError('addressee-unknown', 3, silent.join('\n'), 'ping it once, or let it announce itself with `learn`. Nothing was sent');
  const inside = await insidePlaces(plan.endpoints, state.links, netns);
  const locks: (() => void)[] = [];
  const unlock = (): void => locks.forEach((release) => release());
  let journal: Journal | null = null;
  let entries: Entries | null = null;

  const close = async (): Promise<readonly string[]> => {
    const undos = journal?.undos() ?? [];
    const failed = await undoAll(undos, netns);
    entries?.close();
    const left = await leftOver(entries?.names ?? []);
    if (failed.length + left.length === 0) journal?.remove();
    unlock();
    return [...failed, ...left];
  };
  const leftOver = async (names: readonly string[]): Promise<readonly string[]> => {
    const { links } = await readState();
    return links.filter(({ name }) => names.includes(name)).map(({ name }) => `the interface ${name}`);
  };

  try {
    for (const bridge of plan.bridges) {
      const link = state.links.find(({ name }) => name === bridge.name);
      locks.push(takeLock(netns, `verify-isolation/${link?.ifindex ?? 0}`, `bridge ${bridge.name}`));
    }
    journal = openJournal(deps.journalFolder, { runId, pid: process.pid, started: startOf(process.pid) ?? '', netns, inode: namespaceInode(netns) });
    const senders = new Set(plan.steps.flatMap(sendersOf));
    const sending = new Set(plan.endpoints.filter(({ name, attach }) => attach === 'port' && senders.has(name) && !inside.has(name)).map(({ port }) => port));
    entries = await makeEntries({ ports: state.links.filter(({ name }) => sending.has(name)), netns, runId, journal });
  } catch (error) {
    await close();
    throw error;
  }
  const ways = entries;
  const written = journal;
  const bridges = new Map(state.links.flatMap(({ name, master }) => (master === null ? [] : [[name, master] as const])));
  const bridgeOf = (port: string): string => bridges.get(port) ?? port;
  const endpointNamed = (name: string): Plan['endpoints'][number] => {
    const endpoint = plan.endpoints.find((one) => one.name === name);
    if (endpoint === undefined) throw new VerifyError('fabric-unknown', 70, `the plan has no endpoint ${name}`, 'this is a fault of verify-isolation: report it with plan.json');
    return endpoint;
  };

  const change = async (one: KernelChange): Promise<ChangeRecord> => {
    const device = one.kind === 'set' ? one.device : one.kind === 'vlan' ? one.entry.port : null;
    const before = {
      state: await readState(),
      link: device === null ? null : await readJson(['ip', '-j', '-d', 'link', 'show', 'dev', device], { netns }),
      vlans: one.kind === 'vlan' ? await readJson(['bridge', '-j', 'vlan', 'show', 'dev', one.entry.port], { netns }) : null,
    };
    for (const command of [...undoOf(one, before, bridgeOf)].reverse()) written.add({ command, gone: one.kind !== 'set' });
    return applyToKernel(one, bridgeOf, '/', netns);
  };

  return {
    runsAs: 'root',
    apply: async (one: Change) => {
      if (one.kind === 'start' || one.kind === 'stop') throw new VerifyError('unsupported', 69, `${one.kind} ${one.endpoint}: guests of a host are not ${one.kind === 'start' ? 'started' : 'stopped'} by a run`, `${one.kind} it yourself`);
      return change(one);
    },
    happen: async (command) => {
      await mustRun(command, { netns });
    },
    sendingPlace: (name) => {
      const endpoint = endpointNamed(name);
      const own = inside.get(name);
      if (own !== undefined) return own;
      // who bridges a bridge sends on its device (vmware: vmnet-bridge), as the host itself does
      return endpoint.attach !== 'port' || endpoint.port === null ? { device: endpoint.bridge, netns } : ways.of(endpoint.port);
    },
    observingPlace: (device) => ({ device, netns }),
    settled: () => waitUntilForwarding({ ports: plan.endpoints.flatMap(({ port, attach, started }) => (port === null || attach !== 'port' || !started ? [] : [port])), sysfs: netns === null, readState }),
    readState,
    faults: () => [],
    close,
  };
}
