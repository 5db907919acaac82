import type { Change, ChangeRecord, Fabric } from '../../../core/model/fabric.js';
import type { Plan } from '../../../core/model/plan.js';
import type { HostState } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { sendersOf, silentAddressees } from '../../../core/plan/observers.js';
import { mustRun, readJson } from '../../process/programs.js';
import { applyToKernel, type KernelChange } from '../apply.js';
import { ovsValue } from '../ovs.js';
import { ovsVlanColumns } from '../ovs-vlans.js';
import { waitUntilForwarding, waitUntilRevalidated } from '../wait.js';
import type { FoundHost } from './find.js';
import { forgetInvented } from './forget-invented.js';
import { openInjectionPorts } from './injection-ports.js';
import { undoOf } from './undo-of.js';

export interface HostDeps {
  readonly found: FoundHost;
  readonly readState: () => Promise<HostState>;
  readonly runId: string;
  /** Folder of the journal. */
  readonly journalFolder: string;
}

/**
 * The topology as it runs on this host. Locks its bridges against other runs, writes each change into the journal
 * before it is made, and makes a way in for every endpoint that sends. Rejects with VerifyError: `locked` (69),
 * `unsupported` (69), `command-failed` (3).
 */
export async function openHost(plan: Plan, deps: HostDeps): Promise<Fabric> {
  const { found, runId, readState } = deps;
  const { netns, state } = found;
  const silent = silentAddressees(plan, state);
  if (silent.length > 0)
    throw new VerifyError(
      'addressee-unknown',
      3,
      silent.join('\n'),
      'ping it once, or let it announce itself with `learn`. Nothing was sent',
    );
  const ways = await openInjectionPorts({
    runId,
    journalFolder: deps.journalFolder,
    netns,
    state,
    readState,
    bridges: plan.bridges.map(({ name }) => name),
    endpoints: plan.endpoints,
    senders: new Set(plan.steps.flatMap(sendersOf)),
  });
  const bridges = new Map(
    state.links.flatMap(({ name, master }) => (master === null ? [] : [[name, master] as const])),
  );
  const bridgeOf = (port: string): string => bridges.get(port) ?? port;
  const endpointNamed = (name: string): Plan['endpoints'][number] => {
    const endpoint = plan.endpoints.find((one) => one.name === name);
    if (endpoint === undefined)
      throw new VerifyError(
        'fabric-unknown',
        70,
        `the plan has no endpoint ${name}`,
        'this is a fault of verify-isolation: report it with plan.json',
      );
    return endpoint;
  };

  const change = async (one: KernelChange): Promise<ChangeRecord> => {
    const device = one.kind === 'set' ? one.device : null;
    const before = {
      state: await readState(),
      link: device === null ? null : await readJson(['ip', '-j', '-d', 'link', 'show', 'dev', device], { netns }),
      ...(one.kind === 'ovs-set' ? { ovs: await ovsValue(one, bridgeOf) } : {}),
      ...(one.kind === 'vlan' && one.ovs === true ? { ovsVlans: await ovsVlanColumns(one.entry.port) } : {}),
      vlans:
        one.kind === 'vlan' && one.ovs !== true
          ? await readJson(['bridge', '-j', 'vlan', 'show', 'dev', one.entry.port], { netns })
          : null,
    };
    for (const command of [...undoOf(one, before, bridgeOf)].reverse())
      ways.journal.add({ command, gone: one.kind !== 'set' && one.kind !== 'ovs-set' });
    return applyToKernel(one, bridgeOf, '/', netns);
  };

  return {
    runsAs: 'root',
    apply: async (one: Change) => {
      if (one.kind === 'start' || one.kind === 'stop')
        throw new VerifyError(
          'unsupported',
          69,
          `${one.kind} ${one.endpoint}: guests of a host are not ${one.kind === 'start' ? 'started' : 'stopped'} by a run`,
          `${one.kind} it yourself`,
        );
      return change(one);
    },
    happen: async (command) => {
      await mustRun(command, { netns });
    },
    sendingPlace: (name) => {
      const endpoint = endpointNamed(name);
      const own = ways.inside.get(name);
      if (own !== undefined) return own;
      // who bridges a bridge sends on its device (vmware: vmnet-bridge), as the host itself does
      return endpoint.attach !== 'port' || endpoint.port === null
        ? { device: endpoint.bridge, netns }
        : ways.of(endpoint.port);
    },
    observingPlace: (device) => ({ device, netns }),
    settled: async (changed) => {
      await waitUntilForwarding({
        ports: plan.endpoints.flatMap(({ port, attach, started }) =>
          port === null || attach !== 'port' || !started ? [] : [port],
        ),
        sysfs: netns === null,
        readState,
      });
      if (changed && plan.bridges.some(({ kind }) => kind === 'ovs')) await waitUntilRevalidated();
    },
    readState,
    faults: () => [],
    close: async () => {
      await forgetInvented(plan, state, readState, netns);
      return ways.close();
    },
  };
}
