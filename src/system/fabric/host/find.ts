import { statSync } from 'node:fs';
import { isRoutedTo, placeOf } from '../../../core/model/attach.js';
import type { AboveDevices } from '../../../core/discover/above-devices.js';
import { type HostTopology, hostTopology, type Neighbour } from '../../../core/discover/host-topology.js';
import { netnsPath } from '../../../core/model/fabric.js';
import type { Bridge, Endpoint, Scenario } from '../../../core/model/scenario.js';
import type { HostState } from '../../../core/model/state.js';
import { assertKnown, VerifyError } from '../../../core/model/verify-error.js';
import { objectsOf, textOf } from '../../../core/text/json-text.js';
import { readJson } from '../../process/programs.js';
import { readLeases } from '../../state/read-leases.js';
import { readLinkedDevices } from '../../state/read-linked-devices.js';

export interface FoundHost extends HostTopology {
  /** null = the caller's. */
  readonly netns: string | null;
  readonly state: HostState;
}

/** Finds bridges and guests without sending or changing anything. Throws VerifyError as `hostTopology`. */
export async function findHost(
  scenario: Scenario,
  readState: (netns: string | null) => Promise<HostState>,
): Promise<FoundHost> {
  const netns = namespaceOf(scenario.topology.bridges);
  const [state, neighbours, shown] = await Promise.all([
    readState(netns),
    readJson(['ip', '-j', 'neigh', 'show'], { netns }),
    readJson(['ip', '-j', 'address', 'show'], { netns }),
  ]);
  const known = [...parseNeighbours(neighbours), ...readLeases()];
  const beside = { above: aboveDevices(scenario, state, netns), addresses: addressesIn(shown) };
  const topology = hostTopology(scenario, state, known, beside);
  const astray = await routedAstray(topology.scenario.topology.endpoints, known, netns);
  if (astray.length > 0)
    throw new VerifyError(
      'addressee-unknown',
      3,
      astray.join('\n'),
      'correct `ip` or `port`: frames for it would leave by another interface. Nothing was sent',
    );
  return { ...topology, netns, state };
}

function aboveDevices({ topology }: Scenario, { links }: HostState, netns: string | null): AboveDevices {
  const above = topology.endpoints.filter(({ attach }) => placeOf(attach) === 'above');
  if (above.length === 0) return new Map();
  const indexOf = new Map(links.map(({ name, ifindex }) => [name, ifindex]));
  const home = inodeOf(netns ?? '/proc/self/ns/net');
  const devices = readLinkedDevices(netns).devices.map((device) => ({
    device,
    inode: device.space === null ? home : inodeOf(device.space),
  }));
  return new Map(
    above.flatMap(({ name, port, bridge, netns: space }) => {
      const inode = inodeOf(netnsPath(space) ?? netns ?? '/proc/self/ns/net');
      const entry = devices.find(
        ({ device, inode: where }) =>
          where === inode && device.name === port && device.lower === (indexOf.get(bridge) ?? null),
      );
      return entry === undefined ? [] : [[name, entry.device] as const];
    }),
  );
}

function inodeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.ino ?? 0;
}

async function routedAstray(
  endpoints: readonly Endpoint[],
  neighbours: readonly Neighbour[],
  netns: string | null,
): Promise<readonly string[]> {
  const lines: string[] = [];
  for (const { name, attach, port, ips } of endpoints) {
    if (!isRoutedTo(attach)) continue;
    const neighbourAddresses = new Set(
      neighbours.filter(({ device }) => device === port).map(({ address }) => address),
    );
    for (const { address } of ips) {
      if (neighbourAddresses.has(address)) continue;
      const device = await deviceTowards(address, netns);
      if (device !== port)
        lines.push(
          `${name}: ${address} is routed to ${device === null ? 'nothing' : JSON.stringify(device)}, not to ${JSON.stringify(port)}`,
        );
    }
  }
  return lines;
}

async function deviceTowards(address: string, netns: string | null): Promise<string | null> {
  try {
    const [route] = objectsOf(await readJson(['ip', '-j', 'route', 'get', address], { netns }));
    return textOf(route?.['dev']);
  } catch (error) {
    assertKnown(error);
    return null;
  }
}

/** Addresses with prefix by device, from `ip -j address`, without link-local ones. */
export function addressesIn(shown: unknown): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(
    objectsOf(shown).map((link) => [
      textOf(link['ifname']) ?? '',
      objectsOf(link['addr_info']).flatMap(({ local, prefixlen, scope }) =>
        scope === 'link' || scope === 'host' ? [] : [`${String(local)}/${String(prefixlen)}`],
      ),
    ]),
  );
}

/** Neighbours in `ip -j neigh`, without link-local addresses and entries without MAC. */
export function parseNeighbours(json: unknown): readonly Neighbour[] {
  if (!Array.isArray(json)) return [];
  return json.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null) return [];
    const fields = new Map<string, unknown>(Object.entries(entry));
    const [mac, address, device] = [fields.get('lladdr'), fields.get('dst'), fields.get('dev')];
    return typeof mac === 'string' && typeof address === 'string' && !address.startsWith('fe80:')
      ? [{ mac: mac.toLowerCase(), address, ...(typeof device === 'string' ? { device } : {}) }]
      : [];
  });
}

/** The bridges' namespace. Throws VerifyError (64) for several: each needs its own run. */
export function namespaceOf(bridges: readonly Bridge[]): string | null {
  const placed = bridges.map(({ name, netns }) => ({ name, path: netnsPath(netns) }));
  const [first] = placed;
  const second = placed.find(({ path }) => path !== first?.path);
  if (first !== undefined && second !== undefined) {
    throw new VerifyError(
      'netns-mixed',
      64,
      `${first.name} and ${second.name} are in different network namespaces`,
      'write one scenario for each namespace',
    );
  }
  return first?.path ?? null;
}
