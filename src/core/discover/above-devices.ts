import { type Attach, type Below, isIpvlanMode, isMacvlanMode, placeOf, sharesMac } from '../model/attach.js';
import type { Bridge, Endpoint, IpPrefix, Scenario } from '../model/scenario.js';
import type { HostState, LinkedDevice } from '../model/state.js';
import { parsePrefix } from '../text/ip-address.js';

/** Guests' interfaces on lower devices, by endpoint, without missing ones. */
export type AboveDevices = ReadonlyMap<string, LinkedDevice>;

/** null = no guest that could be examined. */
function placeAbove(
  { kind, mode, flag, name, ips = [] }: LinkedDevice,
  lower: string,
): { readonly attach: Attach; readonly below: Below } | null {
  if (kind === 'ipvlan')
    return isIpvlanMode(mode)
      ? {
          attach: 'ipvlan',
          below: { lower, mode, ...(flag === undefined ? {} : { flag }), device: name, addresses: ips },
        }
      : null;
  if (!isMacvlanMode(mode)) return null;
  return { attach: kind === 'macvtap' ? 'macvtap' : 'macvlan', below: { lower, mode, device: name } };
}

/** Packets reach an ipvlan by its addresses only; null = it is sent to. */
function astray({ ips }: Endpoint, addresses: readonly string[]): string | null {
  if (addresses.length === 0) return 'has no address, by which packets could reach it';
  const bare = new Set(addresses.map((address) => address.split('/')[0]));
  const missing = ips.find(({ address }) => !bare.has(address));
  return missing === undefined ? null : `does not have the address ${missing.address}`;
}

/** Guests not on the lower device that the scenario names, a line each. */
export function missingAbove({ topology }: Scenario, { links }: HostState, above: AboveDevices): readonly string[] {
  const indexOf = new Map(links.map(({ name, ifindex }) => [name, ifindex]));
  return topology.endpoints.flatMap((endpoint) => {
    const { name, port, bridge, attach, netns } = endpoint;
    if (placeOf(attach) !== 'above') return [];
    const device = above.get(name);
    const found = device === undefined ? null : placeAbove(device, bridge);
    const place = `${JSON.stringify(port)}${netns === null ? '' : ` in ${netns}`}`;
    if (
      device === undefined ||
      found === null ||
      device.lower !== indexOf.get(bridge) ||
      sharesMac(found.attach) !== sharesMac(attach)
    )
      return [
        `${name}: ${place} is no ${sharesMac(attach) ? 'ipvlan' : 'macvlan'} on ${bridge} (${device === undefined ? 'not found' : [device.kind, device.mode].join(' ')})`,
      ];
    const fault = sharesMac(attach) ? astray(endpoint, device.ips ?? []) : null;
    return fault === null ? [] : [`${name}: ${place} ${fault}`];
  });
}

/** Guests whose interface is down, a line each. */
export function downAbove(above: AboveDevices): readonly string[] {
  return [...above].flatMap(([name, { up }]) => (up ? [] : [`${name}: the interface is down`]));
}

/** A macvlan is found by its MAC, so the file's addresses stay; an ipvlan has its own. */
function addressesOf({ ips }: Endpoint, { addresses }: Below): readonly IpPrefix[] {
  return ips.length > 0 || addresses === undefined ? ips : addresses.flatMap((text) => parsePrefix(text) ?? []);
}

/**
 * The scenario with guests on lower devices as found: kind, mode, MAC, namespace, missing addresses of ipvlans. An
 * interface in another namespace is `eth0@web`, as names repeat there.
 */
export function withAbove(scenario: Scenario, above: AboveDevices): Scenario {
  const { topology } = scenario;
  const endpoints = topology.endpoints.map((endpoint): Endpoint => {
    const device = above.get(endpoint.name);
    const found = device === undefined ? null : placeAbove(device, endpoint.bridge);
    if (device === undefined || found === null) return endpoint;
    return {
      ...endpoint,
      ...found,
      port: device.space === null ? device.name : `${device.name}@${endpoint.name}`,
      netns: device.space,
      macs: [...new Set([...endpoint.macs, device.mac])],
      ips: addressesOf(endpoint, found.below),
    };
  });
  return { ...scenario, topology: { ...topology, endpoints } };
}

/** The scenario with Open vSwitch's bridges whose own device is down: the switch goes on without it. */
export function withDownDevices(scenario: Scenario, { links }: HostState): Scenario {
  const isDown = ({ name, kind }: Bridge): boolean =>
    kind === 'ovs' && links.some((link) => link.name === name && !link.flags.includes('UP'));
  const bridges = scenario.topology.bridges.map(
    (bridge): Bridge => (isDown(bridge) ? { ...bridge, isDeviceDown: true } : bridge),
  );
  return { ...scenario, topology: { ...scenario.topology, bridges } };
}
