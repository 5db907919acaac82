import { placeOf } from '../../../core/model/attach.js';
import type { Bridge, Endpoint } from '../../../core/model/scenario.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { withEthtool } from '../../kernel/ethtool.js';
import { runBatch } from '../../process/batch.js';
import { aboveCommand, defaultPvidOf, guestCommands, linkCommands, vlanCommands } from './bridge-commands.js';
import type { OvsSwitch } from './ovs-switch.js';
import { hasStack, type Space, type Spaces } from './spaces.js';
import { isOn } from '../../../core/bridge/setting-value.js';
import { findNamed, mapByName } from '../../../core/text/collections.js';

const sideBySide = 4;

/**
 * Makes the links of endpoints with a port, in few programs, and configures both ends. `netns`: the bridges', null =
 * the caller's. Rejects with VerifyError naming the refused command.
 */
export async function plugInEndpoints(
  endpoints: readonly Endpoint[],
  bridges: readonly Bridge[],
  spaces: Spaces,
  ovs: OvsSwitch | null,
  netns: string | null = null,
): Promise<void> {
  const plugged = endpoints.flatMap((endpoint) =>
    endpoint.port === null || endpoint.below !== undefined
      ? []
      : [{ endpoint, port: endpoint.port, space: spaces.of(endpoint) }],
  );
  await runBatch(
    'ip',
    plugged.flatMap(({ endpoint, port, space }) => linkCommands(endpoint, port, space, isOfKernel(endpoint, bridges))),
    { netns },
  );
  for (const { endpoint, port } of plugged)
    if (placeOf(endpoint.attach) === 'port' && !isOfKernel(endpoint, bridges)) await ovs?.addPort(endpoint, port);
  await allowVlans(
    endpoints,
    bridges.filter(({ kind }) => kind === 'linux'),
    netns,
  );
  const standing = await standAbove(endpoints, spaces);
  const bySpace = new Map<string, { readonly path: string; readonly commands: (readonly string[])[] }>();
  for (const { endpoint, space } of [...plugged, ...standing]) {
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

async function standAbove(
  endpoints: readonly Endpoint[],
  spaces: Spaces,
): Promise<readonly { readonly endpoint: Endpoint; readonly space: Space }[]> {
  const byName = mapByName(endpoints);
  const standing = endpoints.flatMap((endpoint) => {
    const lower = byName.get(endpoint.below?.lower ?? '');
    return lower === undefined ? [] : [{ endpoint, space: spaces.of(endpoint), lower: spaces.of(lower) }];
  });
  for (const { endpoint, space, lower } of standing)
    await runBatch('ip', [aboveCommand(endpoint, lower.device, space)], { netns: lower.path });
  return standing;
}

function isOfKernel({ attach, bridge }: Endpoint, bridges: readonly Bridge[]): boolean {
  return placeOf(attach) === 'port' && findNamed(bridges, bridge)?.kind !== 'ovs';
}

/** A kernel without VLAN filtering refuses them. */
async function allowVlans(
  endpoints: readonly Endpoint[],
  bridges: readonly Bridge[],
  netns: string | null,
): Promise<void> {
  for (const bridge of bridges) {
    const onBridge = endpoints.filter(
      (endpoint) => endpoint.bridge === bridge.name && placeOf(endpoint.attach) === 'port',
    );
    const commands = onBridge.flatMap((endpoint) =>
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
  const wanted = isOn(filtering);
  try {
    await runBatch('bridge', commands, { netns });
  } catch (error) {
    if (wanted || !(error instanceof VerifyError) || error.code !== 'unsupported') throw error;
  }
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values();
  const worker = async (): Promise<void> => {
    for (const item of queue) await run(item);
  };
  await Promise.all(Array.from({ length: sideBySide }, worker));
}

/** linux/ethtool.h */
const ETHTOOL_STXCSUM = 0x17;
const ETHTOOL_STSO = 0x1f;
const ETHTOOL_SGSO = 0x24;
const ETHTOOL_SGRO = 0x2c;

/** Makes captures show frames as on a wire. Throws VerifyError (69) naming the device. */
export function disableOffloads(netns: string | null, devices: readonly string[]): void {
  turnOff(netns, devices, [ETHTOOL_STXCSUM]);
}

/** Keeps frames within the MTU: libpcap's 16 MiB ring then holds 10,000 instead of 255. */
export function disableSegmentation(netns: string | null, devices: readonly string[]): void {
  turnOff(netns, devices, [ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO]);
}

function turnOff(netns: string | null, devices: readonly string[], commands: readonly number[]): void {
  withEthtool(netns, (ask) => {
    for (const device of devices) {
      for (const command of commands) {
        const answer = ask(device, command, 0);
        if (typeof answer === 'string') {
          throw new VerifyError(
            'unsupported',
            69,
            `an offload of ${device} cannot be turned off (ethtool command ${command}): ${answer}`,
            'settings: { offloads: on } on the endpoint leaves it as it is',
          );
        }
      }
    }
  });
}
