import type { Bridge, Endpoint, Provider } from '../../model/scenario.js';
import { quote } from '../../text/escape.js';
import { where } from '../yaml/explain-issue.js';
import type { FaultList, Path } from '../yaml/fault.js';
import type { EndpointDraft } from './read-endpoint.js';

/** Ports that net/bridge/br_private.h (BR_PORT_BITS 10) has room for, one number being no port. */
const maxPorts = 1023;

/**
 * Faults between endpoints: one port or MAC twice, names that clash, more ports than a bridge has, two host endpoints
 * on a bridge.
 */
export function topologyConflicts(
  faults: FaultList,
  drafts: readonly EndpointDraft[],
  endpoints: readonly Endpoint[],
  bridges: readonly Bridge[],
  provider: Provider,
): void {
  const bridgeNames = new Set(bridges.map(({ name }) => name));
  const ports = new Map<string, string>();
  const macs = new Map<string, string>();
  const hosts = new Map<string, string>();
  const onBridge = new Map<string, number>();
  for (const [index, endpoint] of endpoints.entries()) {
    const path = drafts[index]?.path ?? [];
    const key = (name: string): Path => [...path, name];
    if (bridgeNames.has(endpoint.name))
      faults.addKey(path, `${where(path)}: a bridge is called ${quote(endpoint.name)} too, expected another name`);
    if (endpoint.port !== null) {
      const owner = ports.get(endpoint.port);
      if (owner !== undefined)
        faults.add(
          key('port'),
          `${where(key('port'))}: ${quote(endpoint.port)} is already the port of the endpoint ${quote(owner)}`,
        );
      else if (bridgeNames.has(endpoint.port))
        faults.add(key('port'), `${where(key('port'))}: ${quote(endpoint.port)} is a bridge, expected a port`);
      else ports.set(endpoint.port, endpoint.name);
    }
    for (const [at, mac] of endpoint.macs.entries()) {
      const owner = macs.get(mac);
      const place = endpoint.macs.length > 1 ? [...key('mac'), at] : key('mac');
      if (owner !== undefined)
        faults.add(place, `${where(place)}: ${mac} is already a MAC address of the endpoint ${quote(owner)}`);
      else macs.set(mac, endpoint.name);
    }
    if (endpoint.attach === 'host') {
      const owner = hosts.get(endpoint.bridge);
      if (owner !== undefined)
        faults.addKey(
          path,
          `${where(path)}: ${quote(owner)} is already the host on ${quote(endpoint.bridge)}, expected one`,
        );
      hosts.set(endpoint.bridge, endpoint.name);
    }
    if (endpoint.attach === 'port') {
      const count = (onBridge.get(endpoint.bridge) ?? 0) + 1;
      onBridge.set(endpoint.bridge, count);
      if (count === maxPorts + 1 && provider === 'lab')
        faults.addKey(
          path,
          `${where(path)}: ${quote(endpoint.bridge)} would have more than ${maxPorts} ports, the most that a bridge takes`,
        );
    }
  }
}
