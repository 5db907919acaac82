import type { Bridge, Endpoint } from '../../core/model/scenario.js';
import { VerifyError } from '../../core/model/verify-error.js';
import { runBatch } from '../../sys/batch.js';
import { defaultPvidOf, guestCommands, linkCommands, vlanCommands } from '../../system/fabric/lab/bridge-commands.js';
import type { OvsSwitch } from '../../system/fabric/lab/ovs-switch.js';
import { hasStack, type Spaces } from '../../system/fabric/lab/spaces.js';
import { disableOffloads, disableSegmentation } from './offloads.js';

/** Programs that configure endpoints run this many side by side: most of their time is starting. */
const sideBySide = 4;

/**
 * Makes the links of endpoints that have a port, all in few programs, and configures both ends; `netns`: that of the
 * bridges, null = the caller's. Rejects with VerifyError naming the command that was refused.
 */
export async function plugIn(
  endpoints: readonly Endpoint[],
  bridges: readonly Bridge[],
  spaces: Spaces,
  ovs: OvsSwitch | null,
  netns: string | null = null,
): Promise<void> {
  const plugged = endpoints.flatMap((endpoint) =>
    endpoint.port === null ? [] : [{ endpoint, port: endpoint.port, space: spaces.of(endpoint) }],
  );
  await runBatch(
    'ip',
    plugged.flatMap(({ endpoint, port, space }) => linkCommands(endpoint, port, space, isOfKernel(endpoint, bridges))),
    { netns },
  );
  for (const { endpoint, port } of plugged)
    if (endpoint.attach === 'port' && !isOfKernel(endpoint, bridges)) await ovs?.addPort(endpoint, port);
  await allowVlans(
    endpoints,
    bridges.filter(({ kind }) => kind === 'linux'),
    netns,
  );
  const bySpace = new Map<string, { readonly path: string; readonly commands: (readonly string[])[] }>();
  for (const { endpoint, space } of plugged) {
    const entry = bySpace.get(space.path) ?? { path: space.path, commands: [] };
    entry.commands.push(...guestCommands(endpoint, space.device));
    bySpace.set(space.path, entry);
  }
  await inParallel([...bySpace.values()], ({ path, commands }) => runBatch('ip', commands, { netns: path }));
  const quiet = plugged.filter(({ endpoint }) => hasStack(endpoint) && !endpoint.offloads);
  for (const { space } of quiet) disableOffloads(space.path, [space.device]);
  const ports = quiet.map(({ port }) => port);
  disableOffloads(netns, ports);
  disableSegmentation(netns, ports);
}

/** Whether an endpoint's port is one of a bridge of the kernel's. */
function isOfKernel({ attach, bridge }: Endpoint, bridges: readonly Bridge[]): boolean {
  return attach === 'port' && bridges.find(({ name }) => name === bridge)?.kind !== 'ovs';
}

/** VLANs of ports; a kernel without VLAN filtering refuses them, which matters only where filtering is asked for. */
async function allowVlans(
  endpoints: readonly Endpoint[],
  bridges: readonly Bridge[],
  netns: string | null,
): Promise<void> {
  for (const bridge of bridges) {
    const own = endpoints.filter((endpoint) => endpoint.bridge === bridge.name && endpoint.attach === 'port');
    const commands = own.flatMap((endpoint) =>
      vlanCommands(endpoint.port ?? '', endpoint.vlans, defaultPvidOf(bridge), false),
    );
    await setVlans(bridge, commands, netns);
  }
}

export async function setVlans(
  bridge: Bridge,
  commands: readonly (readonly string[])[],
  netns: string | null = null,
): Promise<void> {
  const filtering = bridge.settings.vlan_filtering;
  const asked = filtering === 1 || filtering === true;
  try {
    await runBatch('bridge', commands, { netns });
  } catch (error) {
    if (asked || !(error instanceof VerifyError) || error.code !== 'unsupported') throw error;
  }
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await run(item);
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
}
