import { linkNamed } from '../../../core/bridge/host.js';
import type { UndoEntry } from '../../../core/bridge/undo/entry.js';
import { isOnDevice, isOnPort } from '../../../core/model/attach.js';
import { type Change, type ChangeRecord, type Fabric, type Place, netnsPath } from '../../../core/model/fabric.js';
import type { Plan } from '../../../core/model/plan.js';
import type { Endpoint } from '../../../core/model/scenario.js';
import type { HostState } from '../../../core/model/state.js';
import { assertKnown, VerifyError } from '../../../core/model/verify-error.js';
import { sendersOf, silentAddressees } from '../../../core/plan/observers.js';
import { parsePrinted, readJson, runProgram } from '../../process/programs.js';
import { type Authored, applyToKernel, endpointNamed, type KernelChange, runAuthored } from '../apply.js';
import { parseLinks } from '../../state/parse-links.js';
import { ovsVlanColumns } from '../ovs-vlans.js';
import { ovsRows, ovsValue } from '../ovs.js';
import { waitUntilForwarding, waitUntilRevalidated } from '../wait.js';
import type { FoundHost } from './find.js';
import { forgetInvented } from './forget-invented.js';
import { type InjectionPorts, openInjectionPorts } from './injection-ports.js';
import { linkIdentities } from './present.js';
import { onOtherBridge, ovsRowsOf, undoOf } from './undo-of.js';
import { namesIn } from '../../../core/text/collections.js';

export interface HostDeps {
  readonly foundHost: FoundHost;
  readonly readState: () => Promise<HostState>;
  readonly runId: string;
  /** Absent = in the caller's folder. */
  readonly runIn?: Authored;
  readonly journalFolder: string;
}

/**
 * Locks bridges, journals changes before making them, opens injection ports. Rejects with VerifyError: `locked` (69),
 * `unsupported` (69), `command-failed` (3).
 */
export async function openHost(plan: Plan, deps: HostDeps): Promise<Fabric> {
  const { foundHost, runId, readState } = deps;
  const { netns, state } = foundHost;
  const silent = silentAddressees(plan, state);
  if (silent.length > 0) throw unknownAddressees(silent);
  const ways = await openInjectionPorts({
    runId,
    journalFolder: deps.journalFolder,
    netns,
    state,
    readState,
    bridges: namesIn(plan.bridges),
    lower: namesIn(plan.bridges.filter(({ kind }) => kind === 'lower')),
    endpoints: plan.endpoints.map((endpoint) => ({ ...endpoint, port: nearPortOf(endpoint) })),
    senders: new Set(plan.steps.flatMap(sendersOf)),
  });
  const open: OpenHost = { plan, deps, ways, bridgeOf: bridgeLookup(state) };
  return {
    runsAs: 'root',
    apply: async (change) => {
      if (change.kind === 'start' || change.kind === 'stop') throw notStarted(change);
      return applyRecorded(open, change);
    },
    happen: async (command) => {
      await runAuthored(command, deps.runIn ?? { folder: '.' }, netns);
    },
    sendingPlace: (name) => sendingPlace(open, name),
    observingPlace: (device) => {
      const there = plan.endpoints.find(
        ({ below, hop, port }) => (isOnDevice(below) || hop !== undefined) && port === device,
      );
      if (there === undefined) return { device, netns };
      return abovePlace(there, netns) ?? { device: nearPortOf(there) ?? device, netns };
    },
    arrivingPlace: (device) => ways.of(device),
    settled: async (changed) => {
      await waitUntilForwarding({ ports: forwardingPorts(plan), sysfs: netns === null, readState });
      if (changed && hasFlows(plan)) await waitUntilRevalidated();
    },
    readState,
    faults: () => [],
    close: () => closeHost(() => forgetInvented(plan, state, readState, netns), ways),
  };
}

interface OpenHost {
  readonly plan: Plan;
  readonly deps: HostDeps;
  readonly ways: InjectionPorts;
  readonly bridgeOf: (port: string) => string;
}

/** Undoes everything, even if invented MACs remain. Gives what remains. */
export async function closeHost(
  forget: () => Promise<void>,
  ways: Pick<InjectionPorts, 'close'>,
): Promise<readonly string[]> {
  const unrestored: string[] = [];
  try {
    await forget();
  } catch (error) {
    assertKnown(error);
    unrestored.push(`MACs that the run invented, in the bridges' tables until they age: ${error.message}`);
  } finally {
    unrestored.push(...(await ways.close()));
  }
  return unrestored;
}

/** The error (3) of addressees with unknown ports. `silent`: a sentence each. */
export function unknownAddressees(silent: readonly string[]): VerifyError {
  return new VerifyError(
    'addressee-unknown',
    3,
    silent.join('\n'),
    'ping it once, or let it announce itself with `learn`. Nothing was sent',
  );
}

function notStarted({ kind, endpoint }: Extract<Change, { readonly kind: 'start' | 'stop' }>): VerifyError {
  const done = kind === 'start' ? 'started' : 'stopped';
  return new VerifyError(
    'unsupported',
    69,
    `${kind} ${endpoint}: guests of a host are not ${done} by a run`,
    `${kind} it yourself`,
  );
}

async function applyRecorded({ deps, ways, bridgeOf }: OpenHost, change: KernelChange): Promise<ChangeRecord> {
  const { foundHost, runId, readState } = deps;
  const { netns, state } = foundHost;
  const before = await readBefore(change, { runId, netns, bridgeOf, readState });
  const toRestore = undoOf(change, before, bridgeOf);
  refuseReplaced(toRestore, state);
  for (const entry of [...toRestore].reverse()) ways.journal.add(entry);
  const marked = { ...change, runId }; // a mirror carries it
  try {
    return await applyToKernel(marked, bridgeOf, { folder: '/' }, netns);
  } finally {
    if (toRestore.length > 0) for (const entry of await entriesElsewhere(toRestore, netns)) ways.journal.add(entry);
  }
}

async function entriesElsewhere(entries: readonly UndoEntry[], netns: string | null): Promise<readonly UndoEntry[]> {
  const shown = await runProgram(['ip', '-j', '-d', 'link', 'show'], { netns });
  if (shown.status !== 0) return [];
  const links = parseLinks(parsePrinted('ip link', shown.stdout), () => null);
  return entries.flatMap((entry) => onOtherBridge(entry, { links }));
}

function sendingPlace({ plan, deps, ways }: OpenHost, name: string): Place {
  const endpoint = endpointNamed(plan.endpoints, name);
  const inside = abovePlace(endpoint, deps.foundHost.netns) ?? ways.inside.get(name);
  if (inside !== undefined) return inside;
  // bridges forward what is sent on their device, as the host's own frames (vmware: vmnet-bridge)
  const port = isOnPort(endpoint.attach) ? nearPortOf(endpoint) : null;
  return port === null ? { device: endpoint.bridge, netns: deps.foundHost.netns } : ways.of(port);
}

function abovePlace({ below, netns }: Endpoint, home: string | null): Place | null {
  return below?.device === undefined ? null : { device: below.device, netns: netnsPath(netns) ?? home };
}

/** Gives a port's original bridge. Another interface gives itself. */
export function bridgeLookup(state: HostState): (port: string) => string {
  return (port) => linkNamed(state, port)?.master ?? port;
}

/** An endpoint's own port; null = it is the host, or behind the bridge device. */
export function ownPortOf({ attach, port }: Pick<Endpoint, 'attach' | 'port'>): string | null {
  return isOnPort(attach) ? port : null;
}

function nearPortOf({ hop, port }: Pick<Endpoint, 'hop' | 'port'>): string | null {
  return hop?.near ?? port;
}

/** Ports of running guests and their hops, which must forward before sending. */
export function forwardingPorts({ endpoints }: Pick<Plan, 'endpoints'>): readonly string[] {
  return endpoints
    .filter(({ started }) => started)
    .flatMap((endpoint) => [ownPortOf(endpoint) ?? [], endpoint.hop?.near ?? []].flat());
}

/** True if a bridge's flows lag behind a change (Open vSwitch). */
export function hasFlows({ bridges }: Pick<Plan, 'bridges'>): boolean {
  return bridges.some(({ kind }) => kind === 'ovs');
}

interface BeforeDeps {
  readonly runId: string;
  readonly netns: string | null;
  readonly bridgeOf: (port: string) => string;
  readonly readState: () => Promise<HostState>;
}

interface AskedBefore {
  readonly link: string | null;
  readonly vlans: string | null;
  readonly ovsVlans: string | null;
  readonly ovs: Extract<KernelChange, { readonly kind: 'ovs-set' }> | null;
}

/** Facts to read right before a change, beside the state. */
export function askedBefore(change: KernelChange): AskedBefore {
  const nothing = { link: null, vlans: null, ovsVlans: null, ovs: null };
  switch (change.kind) {
    case 'set':
      return { ...nothing, link: change.device };
    case 'ovs-set':
      return { ...nothing, ovs: change };
    case 'vlan':
      return { ...nothing, [change.ovs === true ? 'ovsVlans' : 'vlans']: change.entry.port };
    default:
      return nothing;
  }
}

async function readBefore(
  change: KernelChange,
  { runId, netns, bridgeOf, readState }: BeforeDeps,
): Promise<Parameters<typeof undoOf>[1]> {
  const state = await readState();
  const { link, vlans, ovs, ovsVlans } = askedBefore(change);
  return {
    runId,
    state: withIdentities(state, netns),
    link: link === null ? null : await readJson(['ip', '-j', '-d', 'link', 'show', 'dev', link], { netns }),
    vlans: vlans === null ? null : await readJson(['bridge', '-j', 'vlan', 'show', 'dev', vlans], { netns }),
    ...(ovs === null ? {} : { ovs: await ovsValue(ovs, bridgeOf) }),
    ...(ovsVlans === null ? {} : { ovsVlans: await ovsVlanColumns(ovsVlans) }),
    ovsRows: await ovsRows(ovsRowsOf(change, state, bridgeOf)),
  };
}

function withIdentities(state: HostState, netns: string | null): HostState {
  const identities = linkIdentities(netns);
  const links = state.links.map((link) => {
    const identity = identities?.get(link.name);
    return identity === undefined ? link : { ...link, identity };
  });
  return { ...state, links };
}

/** Throws VerifyError `interface-gone` (69) if an interface was replaced since planning. */
export function refuseReplaced(entries: readonly UndoEntry[], { links }: Pick<HostState, 'links'>): void {
  for (const entry of entries) {
    const device = 'on' in entry && entry.on !== null && 'ifindex' in entry.on ? entry.on : null;
    const current = links.find((link) => link.name === device?.name);
    if (device === null || current === undefined || current.ifindex === device.ifindex) continue;
    throw new VerifyError(
      'interface-gone',
      69,
      `${JSON.stringify(device.name)} is another interface than the one that was found`,
      'its guest stopped, and another one has got the name: nothing was changed on it',
    );
  }
}
