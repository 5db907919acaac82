import type { Topology } from '../core/model/scenario.js';

/** What an interface is: a bridge or a bridge port, of the kernel or of Open vSwitch, or neither. */
export type DevicePlace = 'bridge' | 'port' | 'ovs-bridge' | 'ovs-port' | 'link';

/**
 * What an interface is to a topology. A host has ports that the file does not list: they are taken for ports of what
 * its bridges are.
 */
export function placeOf({ bridges, endpoints }: Topology, device: string): Exclude<DevicePlace, 'link'> {
  const bridge = bridges.find(({ name }) => name === device);
  if (bridge !== undefined) return bridge.kind === 'ovs' ? 'ovs-bridge' : 'bridge';
  const owner = endpoints.find(({ port, attach }) => port === device && attach === 'port');
  const around = owner === undefined ? bridges : bridges.filter(({ name }) => name === owner.bridge);
  return around.length > 0 && around.every(({ kind }) => kind === 'ovs') ? 'ovs-port' : 'port';
}
