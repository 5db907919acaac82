import type { Step, Topology } from '../../model/scenario.js';

/** What an interface is: a bridge or a bridge port, of the kernel or of Open vSwitch, or neither. */
export type DevicePlace = 'bridge' | 'port' | 'ovs-bridge' | 'ovs-port' | 'link';

/**
 * What an interface is to a topology. A host has ports that the file does not list: they are taken for ports of what
 * its bridges are.
 */
export function devicePlaceOf({ bridges, endpoints }: Topology, device: string): Exclude<DevicePlace, 'link'> {
  const bridge = bridges.find(({ name }) => name === device);
  if (bridge !== undefined) return bridge.kind === 'ovs' ? 'ovs-bridge' : 'bridge';
  const owner = endpoints.find(({ port, attach }) => port === device && attach === 'port');
  const around = owner === undefined ? bridges : bridges.filter(({ name }) => name === owner.bridge);
  return around.length > 0 && around.every(({ kind }) => kind === 'ovs') ? 'ovs-port' : 'port';
}

/** What a topology says of its bridges and ports: their interfaces, with the settings that are not left as they are. */
export function settingsOf({ bridges, endpoints }: Topology): Step['set'] {
  return [
    ...bridges.map(({ name, settings }) => ({ device: name, settings })),
    ...endpoints.flatMap(({ port, settings }) => (port === null ? [] : [{ device: port, settings }])),
  ].filter(({ settings }) => Object.keys(settings).length > 0);
}
