import { closeSync } from 'node:fs';
import type { Fabric } from '../../../core/model/fabric.js';
import { bareName, hostOf } from '../../../core/model/host-names.js';
import type { Plan } from '../../../core/model/plan.js';
import type { Endpoint } from '../../../core/model/scenario.js';
import type { HostState } from '../../../core/model/state.js';
import { VerifyError } from '../../../core/model/verify-error.js';
import { mergeStates } from '../../../core/plan/hosts.js';
import { disableIpv6, newNamespace } from '../../kernel/namespaces.js';
import { runBatch } from '../../process/batch.js';
import { endpointNamed, noChanges } from '../apply.js';
import { waitUntilForwarding } from '../wait.js';
import { bridgeCommands } from './bridge-commands.js';
import { plugInEndpoints } from './endpoints.js';
import type { Inside } from './enter.js';
import { makeSpaces, placeOfSpace, procPid, type Spaces } from './spaces.js';

export interface LabHostsDeps {
  readonly inside: Inside;
  readonly readState: (netns: string) => Promise<HostState>;
}

/** Invisible outside the lab. RFC 5737 has no spare prefix of this size. */
const underlayPrefix = '10.255.0.';
/** VXLAN over IPv4 takes 50 bytes (RFC 7348 4.3). */
const underlayMtu = 1600;
const vxlanPort = 4789;

interface LabHost {
  readonly name: string;
  readonly fd: number;
  readonly path: string;
  readonly address: string;
  readonly spaces: Spaces;
}

function bare(endpoint: Endpoint): Endpoint {
  return {
    ...endpoint,
    bridge: bareName(endpoint.bridge),
    port: endpoint.port === null ? null : bareName(endpoint.port),
  };
}

/** Hosts are network namespaces, joined by an underlay in the caller's. Rejects with VerifyError `unsupported` (69). */
export async function buildLabHosts(plan: Plan, deps: LabHostsDeps): Promise<Fabric> {
  const hosts = (plan.hosts ?? []).map(({ name }, index): LabHost => {
    const fd = newNamespace(disableIpv6);
    return {
      name,
      fd,
      path: `/proc/${procPid()}/fd/${fd}`,
      address: `${underlayPrefix}${index + 1}`,
      spaces: makeSpaces(),
    };
  });
  const hostNamed = (name: string | null): LabHost => {
    const host = hosts.find((host) => host.name === name);
    if (host === undefined)
      throw new VerifyError(
        'fabric-unknown',
        70,
        `the plan has no host ${name ?? ''}`,
        'this is a fault of verify-isolation: report it with plan.json',
      );
    return host;
  };
  const readState = async (): Promise<HostState> =>
    mergeStates(
      await Promise.all(hosts.map(async ({ name, path }) => ({ host: name, state: await deps.readState(path) }))),
    );
  const close = async (): Promise<readonly string[]> => {
    for (const { fd, spaces } of hosts) {
      spaces.close();
      closeSync(fd);
    }
    return []; // the namespaces end with their last descriptor, and everything in them
  };
  try {
    await joinHosts(hosts);
    for (const host of hosts) await buildHost(plan, host, hostNamed);
  } catch (error) {
    await close();
    throw error;
  }
  const observingPlace: Fabric['observingPlace'] = (device) => ({
    device: bareName(device),
    netns: hostNamed(hostOf(device)).path,
  });
  return {
    runsAs: deps.inside.runsAs,
    ...noChanges,
    sendingPlace: (name) => {
      const endpoint = endpointNamed(plan.endpoints, name);
      return placeOfSpace(hostNamed(hostOf(endpoint.bridge)).spaces.of(bare(endpoint)));
    },
    observingPlace,
    arrivingPlace: observingPlace,
    settled: () =>
      waitUntilForwarding({ ports: plan.endpoints.flatMap(({ port }) => port ?? []), sysfs: false, readState }),
    readState,
    faults: () => [],
    close,
  };
}

async function joinHosts(hosts: readonly LabHost[]): Promise<void> {
  disableIpv6();
  const mtu = ['mtu', String(underlayMtu)];
  await runBatch('ip', [
    ['link', 'add', 'dev', 'underlay', ...mtu, 'type', 'bridge', 'forward_delay', '0'],
    ['link', 'set', 'dev', 'underlay', 'up'],
    ...hosts.flatMap(({ path }, index) => [
      ['link', 'add', 'dev', `u${index}`, ...mtu, 'type', 'veth', 'peer', 'name', 'underlay', ...mtu, 'netns', path],
      ['link', 'set', 'dev', `u${index}`, 'master', 'underlay', 'up'],
    ]),
  ]);
  await Promise.all(
    hosts.map(({ path, address }) =>
      runBatch(
        'ip',
        [
          ['link', 'set', 'dev', 'lo', 'up'],
          ['address', 'add', `${address}/24`, 'dev', 'underlay'],
          ['link', 'set', 'dev', 'underlay', 'up'],
        ],
        { netns: path },
      ),
    ),
  );
}

async function buildHost(plan: Plan, host: LabHost, hostNamed: (name: string) => LabHost): Promise<void> {
  const netns = host.path;
  const bridges = plan.bridges.filter(({ name }) => hostOf(name) === host.name);
  const endpoints = plan.endpoints.filter(({ bridge }) => hostOf(bridge) === host.name).map(bare);
  const bareBridges = bridges.map((bridge) => ({ ...bridge, name: bareName(bridge.name) }));
  await runBatch(
    'ip',
    bridges.flatMap((bridge, index) => bridgeCommands(bareBridges[index] ?? bridge, plan.bridgeMacs[bridge.name])),
    { netns },
  );
  await plugInEndpoints(
    endpoints.filter(({ tunnel }) => tunnel === undefined),
    bareBridges,
    host.spaces,
    null,
    netns,
  );
  const tunnels = endpoints.flatMap(({ tunnel, port, bridge, macs }) =>
    tunnel === undefined || port === null ? [] : [{ tunnel, port, bridge, mac: macs[0] }],
  );
  await runBatch(
    'ip',
    tunnels.flatMap(({ tunnel, port, bridge, mac }) => [
      [
        'link',
        'add',
        'dev',
        port,
        ...(mac === undefined ? [] : ['address', mac]),
        'type',
        'vxlan',
        'id',
        String(tunnel.vni ?? 0),
        'dstport',
        String(vxlanPort),
        'local',
        host.address,
      ],
      ['link', 'set', 'dev', port, 'master', bridge, 'up'],
    ]),
    { netns },
  );
  await runBatch(
    'bridge',
    tunnels.flatMap(({ tunnel, port }) =>
      tunnel.to.map((to) => ['fdb', 'append', '00:00:00:00:00:00', 'dev', port, 'dst', hostNamed(to).address]),
    ),
    { netns },
  );
}
