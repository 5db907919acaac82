import { isOnPort, placeOf, sharesMac } from '../../model/attach.js';
import type { Bridge, Endpoint, Provider } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import { where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import { didYouMean } from '../yaml/nearest-word.js';
import type { EndpointDraft } from './read-endpoint.js';

/** net/bridge/br_private.h (BR_PORT_BITS 10); number 0 is no port. */
const maxPorts = 1023;

interface Occupied {
  readonly bridgeNames: ReadonlySet<string>;
  readonly ports: Map<string, string>;
  readonly macs: Map<string, string>;
  readonly hosts: Map<string, string>;
  readonly portCounts: Map<string, number>;
}

/** Interfaces above a lower device are in their own namespaces, where names may repeat. */
function takePort(
  faults: FaultList,
  occupied: Occupied,
  { name, port, attach, netns }: Endpoint,
  path: Path,
  provider: Provider,
): void {
  if (port === null) return;
  const at = [...path, 'port'];
  const isElsewhere = provider === 'host' && placeOf(attach) === 'above' && netns !== null;
  const place = isElsewhere ? `${netns} ${port}` : port;
  const owner = occupied.ports.get(place);
  if (owner !== undefined)
    faults.add(at, `${where(at)}: ${quote(port)} is already the port of the endpoint ${quote(owner)}`);
  else if (!isElsewhere && occupied.bridgeNames.has(port))
    faults.add(at, `${where(at)}: ${quote(port)} is a bridge, expected a port`);
  else occupied.ports.set(place, name);
}

function takeMacs(faults: FaultList, { macs: taken }: Occupied, { name, macs, attach }: Endpoint, path: Path): void {
  if (sharesMac(attach)) return;
  for (const [index, mac] of macs.entries()) {
    const owner = taken.get(mac);
    const at = macs.length > 1 ? [...path, 'mac', index] : [...path, 'mac'];
    if (owner !== undefined)
      faults.add(at, `${where(at)}: ${mac} is already a MAC address of the endpoint ${quote(owner)}`);
    else taken.set(mac, name);
  }
}

function takeHost(faults: FaultList, { hosts }: Occupied, { name, bridge, attach }: Endpoint, path: Path): void {
  if (placeOf(attach) !== 'host') return;
  const owner = hosts.get(bridge);
  if (owner !== undefined)
    faults.addKey(path, `${where(path)}: ${quote(owner)} is already the host on ${quote(bridge)}, expected one`);
  hosts.set(bridge, name);
}

function countPort(
  faults: FaultList,
  { portCounts }: Occupied,
  { bridge, attach }: Endpoint,
  path: Path,
  provider: Provider,
): void {
  if (!isOnPort(attach)) return;
  const count = (portCounts.get(bridge) ?? 0) + 1;
  portCounts.set(bridge, count);
  if (count === maxPorts + 1 && provider === 'lab')
    faults.addKey(
      path,
      `${where(path)}: ${quote(bridge)} would have more than ${maxPorts} ports, the most that a bridge takes`,
    );
}

/** Mode and flag of ipvlan are the lower device's. */
function kindAbove({ attach, below }: Pick<Endpoint, 'attach' | 'below'>): string {
  return sharesMac(attach) ? `${below?.mode ?? ''} ${below?.flag ?? 'bridge'}` : '';
}

/** A lower device is an endpoint's own port on the same bridge, there from the start. */
function checkLower(
  faults: FaultList,
  byName: ReadonlyMap<string, Endpoint>,
  { attach, below, bridge, started }: Endpoint,
  path: Path,
): void {
  if (below === undefined) return;
  const at = [...path, 'lower'];
  const lower = byName.get(below.lower);
  if (lower === undefined)
    faults.add(at, `${where(at)}: there is no endpoint ${quote(below.lower)}${didYouMean(below.lower, byName.keys())}`);
  else if (!isOnPort(lower.attach) || lower.tunnel !== undefined || lower.bridge !== bridge)
    faults.add(at, `${where(at)}: expected an endpoint with a port on ${quote(bridge)}, got ${quote(below.lower)}`);
  else if (!lower.started || !started)
    faults.add(at, `${where(at)}: expected both to be there from the start (no "started: off")`);
  const [unlike] = [...byName.values()].filter(
    (endpoint) => endpoint.below?.lower === below.lower && kindAbove(endpoint) !== kindAbove({ attach, below }),
  );
  if (unlike !== undefined)
    faults.add(
      at,
      `${where(at)}: on one lower device stand macvlans, or ipvlans of one mode and flag; ${quote(unlike.name)} is of another kind`,
    );
}

/** Faults between endpoints: repeated ports or MACs, clashing names, too many ports or two hosts on a bridge. */
export function topologyConflicts(
  faults: FaultList,
  drafts: readonly EndpointDraft[],
  endpoints: readonly Endpoint[],
  bridges: readonly Bridge[],
  provider: Provider,
): void {
  const occupied: Occupied = {
    bridgeNames: new Set(bridges.map(({ name }) => name)),
    ports: new Map(),
    macs: new Map(),
    hosts: new Map(),
    portCounts: new Map(),
  };
  const byName = new Map(endpoints.map((endpoint) => [endpoint.name, endpoint]));
  for (const [index, endpoint] of endpoints.entries()) {
    const path = drafts[index]?.path ?? [];
    if (occupied.bridgeNames.has(endpoint.name))
      faults.addKey(path, `${where(path)}: a bridge is called ${quote(endpoint.name)} too, expected another name`);
    takePort(faults, occupied, endpoint, path, provider);
    takeMacs(faults, occupied, endpoint, path);
    takeHost(faults, occupied, endpoint, path);
    countPort(faults, occupied, endpoint, path, provider);
    checkLower(faults, byName, endpoint, path);
  }
}
