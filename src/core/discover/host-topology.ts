import type { FaultCode } from '../model/reasons.js';
import { hasGuestsAlone, isGuestsEnd, isTunnel } from '../bridge/beside.js';
import { type Hops, hopsOf, withHops } from '../bridge/hops.js';
import { deafness, macsBehind } from '../bridge/view.js';
import { datapathOf, type UnheardPort, unheardPorts } from '../bridge/ovs.js';
import { plainGuest } from '../scenario/plain-steps.js';
import { isOnPort, isRoutedTo, placeOf } from '../model/attach.js';
import type { Bridge, Endpoint, Mac, Scenario } from '../model/scenario.js';
import type { FdbState, HostState, LinkState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { type AboveDevices, downAbove, missingAbove, withAbove, withDownDevices } from './above-devices.js';
import { isSharedMac } from '../probe/addresses.js';
import { isOn } from '../bridge/setting-value.js';
import { trackingBridges } from '../bridge/connections.js';

/** An entry of the neighbour tables: which IP address a MAC was seen with. */
export interface Neighbour {
  readonly mac: Mac;
  readonly address: string;
  /** The device at which it was seen; absent = not known. */
  readonly device?: string;
}

/** What a topology needs to know of the host beside its links. */
export interface BesideLinks {
  readonly above?: AboveDevices;
  /** Addresses of the host by device, but those of the link alone. */
  readonly addresses?: Readonly<Record<string, readonly string[]>>;
}

/** A scenario completed by what the host has on record. */
export interface HostTopology {
  readonly scenario: Scenario;
  readonly bridgeMacs: Readonly<Record<string, Mac>>;
  readonly unobservable: readonly UnheardPort[];
  /** Endpoints whose MAC their bridge has on their port. */
  readonly inPlace: readonly string[];
  /** Bridges that filter VLANs. */
  readonly filtersVlans: readonly string[];
  /** Bridges on which a rule may ask conntrack. */
  readonly tracking: readonly string[];
  /** Every port of its bridges leads to a guest on this host. */
  readonly guestsAlone: boolean;
}

function completed(
  endpoint: Endpoint,
  state: HostState,
  neighbours: readonly Neighbour[],
  listed: readonly Endpoint[],
): Endpoint {
  if (!isOnPort(endpoint.attach) || endpoint.port === null) return endpoint;
  if (isRoutedTo(endpoint.attach)) return completedByNeighbours(endpoint, neighbours);
  const macs = endpoint.macs.length > 0 ? endpoint.macs : macsBehind(state.fdb, endpoint.bridge, endpoint.port, listed);
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

/** One to which the host routes: as the host talks to it at its device. */
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
  const taken = new Set([...endpoints.map(({ name }) => name), ...bridges.map(({ name }) => name)]);
  return {
    ...plainGuest,
    name: endpointName(link.name, taken),
    bridge: bridge.name,
    port: link.name,
    attach: bridge.kind === 'routed' ? 'routed' : 'port',
    macs: macsBehind(state.fdb, bridge.name, link.name, endpoints),
    offloads: true,
  };
}

/**
 * Bridges that Open vSwitch was instructed to make and did not: those of datapath system have no interface where the
 * kernel has no datapath for it.
 */
function withoutDatapath({ topology: { bridges } }: Scenario, state: HostState): readonly string[] {
  return bridges
    .filter(
      ({ name, kind }) =>
        kind === 'ovs' && datapathOf(state, name) === 'system' && !state.links.some((link) => link.name === name),
    )
    .map(({ name }) => `${name}: datapath system: the kernel has no datapath of Open vSwitch`);
}

/** What of the scenario is not there, a line each. */
function missing(scenario: Scenario, state: HostState, above: AboveDevices): readonly string[] {
  const links = new Map(state.links.map((link) => [link.name, link]));
  const bridges = scenario.topology.bridges.flatMap(({ name, kind, datapath }) => {
    if (kind === 'routed')
      return links.has(name)
        ? [`${JSON.stringify(name)} is a device, and no name for guests that the host routes to`]
        : [];
    if (kind === 'lower') return links.has(name) ? [] : [`there is no device ${JSON.stringify(name)}`];
    const [wantedKind, what] =
      kind === 'ovs' ? (['openvswitch', 'bridge of Open vSwitch'] as const) : (['bridge', 'Linux bridge'] as const);
    if (links.get(name)?.kind !== wantedKind) return [`there is no ${what} ${JSON.stringify(name)}`];
    const liveDatapath = kind === 'ovs' ? datapathOf(state, name) : null;
    return datapath === null || datapath === liveDatapath
      ? []
      : [
          `${JSON.stringify(name)} is a bridge of Open vSwitch with datapath ${liveDatapath ?? 'unknown'}, not ${datapath}`,
        ];
  });
  const ports = scenario.topology.endpoints.flatMap(({ name, port, bridge, attach, tunnel }) => {
    if (port === null) return [];
    if (placeOf(attach) === 'above') return [];
    const link = links.get(port);
    if (link === undefined) return [`${name}: there is no interface ${JSON.stringify(port)}`];
    if (isRoutedTo(attach))
      return link.master === null ? [] : [`${name}: ${JSON.stringify(port)} is a port of ${link.master}`];
    if (tunnel !== undefined && !isTunnel(link, links))
      return [
        `${name}: ${JSON.stringify(port)} is no tunnel but ${link.kind ?? 'a NIC'}: take \`tunnel\` out of the file`,
      ];
    return !isOnPort(attach) || link.master === bridge
      ? []
      : [
          `${name}: ${JSON.stringify(port)} is not a port of ${bridge}${link.master === null ? '' : ` but of ${link.master}`}`,
        ];
  });
  return [...bridges, ...ports, ...missingAbove(scenario, state, above)];
}

/** Endpoints as which something is sent. */
function speakersOf({ steps }: Scenario): ReadonlySet<string> {
  return new Set(
    steps.flatMap(({ learn, probes }) => [
      ...learn,
      ...probes.flatMap(({ from, to, via, bothWays }) => [...from, ...(via ?? []), ...(bothWays ? (to ?? []) : [])]),
    ]),
  );
}

/**
 * MACs of endpoints that the bridge knows on another port: speaking with one would take it from its owner. Where a
 * static entry has it there, who is only sent to is what the run is about.
 */
function misplaced(scenario: Scenario, state: HostState): readonly string[] {
  const speaking = speakersOf(scenario);
  return scenario.topology.endpoints
    .filter(({ attach }) => placeOf(attach) !== 'host')
    .flatMap((endpoint) => {
      // a permanent entry may name the bridge device itself
      const place = isOnPort(endpoint.attach) ? endpoint.port : endpoint.bridge;
      return state.fdb
        .filter(
          (entry) =>
            entry.master === endpoint.bridge &&
            endpoint.macs.includes(entry.mac) &&
            entry.port !== place &&
            (speaking.has(endpoint.name) || entry.state !== 'static'),
        )
        .map(
          (entry) =>
            `${endpoint.name}: ${entry.mac} is on ${JSON.stringify(entry.port)}, not on ${JSON.stringify(place)}`,
        );
    });
}

/** Endpoints that would speak with a MAC that several machines share. */
function sharing(scenario: Scenario): readonly string[] {
  const speaking = speakersOf(scenario);
  return scenario.topology.endpoints.flatMap(({ name, macs: [mac] }) =>
    speaking.has(name) && mac !== undefined && isSharedMac(mac) ? [`${name}: ${mac}`] : [],
  );
}

/** Names of endpoints whose first MAC their bridge has on their port. */
function inPlace({ topology: { endpoints } }: Scenario, fdb: readonly FdbState[]): readonly string[] {
  const known = new Set(fdb.map(({ master, port, mac }) => `${master ?? ''} ${port} ${mac}`));
  return endpoints
    .filter(({ bridge, port, macs }) => known.has(`${bridge} ${port ?? ''} ${macs[0] ?? ''}`))
    .map(({ name }) => name);
}

/** Endpoints that send or are sent to, but have no MAC. */
function withoutMac(scenario: Scenario): readonly string[] {
  const speaking = new Set(
    scenario.steps.flatMap((step) => [
      ...step.learn,
      ...step.probes.flatMap(({ from, to, via }) => [...from, ...(to ?? []), ...(via ?? [])]),
    ]),
  );
  return scenario.topology.endpoints
    .filter(({ name, macs, attach }) => placeOf(attach) !== 'host' && macs.length === 0 && speaking.has(name))
    .map(
      ({ name, port, attach }) =>
        `${name}: its MAC is ${isOnPort(attach) ? `neither in the file nor in the forwarding database of ${JSON.stringify(port)}` : 'not in the file, and no forwarding database knows what is behind a bridge device'}`,
    );
}

/**
 * Adapts a scenario to what was found on the host: every port of a bridge under test becomes an endpoint, listed or
 * not; MACs and addresses that the file leaves out come from the forwarding database and the neighbour tables. Throws
 * VerifyError, naming everything at once: 69 where bridges, ports or the kernel's datapath are missing, 3 where a MAC
 * of the file is on another port, or is needed and not on record.
 */
export function hostTopology(
  file: Scenario,
  state: HostState,
  neighbours: readonly Neighbour[],
  { above = new Map(), addresses = {} }: BesideLinks = {},
): HostTopology {
  const hops = hopsOf(state, addresses);
  const written = withHops(file, hops, state);
  refuseFaults(withoutDatapath(written, state), {
    code: 'unsupported',
    exit: 69,
    hint: 'load the module openvswitch (`modprobe openvswitch`), or set datapath_type=netdev',
  });
  refuseFaults(missing(written, state, above), {
    code: 'interface-gone',
    exit: 69,
    hint: '`verify-isolation init` writes a scenario of what runs here now',
  });
  const scenario = withDownDevices(withAbove(written, above), state);
  refuseFaults(misplaced(scenario, state), {
    code: 'mac-moved',
    exit: 3,
    hint: 'correct the file: to speak with this MAC there would take it from its owner. Nothing was sent',
  });
  const bridges = new Set(scenario.topology.bridges.map(({ name }) => name));
  const bridgeOf = segmentLookup(scenario, state);
  const ports = state.links.filter(
    (link) => bridgeOf(link) !== undefined && (link.kind !== 'patch' || hops.has(link.name)),
  );
  const unobservable = unobservableOf(scenario, state, { ports, bridges, bridgeOf, hops });
  const deaf = new Map(unobservable.map(({ port, reason }) => [port, reason]));
  const silent = scenario.topology.endpoints.flatMap(({ name, port, started }) =>
    started && port !== null && deaf.has(port) ? [`${name}: ${JSON.stringify(port)}: ${deaf.get(port) ?? ''}`] : [],
  );
  refuseFaults([...silent, ...downAbove(above)], {
    code: 'not-forwarding',
    exit: 3,
    hint: 'start the guest, or take it out of the scenario. Nothing was sent',
  });
  const heard = ports.filter(({ name }) => !deaf.has(name));
  const whole = withHops(withEveryPort(scenario, heard, state, neighbours, bridgeOf), hops, state);
  refuseFaults(withoutMac(whole), {
    code: 'mac-unknown',
    exit: 3,
    hint: 'write its `mac` into the file, or let it speak once. Nothing was sent',
  });
  const shared = sharing(whole).map(
    (text) => `${text} is an address that several machines share (VRRP, HSRP, a load balancer)`,
  );
  refuseFaults(shared, {
    code: 'mac-shared',
    exit: 3,
    hint: 'to speak with it would take it from the one that has it: write another `mac`, or take the endpoint out of `from`. Nothing was sent',
  });
  const guestsAlone = hasGuestsAlone(whole.topology, state, ports);
  return { scenario: whole, unobservable, guestsAlone, ...onRecord(whole, state, bridges) };
}

/**
 * What the host has on record of a topology: its own MACs by bridge, where a guest to which it routes sends to that at
 * its own port; endpoints whose MAC is on their port; bridges that filter VLANs or may ask conntrack.
 */
function onRecord(
  whole: Scenario,
  state: HostState,
  bridges: ReadonlySet<string>,
): Pick<HostTopology, 'bridgeMacs' | 'inPlace' | 'filtersVlans' | 'tracking'> {
  const { links, fdb } = state;
  const routed = new Set(whole.topology.endpoints.flatMap(({ attach, port }) => (isRoutedTo(attach) ? [port] : [])));
  return {
    bridgeMacs: Object.fromEntries(
      links.filter(({ name }) => bridges.has(name) || routed.has(name)).map(({ name, mac }) => [name, mac]),
    ),
    inPlace: inPlace(whole, fdb),
    tracking: trackingBridges(state, [...bridges]),
    filtersVlans: links.flatMap(({ name, bridge }) =>
      bridges.has(name) && isOn(bridge?.['vlan_filtering']) ? [name] : [],
    ),
  };
}

/** Throws a VerifyError with a line for each fault, where there are any. */
function refuseFaults(
  faults: readonly string[],
  { code, exit, hint }: { readonly code: FaultCode; readonly exit: 3 | 69; readonly hint: string },
): void {
  if (faults.length > 0) throw new VerifyError(code, exit, faults.join('\n'), hint);
}

type SegmentLookup = (link: LinkState) => Bridge | undefined;

/**
 * Finds the scenario's bridge that a link is a port of. Where the host routes, every end of a guest that is on no
 * bridge is one, listed or not.
 */
function segmentLookup({ topology: { bridges, endpoints } }: Scenario, { links }: HostState): SegmentLookup {
  const segment = bridges.find(({ kind }) => kind === 'routed');
  const listed = new Set(endpoints.flatMap(({ attach, port }) => (isRoutedTo(attach) ? [port] : [])));
  const ends = new Set(links.filter(isGuestsEnd).map(({ name }) => name));
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

/** Ports at which nothing can be heard, and why. */
function unobservableOf(
  { topology }: Scenario,
  state: HostState,
  { ports, bridges, bridgeOf, hops }: FoundPorts,
): readonly UnheardPort[] {
  const ofKernel = ports.flatMap((link): readonly UnheardPort[] => {
    const near = state.links.find(({ name }) => name === hops.get(link.name)?.near);
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

/** The scenario with what was found of its endpoints, and with the ports that it does not list. */
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
  let whole: Scenario = { ...scenario, topology: { ...topology, endpoints } };
  for (const link of ports) {
    const bridge = bridgeOf(link);
    if (bridge === undefined || listed.has(link.name)) continue;
    const endpoint = unlisted(link, bridge, whole, state);
    whole = { ...whole, topology: { ...whole.topology, endpoints: [...whole.topology.endpoints, endpoint] } };
  }
  return whole;
}

/**
 * A valid endpoint name made of any text (an interface's or a guest's name), which is not yet taken: other characters
 * become `-`.
 */
export function endpointName(text: string, taken: ReadonlySet<string>): string {
  const plain =
    text
      .replaceAll(/[^A-Za-z0-9._-]+/g, '-')
      .replace(/^[^A-Za-z0-9]+/, '')
      .slice(0, 56) || 'port';
  if (!taken.has(plain)) return plain;
  for (let number = 2; ; number += 1) if (!taken.has(`${plain}.${number}`)) return `${plain}.${number}`;
}
