import { linkNamed } from '../bridge/host.js';
import { hasGuestsAlone, isGuestsEnd, type OutwardPort, outwardPorts } from '../bridge/beside.js';
import { type Hops, hopsOf, withHops } from '../bridge/hops.js';
import { deafness, macsBehind } from '../bridge/view.js';
import { type UnheardPort, unheardPorts } from '../bridge/ovs.js';
import { plainGuest } from '../scenario/plain-steps.js';
import { isOnPort, isRoutedTo, placeOf } from '../model/attach.js';
import type { Bridge, Endpoint, Mac, Scenario } from '../model/scenario.js';
import type { FdbState, HostState, LinkState } from '../model/state.js';
import { type AboveDevices, downAbove, withAbove, withDownDevices } from './above-devices.js';
import { refuseAbsent, refuseFaults, refuseMoved, refuseUnspoken } from './host-faults.js';
import { withoutShutGuests, withUnlearnedFlooded } from './adapted-scenario.js';
import { isOn } from '../bridge/setting-value.js';
import { distinguishingBridges } from '../bridge/connections.js';
import { namesIn } from '../text/collections.js';

/** An entry of the neighbour tables: the IP address of a MAC. */
export interface Neighbour {
  readonly mac: Mac;
  readonly address: string;
  readonly device?: string;
  /** From a DHCP server's file; absent = it is in use, or only filters let it be used. */
  readonly isLeased?: true;
}

export interface BesideLinks {
  readonly above?: AboveDevices;
  /** By device, without link-local ones. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

export interface HostTopology {
  readonly scenario: Scenario;
  /** Differences from its file with reasons, a sentence each. */
  readonly notes: readonly string[];
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  readonly unobservable: readonly UnheardPort[];
  readonly inPlace: readonly string[];
  readonly filtersVlans: readonly string[];
  /** Bridges on which a rule may treat an ICMP error unlike the packet it stands for. */
  readonly distinguishing: readonly string[];
  /** Every port of its bridges leads to a guest on this host. */
  readonly guestsAlone: boolean;
  readonly outward: readonly OutwardPort[];
  /** Endpoints that get frames for their first MAC at their port only, however long they are silent. */
  readonly pinned: readonly string[];
}

function completed(
  endpoint: Endpoint,
  state: HostState,
  neighbours: readonly Neighbour[],
  listed: readonly Endpoint[],
): Endpoint {
  if (!isOnPort(endpoint.attach) || endpoint.port === null) return endpoint;
  if (isRoutedTo(endpoint.attach)) return completedByNeighbours(endpoint, neighbours);
  const macs = endpoint.macs.length > 0 ? endpoint.macs : macsBehind(state, endpoint.bridge, endpoint.port, listed);
  if (endpoint.ips.length > 0) return { ...endpoint, macs };
  const known = neighbours.filter(({ mac }) => macs.includes(mac)).map(({ address }) => address);
  return {
    ...endpoint,
    macs,
    ips: known.map((address) => ({
      family: address.includes(':') ? 6 : 4,
      address,
      prefix: address.includes(':') ? 64 : 24,
    })),
  };
}

/** A routed endpoint, as the host talks to it at its device. */
function completedByNeighbours(endpoint: Endpoint, neighbours: readonly Neighbour[]): Endpoint {
  const known = neighbours.filter(({ device }) => device === endpoint.port);
  const macs = endpoint.macs.length > 0 ? endpoint.macs : known.slice(0, 1).map(({ mac }) => mac);
  if (endpoint.ips.length > 0) return { ...endpoint, macs };
  return {
    ...endpoint,
    macs,
    ips: known
      .filter(({ mac }) => macs.includes(mac))
      .map(({ address }) => ({
        family: address.includes(':') ? 6 : 4,
        address,
        prefix: address.includes(':') ? 128 : 32,
      })),
  };
}

function unlisted(link: LinkState, bridge: Bridge, scenario: Scenario, state: HostState): Endpoint {
  const { endpoints, bridges } = scenario.topology;
  const taken = new Set([...namesIn(endpoints), ...namesIn(bridges)]);
  return {
    ...plainGuest,
    name: endpointName(link.name, taken),
    bridge: bridge.name,
    port: link.name,
    attach: bridge.kind === 'routed' ? 'routed' : 'port',
    macs: macsBehind(state, bridge.name, link.name, endpoints),
    offloads: true,
  };
}

function inPlace({ topology: { endpoints } }: Scenario, fdb: readonly FdbState[]): readonly string[] {
  const known = new Set(fdb.map(({ master, port, mac }) => `${master ?? ''} ${port} ${mac}`));
  return endpoints
    .filter(({ bridge, port, macs }) => known.has(`${bridge} ${port ?? ''} ${macs[0] ?? ''}`))
    .map(({ name }) => name);
}

/** With VLANs an entry is one of a VLAN, which a frame may not be in. */
function pinned(scenario: Scenario, state: HostState): readonly string[] {
  const plain = new Set(
    namesIn(state.links.filter(({ kind, bridge }) => kind === 'bridge' && !isOn(bridge?.['vlan_filtering']))),
  );
  return inPlace(
    scenario,
    state.fdb.filter((entry) => entry.state === 'static' && plain.has(entry.master ?? '')),
  );
}

/**
 * Adapts a scenario to its host: every port of a bridge under test becomes an endpoint; missing MACs and addresses come
 * from the forwarding database and the neighbour tables. Throws VerifyError, naming everything at once: 69 = missing
 * bridges, ports or kernel's datapath; 3 = a MAC of the file is on another port, or a needed one is not on record.
 */
export function hostTopology(
  file: Scenario,
  state: HostState,
  neighbours: readonly Neighbour[],
  { above = new Map(), addresses = {} }: BesideLinks = {},
): HostTopology {
  const hops = hopsOf(state, addresses);
  const written = withHops(file, hops, state);
  refuseAbsent(written, state, above);
  const scenario = withDownDevices(withAbove(written, above), state);
  refuseMoved(scenario, state);
  const bridges = new Set(namesIn(scenario.topology.bridges));
  const bridgeOf = segmentLookup(scenario, state);
  const ports = state.links.filter(
    (link) => bridgeOf(link) !== undefined && (link.kind !== 'patch' || hops.has(link.name)),
  );
  const unobservable = unobservableOf(scenario, state, { ports, bridges, bridgeOf, hops });
  const deaf = new Map(unobservable.map(({ port, reason }) => [port, reason]));
  const silent = new Map(
    scenario.topology.endpoints.flatMap(({ name, port, started }) =>
      started && port !== null && deaf.has(port)
        ? [[name, `${JSON.stringify(port)}: ${deaf.get(port) ?? ''}`] as const]
        : [],
    ),
  );
  const others = silent.size === 0 ? { scenario, notes: [] } : withoutShutGuests(scenario, silent);
  const shut = others === null ? [...silent].map(([name, why]) => `${name}: ${why}`) : [];
  refuseFaults([...shut, ...downAbove(above)], {
    code: 'not-forwarding',
    exit: 3,
    hint: 'start the guest, or take it out of the scenario. Nothing was sent',
  });
  const heard = ports.filter(({ name }) => !deaf.has(name));
  const found = withHops(withEveryPort(others?.scenario ?? scenario, heard, state, neighbours, bridgeOf), hops, state);
  refuseUnspoken(found);
  const { scenario: complete, notes } = withUnlearnedFlooded(found, state);
  const outward = outwardPorts(complete.topology, state, ports);
  return {
    scenario: complete,
    notes: [...(others?.notes ?? []), ...notes],
    unobservable,
    outward,
    guestsAlone: hasGuestsAlone(complete.topology, outward),
    ...onRecord(complete, state, bridges),
  };
}

/**
 * By bridge the host's own MACs, which a routed guest sends to at its port; endpoints in place; bridges that filter
 * VLANs or may ask conntrack.
 */
function onRecord(
  complete: Scenario,
  state: HostState,
  bridges: ReadonlySet<string>,
): Pick<HostTopology, 'bridgeMacs' | 'inPlace' | 'pinned' | 'filtersVlans' | 'distinguishing'> {
  const { links, fdb } = state;
  const routed = new Set(complete.topology.endpoints.flatMap(({ attach, port }) => (isRoutedTo(attach) ? [port] : [])));
  return {
    bridgeMacs: Object.fromEntries(
      links.filter(({ name }) => bridges.has(name) || routed.has(name)).map(({ name, mac }) => [name, mac]),
    ),
    inPlace: inPlace(complete, fdb),
    pinned: pinned(complete, state),
    distinguishing: distinguishingBridges(state, [...bridges]),
    filtersVlans: links.flatMap(({ name, bridge }) =>
      bridges.has(name) && isOn(bridge?.['vlan_filtering']) ? [name] : [],
    ),
  };
}

type SegmentLookup = (link: LinkState) => Bridge | undefined;

/** With routing, every guest's end on no bridge is a port, listed or not. */
function segmentLookup({ topology: { bridges, endpoints } }: Scenario, { links }: HostState): SegmentLookup {
  const segment = bridges.find(({ kind }) => kind === 'routed');
  const listed = new Set(endpoints.flatMap(({ attach, port }) => (isRoutedTo(attach) ? [port] : [])));
  const ends = new Set(namesIn(links.filter(isGuestsEnd)));
  return (link) => {
    // What makes a bond is below it, as the NIC is
    if (link.master !== null) return bridges.find(({ name, kind }) => name === link.master && kind !== 'lower');
    return listed.has(link.name) || ends.has(link.name) ? segment : undefined;
  };
}

interface FoundPorts {
  readonly ports: readonly LinkState[];
  readonly bridges: ReadonlySet<string>;
  readonly bridgeOf: SegmentLookup;
  readonly hops: Hops;
}

function unobservableOf(
  { topology }: Scenario,
  state: HostState,
  { ports, bridges, bridgeOf, hops }: FoundPorts,
): readonly UnheardPort[] {
  const ofKernel = ports.flatMap((link): readonly UnheardPort[] => {
    const near = linkNamed(state, hops.get(link.name)?.near);
    const reason = deafness(link) ?? (near === undefined ? null : deafness(near));
    return reason === null ? [] : [{ bridge: bridgeOf(link)?.name ?? '', port: link.name, reason }];
  });
  const behind = topology.endpoints
    .filter(({ port, attach, started }) => started && placeOf(attach) === 'behind' && port === null)
    .map(
      ({ name, bridge }): UnheardPort => ({
        bridge,
        port: name,
        reason: 'behind the bridge device, and the scenario names no interface in which it could be heard (`port`)',
      }),
    );
  return [
    ...ofKernel,
    ...unheardPorts(state).filter(({ bridge, port }) => bridges.has(bridge) && !hops.has(port)),
    ...behind,
  ];
}

function withEveryPort(
  scenario: Scenario,
  ports: readonly LinkState[],
  state: HostState,
  neighbours: readonly Neighbour[],
  bridgeOf: SegmentLookup,
): Scenario {
  const { topology } = scenario;
  const listed = new Set(topology.endpoints.map(({ port }) => port));
  const endpoints = topology.endpoints.map((endpoint) => completed(endpoint, state, neighbours, topology.endpoints));
  let complete: Scenario = { ...scenario, topology: { ...topology, endpoints } };
  for (const link of ports) {
    const bridge = bridgeOf(link);
    if (bridge === undefined || listed.has(link.name)) continue;
    const endpoint = unlisted(link, bridge, complete, state);
    complete = {
      ...complete,
      topology: { ...complete.topology, endpoints: [...complete.topology.endpoints, endpoint] },
    };
  }
  return complete;
}

/** A valid endpoint name that is not taken, from any text; other characters become `-`. */
export function endpointName(text: string, taken: ReadonlySet<string>): string {
  const plain =
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 56) || 'port';
  if (!taken.has(plain)) return plain;
  for (let number = 2; ; number += 1) if (!taken.has(`${plain}.${number}`)) return `${plain}.${number}`;
}
