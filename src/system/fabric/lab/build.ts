import { isOnPort, isRoutedTo, placeOf } from '../../../core/model/attach.js';
import type { Change, ChangeOf, ChangeRecord, Fabric } from '../../../core/model/fabric.js';
import type { PlannedTopology } from '../../../core/model/plan.js';
import type { Bridge, Endpoint } from '../../../core/model/scenario.js';
import type { HostState, LinkState } from '../../../core/model/state.js';
import { closeMountSpace, type MountSpace } from '../../kernel/mounts.js';
import { writeSysctl } from '../../kernel/sysctl.js';
import { runBatch } from '../../process/batch.js';
import { mustRun, runProgram } from '../../process/programs.js';
import { applyToKernel, type Authored, endpointNamed, type RunsIn } from '../apply.js';
import { checkReadBack } from '../read-back.js';
import { linksInOneGo, waitUntilForwarding, waitUntilRevalidated } from '../wait.js';
import {
  addressCommands,
  bridgeCommands,
  defaultPvidOf,
  placeOfKey,
  routedCommands,
  routeCommands,
  vlanCommands,
} from './bridge-commands.js';
import { plugInEndpoints, setVlans } from './endpoints.js';
import type { Inside } from './enter.js';
import { type OvsSwitch, startOvsSwitch } from './ovs-switch.js';
import { makeRelays, type RelayHandle, type RelaySpec } from './relays.js';
import { makeSandbox } from './sandbox.js';
import { isIpv6, makeSpaces, placeOfSpace, quietHost } from './spaces.js';
import { findNamed, mapByName, namesIn } from '../../../core/text/collections.js';

/** Functions of other system folders, which do not import one another. */
export interface LabDeps {
  readonly inside: Inside;
  readonly readState: () => Promise<HostState>;
  readonly readLinks: () => Promise<readonly LinkState[]>;
  readonly startRelay: (spec: RelaySpec) => Promise<RelayHandle>;
  readonly meanwhile?: (() => void) | undefined;
  readonly runIn: Authored;
}

/**
 * The caller's network namespace must be the lab's. Rejects with VerifyError: `unsupported` (69), `read-back` (3),
 * `command-failed` (3).
 */
export async function buildLab(plan: PlannedTopology, deps: LabDeps): Promise<Fabric> {
  const ovs = plan.bridges.some(({ kind }) => kind === 'ovs') ? await startOvsSwitch(deps.inside) : null;
  const lab = new Lab(plan, deps, ovs);
  try {
    await lab.build();
  } catch (error) {
    await lab.close();
    throw error;
  }
  // Closures, because a caller may put single ones into another fabric.
  return {
    runsAs: deps.inside.runsAs,
    readState: deps.readState,
    apply: (change) => lab.apply(change),
    happen: (command) => lab.happen(command),
    sendingPlace: (name) => lab.sendingPlace(name),
    observingPlace: (device) => lab.observingPlace(device),
    arrivingPlace: (device) => lab.observingPlace(device),
    settled: (changed) => lab.settled(changed),
    faults: () => lab.faults(),
    close: () => lab.close(),
  };
}

/**
 * A veth pair's new carrier is urgent: the kernel then handles waiting links at once (linkwatch_urgent_event,
 * net/core/link_watch.c). Without it ports forward later.
 */
async function wakeLinkWatch(): Promise<void> {
  const [first, second] = ['vi-wake-0', 'vi-wake-1'] as const;
  const commands = [
    `link add ${first} type veth peer name ${second}`,
    `link set ${first} up`,
    `link set ${second} up`,
    `link del ${first}`,
  ];
  await runProgram(['ip', '-force', '-batch', '-'], { input: commands.join('\n') });
}

class Lab {
  private readonly plan: PlannedTopology;
  private readonly deps: LabDeps;
  private readonly ovs: OvsSwitch | null;
  private readonly spaces = makeSpaces();
  private readonly relays: ReturnType<typeof makeRelays>;
  private readonly present: Set<string>;
  private readonly bridgeOfPort: ReadonlyMap<string, string>;
  /** Repeated on a recreated port, as a setting stays until a later step changes it. */
  private readonly portChanges: ChangeOf<'set' | 'vlan'>[] = [];
  private sandbox: MountSpace | null = null;
  private readonly runsIn: RunsIn;
  private ending: Promise<readonly string[]> | null = null;

  constructor(plan: PlannedTopology, deps: LabDeps, ovs: OvsSwitch | null) {
    this.plan = plan;
    this.deps = deps;
    this.ovs = ovs;
    this.relays = makeRelays(deps.startRelay);
    this.present = new Set(namesIn(plan.endpoints.filter(({ started }) => started)));
    this.bridgeOfPort = new Map(
      plan.endpoints.flatMap(({ port, bridge }) => (port === null ? [] : [[port, bridge] as const])),
    );
    this.runsIn = {
      ...deps.runIn,
      // A user namespace has no rights to the machine's own things.
      ...(deps.inside.runsAs === 'root' ? { sandbox: () => (this.sandbox ??= makeSandbox(deps.runIn.folder)) } : {}),
    };
  }

  async build(): Promise<void> {
    const { plan, deps, ovs } = this;
    await makeBridges(plan, ovs);
    const now = plan.endpoints.filter((endpoint) => endpoint.started);
    const plugging = this.plugIn(now);
    try {
      deps.meanwhile?.();
    } finally {
      await plugging;
    }
    writeSysctls(plan, true);
    for (const bridge of plan.bridges) if (bridge.mirrors.length > 0) await ovs?.addMirrors(bridge);
    checkSettings(plan.bridges, now, await deps.readLinks(), this.isOvs);
    for (const endpoint of now) await this.relays.start(endpoint);
  }

  private async plugIn(endpoints: readonly Endpoint[]): Promise<void> {
    const { bridges, bridgeMacs } = this.plan;
    await plugInEndpoints(endpoints, bridges, this.spaces, this.ovs);
    const routed = endpoints.flatMap((endpoint) => {
      const segment = findNamed(bridges, endpoint.bridge);
      return isRoutedTo(endpoint.attach) && segment !== undefined ? [{ endpoint, segment }] : [];
    });
    for (const { endpoint, segment } of routed)
      if ([...endpoint.ips, ...segment.addresses].some(isIpv6)) allowIpv6(endpoint.port ?? '');
    await runBatch(
      'ip',
      routed.flatMap(({ endpoint, segment }) => routedCommands(endpoint, segment, bridgeMacs[segment.name])),
    );
  }

  async apply(change: Change): Promise<ChangeRecord> {
    if (change.kind === 'start') return this.start(endpointNamed(this.plan.endpoints, change.endpoint));
    if (change.kind === 'stop') return this.stop(endpointNamed(this.plan.endpoints, change.endpoint));
    const record = await this.applyToKernel(change);
    if ((change.kind === 'set' && change.place !== 'bridge') || (change.kind === 'vlan' && !change.self))
      this.portChanges.push(change);
    return record;
  }

  async happen(command: readonly string[]): Promise<void> {
    await this.applyToKernel({ kind: 'run', argv: command });
  }

  sendingPlace(name: string): ReturnType<Fabric['sendingPlace']> {
    const endpoint = endpointNamed(this.plan.endpoints, name);
    return placeOf(endpoint.attach) === 'host'
      ? { device: endpoint.bridge, netns: null }
      : placeOfSpace(this.spaces.of(endpoint));
  }

  observingPlace(device: string): ReturnType<Fabric['observingPlace']> {
    const above = this.plan.endpoints.find(({ below, port }) => below !== undefined && port === device);
    return above === undefined ? { device, netns: null } : placeOfSpace(this.spaces.of(above));
  }

  async settled(changed: boolean): Promise<void> {
    const { inside, readState } = this.deps;
    const ports = this.plan.endpoints.flatMap(({ name, attach, port }) =>
      isOnPort(attach) && port !== null && this.present.has(name) ? [port] : [],
    );
    const wake = ports.length > linksInOneGo ? wakeLinkWatch : undefined;
    await waitUntilForwarding({ ports, sysfs: inside.sysfs, readState, wakeLinkWatch: wake });
    if (changed && this.ovs !== null) await waitUntilRevalidated();
  }

  faults(): ReturnType<Fabric['faults']> {
    return this.relays.faults();
  }

  close(): Promise<readonly string[]> {
    return (this.ending ??= this.end());
  }

  private async end(): Promise<readonly string[]> {
    await this.relays.close();
    await this.ovs?.close();
    this.spaces.close();
    if (this.sandbox !== null) closeMountSpace(this.sandbox);
    return []; // the namespaces end with this process, and everything in them
  }

  private async start(endpoint: Endpoint): Promise<ChangeRecord> {
    if (this.present.has(endpoint.name)) return { commands: [], readBack: `${endpoint.name} is there already` };
    await this.plugIn([endpoint]);
    checkSettings([], [endpoint], await this.deps.readLinks(), this.isOvs);
    for (const change of this.portChanges) {
      if ((change.kind === 'set' ? change.device : change.entry.port) === endpoint.port)
        await this.applyToKernel(change);
    }
    await this.relays.start(endpoint);
    this.present.add(endpoint.name);
    return { commands: [], readBack: `${endpoint.name} is there` };
  }

  private async stop(endpoint: Endpoint): Promise<ChangeRecord> {
    const { name, port, attach, bridge } = endpoint;
    if (!this.present.delete(name)) return { commands: [], readBack: `${name} is gone already` };
    await this.relays.stop(endpoint);
    if (port !== null && isOnPort(attach) && this.isOvs(bridge)) await this.ovs?.removePort(bridge, port);
    const command = ['ip', 'link', 'del', 'dev', port ?? ''];
    if (port !== null) await mustRun(command);
    return { commands: port === null ? [] : [command], readBack: `${name} is gone` };
  }

  private applyToKernel(change: Parameters<typeof applyToKernel>[0]): Promise<ChangeRecord> {
    return applyToKernel(change, (port) => this.bridgeOfPort.get(port) ?? port, this.runsIn);
  }

  private readonly isOvs = (name: string): boolean =>
    this.plan.bridges.some((bridge) => bridge.name === name && bridge.kind === 'ovs');
}

async function makeBridges(plan: PlannedTopology, ovs: OvsSwitch | null): Promise<void> {
  const ofKernel = plan.bridges.filter(({ kind }) => kind === 'linux');
  const ofOvs = plan.bridges.filter(({ kind }) => kind === 'ovs');
  const withIpv6 = new Set(
    plan.bridges
      .filter((bridge) => [...addressesOf(bridge, plan.endpoints), ...routedTo(bridge, plan.endpoints)].some(isIpv6))
      .map((bridge) => bridge.name),
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
  for (const { name, kind } of plan.bridges) if (withIpv6.has(name) && kind !== 'routed') allowIpv6(name);
  const hosts = plan.endpoints.filter((endpoint) => placeOf(endpoint.attach) === 'host');
  await runBatch('ip', [
    ...[...ofKernel, ...ofOvs].flatMap((bridge) => addressCommands(bridge.name, addressesOf(bridge, plan.endpoints))),
    ...hosts.flatMap((host) => routeCommands(host.bridge, host.gateway)),
  ]);
  for (const bridge of ofKernel)
    await setVlans(bridge, vlanCommands(bridge.name, bridge.vlans, defaultPvidOf(bridge), true));
  writeSysctls(plan, false);
}

function writeSysctls({ sysctl, endpoints }: PlannedTopology, ofPorts: boolean): void {
  const ports = new Set(endpoints.flatMap(({ port }) => port ?? []));
  for (const [name, value] of Object.entries(sysctl))
    if (name.split('.').some((part) => ports.has(part.replaceAll('/', '.'))) === ofPorts)
      checkReadBack('sysctl', 'link', name, value, writeSysctl(null, name, value));
}

function allowIpv6(device: string): void {
  writeSysctl(null, `net.ipv6.conf.${device.replaceAll('.', '/')}.disable_ipv6`, '0');
}

function routedTo({ name }: Bridge, endpoints: readonly Endpoint[]): Bridge['addresses'] {
  return endpoints.filter(({ attach, bridge }) => isRoutedTo(attach) && bridge === name).flatMap(({ ips }) => ips);
}

function addressesOf(bridge: Bridge, endpoints: readonly Endpoint[]): Bridge['addresses'] {
  return [
    ...bridge.addresses,
    ...endpoints
      .filter((endpoint) => placeOf(endpoint.attach) === 'host' && endpoint.bridge === bridge.name)
      .flatMap((endpoint) => endpoint.ips),
  ];
}

function checkSettings(
  bridges: readonly Bridge[],
  endpoints: readonly Endpoint[],
  links: readonly LinkState[],
  isOvs: (bridge: string) => boolean,
): void {
  const byName = mapByName(links);
  const check = (
    device: string,
    place: 'bridge' | 'port' | 'link',
    key: string,
    wanted: string | number | boolean,
  ): void => {
    const link = byName.get(device);
    const ofLink = key === 'mtu' ? link?.mtu : link?.flags.includes('UP');
    checkReadBack(
      device,
      place,
      key,
      wanted,
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
