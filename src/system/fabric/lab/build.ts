import { isOnPort, placeOf } from '../../../core/model/attach.js';
import type { Change, ChangeRecord, Fabric } from '../../../core/model/fabric.js';
import type { PlannedTopology } from '../../../core/model/plan.js';
import type { Bridge, Endpoint } from '../../../core/model/scenario.js';
import type { HostState, LinkState } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { closeMountSpace, type MountSpace } from '../../kernel/mounts.js';
import { writeSysctl } from '../../kernel/sysctl.js';
import { runBatch } from '../../process/batch.js';
import { mustRun } from '../../process/programs.js';
import { applyToKernel, type RunsIn } from '../apply.js';
import { checkReadBack } from '../read-back.js';
import { waitUntilForwarding, waitUntilRevalidated } from '../wait.js';
import {
  addressCommands,
  bridgeCommands,
  defaultPvidOf,
  placeOfKey,
  routeCommands,
  vlanCommands,
} from './bridge-commands.js';
import { plugInEndpoints, setVlans } from './endpoints.js';
import type { Inside } from './enter.js';
import { type OvsSwitch, startOvsSwitch } from './ovs-switch.js';
import { makeRelays, type RelayHandle, type RelaySpec } from './relays.js';
import { makeSandbox } from './sandbox.js';
import { isIpv6, makeSpaces, placeOfSpace, quietHost } from './spaces.js';

/** What the lab needs of other folders: edges do not import one another. */
export interface LabDeps {
  readonly inside: Inside;
  readonly readState: () => Promise<HostState>;
  /** The links of `readState`, without the rest. */
  readonly readLinks: () => Promise<readonly LinkState[]>;
  readonly startRelay: (spec: RelaySpec) => Promise<RelayHandle>;
  /** Called once, while the kernel makes the links: what takes time beside that. */
  readonly meanwhile?: (() => void) | undefined;
  /** Folder in which the author's `run` commands run: the scenario's. */
  readonly runIn: string;
}

/**
 * Builds the plan's topology in the caller's network namespace, which must be the lab's, and reads every setting back.
 * Rejects with VerifyError: `unsupported` (69) for what this kernel does not know, `read-back` (3) for what it changed,
 * `command-failed` (3).
 */
export async function buildLab(plan: PlannedTopology, deps: LabDeps): Promise<Fabric> {
  const ovs = plan.bridges.some(({ kind }) => kind === 'ovs') ? await startOvsSwitch(deps.inside) : null;
  const endpoints = new Map(plan.endpoints.map((endpoint) => [endpoint.name, endpoint]));
  const bridgeOfPort = new Map(
    plan.endpoints.flatMap((endpoint) => (endpoint.port === null ? [] : [[endpoint.port, endpoint.bridge] as const])),
  );
  const bridgeOf = (port: string): string => bridgeOfPort.get(port) ?? port;
  const isOvs = (name: string): boolean => plan.bridges.some((bridge) => bridge.name === name && bridge.kind === 'ovs');
  const spaces = makeSpaces();
  const relays = makeRelays(deps.startRelay);
  const present = new Set(plan.endpoints.filter((endpoint) => endpoint.started).map((endpoint) => endpoint.name));
  /**
   * Changes of ports by steps, which a port that is made anew gets again: a setting stays until a later step changes
   * it.
   */
  const portChanges: Extract<Change, { kind: 'set' | 'vlan' }>[] = [];

  const endpointNamed = (name: string): Endpoint => {
    const endpoint = endpoints.get(name);
    if (endpoint === undefined)
      throw new VerifyError(
        'fabric-unknown',
        70,
        `the plan has no endpoint ${name}`,
        'this is a fault of verify-isolation: report it with plan.json',
      );
    return endpoint;
  };
  let sandbox: MountSpace | null = null;
  const runsIn: RunsIn = {
    folder: deps.runIn,
    // A user namespace has no right to anything that is the machine's.
    ...(deps.inside.runsAs === 'root' ? { sandbox: () => (sandbox ??= makeSandbox(deps.runIn)) } : {}),
  };
  const kernel = (change: Parameters<typeof applyToKernel>[0]): Promise<ChangeRecord> =>
    applyToKernel(change, bridgeOf, runsIn);

  const start = async (endpoint: Endpoint): Promise<ChangeRecord> => {
    if (present.has(endpoint.name)) return { commands: [], readBack: `${endpoint.name} is there already` };
    const mine = plan.endpoints.filter((one) => one.name === endpoint.name);
    await plugInEndpoints(mine, plan.bridges, spaces, ovs);
    checkSettings([], mine, await deps.readLinks(), isOvs);
    for (const change of portChanges) {
      if ((change.kind === 'set' ? change.device : change.entry.port) === endpoint.port) await kernel(change);
    }
    await relays.start(endpoint);
    present.add(endpoint.name);
    return { commands: [], readBack: `${endpoint.name} is there` };
  };

  const stop = async (endpoint: Endpoint): Promise<ChangeRecord> => {
    if (!present.delete(endpoint.name)) return { commands: [], readBack: `${endpoint.name} is gone already` };
    await relays.stop(endpoint);
    if (endpoint.port !== null && isOnPort(endpoint.attach) && isOvs(endpoint.bridge))
      await ovs?.removePort(endpoint.bridge, endpoint.port);
    const command = ['ip', 'link', 'del', 'dev', endpoint.port ?? ''];
    if (endpoint.port !== null) await mustRun(command);
    return { commands: endpoint.port === null ? [] : [command], readBack: `${endpoint.name} is gone` };
  };

  const presentPorts = (): readonly string[] =>
    plan.endpoints.flatMap((endpoint) =>
      isOnPort(endpoint.attach) && endpoint.port !== null && present.has(endpoint.name) ? [endpoint.port] : [],
    );

  const end = async (): Promise<readonly string[]> => {
    await relays.close();
    await ovs?.close();
    spaces.close();
    if (sandbox !== null) closeMountSpace(sandbox);
    return []; // the namespaces end with this process, and everything in them
  };
  let ending: Promise<readonly string[]> | null = null;
  const close = (): Promise<readonly string[]> => (ending ??= end());

  try {
    await makeBridges(plan, ovs);
    const now = plan.endpoints.filter((endpoint) => endpoint.started);
    const plugging = plugInEndpoints(now, plan.bridges, spaces, ovs);
    try {
      deps.meanwhile?.();
    } finally {
      await plugging;
    }
    for (const bridge of plan.bridges) if (bridge.mirrors.length > 0) await ovs?.addMirrors(bridge);
    checkSettings(plan.bridges, now, await deps.readLinks(), isOvs);
    for (const endpoint of now) await relays.start(endpoint);
  } catch (error) {
    await close();
    throw error;
  }

  return {
    runsAs: deps.inside.runsAs,
    apply: async (change) => {
      if (change.kind === 'start') return start(endpointNamed(change.endpoint));
      if (change.kind === 'stop') return stop(endpointNamed(change.endpoint));
      const record = await kernel(change);
      if ((change.kind === 'set' && change.place !== 'bridge') || (change.kind === 'vlan' && !change.self))
        portChanges.push(change);
      return record;
    },
    happen: async (command) => {
      await kernel({ kind: 'run', argv: command });
    },
    sendingPlace: (name) => {
      const endpoint = endpointNamed(name);
      return placeOf(endpoint.attach) === 'host'
        ? { device: endpoint.bridge, netns: null }
        : placeOfSpace(spaces.of(endpoint));
    },
    observingPlace: (device) => {
      const above = plan.endpoints.find(({ below, port }) => below !== undefined && port === device);
      return above === undefined ? { device, netns: null } : placeOfSpace(spaces.of(above));
    },
    settled: async (changed) => {
      await waitUntilForwarding({ ports: presentPorts(), sysfs: deps.inside.sysfs, readState: deps.readState });
      if (changed && ovs !== null) await waitUntilRevalidated();
    },
    readState: deps.readState,
    faults: () => relays.faults(),
    close,
  };
}

async function makeBridges(plan: PlannedTopology, ovs: OvsSwitch | null): Promise<void> {
  const ofKernel = plan.bridges.filter(({ kind }) => kind === 'linux');
  const ofOvs = plan.bridges.filter(({ kind }) => kind === 'ovs');
  const withIpv6 = new Set(
    plan.bridges.filter((bridge) => addressesOf(bridge, plan.endpoints).some(isIpv6)).map((bridge) => bridge.name),
  );
  quietHost(withIpv6.size > 0);
  await runBatch('ip', [
    ['link', 'set', 'dev', 'lo', 'up'],
    ...ofKernel.flatMap((bridge) => bridgeCommands(bridge, plan.bridgeMacs[bridge.name])),
  ]);
  for (const bridge of ofOvs) await ovs?.addBridge(bridge, plan.bridgeMacs[bridge.name]);
  await runBatch(
    'ip',
    ofOvs.map(({ name }) => ['link', 'set', 'dev', name, 'up']),
  );
  for (const name of withIpv6) writeSysctl(null, `net.ipv6.conf.${name.replaceAll('.', '/')}.disable_ipv6`, '0');
  const hosts = plan.endpoints.filter((endpoint) => placeOf(endpoint.attach) === 'host');
  await runBatch('ip', [
    ...plan.bridges.flatMap((bridge) => addressCommands(bridge.name, addressesOf(bridge, plan.endpoints))),
    ...hosts.flatMap((host) => routeCommands(host.bridge, host.gateway)),
  ]);
  for (const bridge of ofKernel)
    await setVlans(bridge, vlanCommands(bridge.name, bridge.vlans, defaultPvidOf(bridge), true));
  for (const [name, value] of Object.entries(plan.sysctl))
    checkReadBack('sysctl', 'link', name, value, writeSysctl(null, name, value));
}

/** A bridge's own addresses and those of the endpoint that is the host. */
function addressesOf(bridge: Bridge, endpoints: readonly Endpoint[]): Bridge['addresses'] {
  return [
    ...bridge.addresses,
    ...endpoints
      .filter((endpoint) => placeOf(endpoint.attach) === 'host' && endpoint.bridge === bridge.name)
      .flatMap((endpoint) => endpoint.ips),
  ];
}

/**
 * Every setting of the topology as the kernel has it now; those of Open vSwitch were read back where they were made.
 */
function checkSettings(
  bridges: readonly Bridge[],
  endpoints: readonly Endpoint[],
  links: readonly LinkState[],
  isOvs: (bridge: string) => boolean,
): void {
  const byName = new Map(links.map((link) => [link.name, link]));
  const check = (
    device: string,
    place: 'bridge' | 'port' | 'link',
    key: string,
    asked: string | number | boolean,
  ): void => {
    const link = byName.get(device);
    const ofLink = key === 'mtu' ? link?.mtu : link?.flags.includes('UP');
    checkReadBack(
      device,
      place,
      key,
      asked,
      place === 'link' ? ofLink : (place === 'bridge' ? link?.bridge : link?.port)?.[key],
    );
  };
  for (const bridge of bridges.filter(({ kind }) => kind === 'linux')) {
    for (const [key, value] of Object.entries(bridge.settings)) check(bridge.name, placeOfKey(key), key, value);
  }
  for (const { port, settings, bridge } of endpoints) {
    for (const [key, value] of Object.entries(settings))
      if (!isOvs(bridge) || placeOfKey(key) === 'link')
        check(port ?? '', placeOfKey(key) === 'link' ? 'link' : 'port', key, value);
  }
}
