import { linkNamed } from '../../bridge/host.js';
import { isPromiscuous, macsBehind } from '../../bridge/view.js';
import type { SettingValue } from '../../model/scenario.js';
import type { HostState, LinkState } from '../../model/state.js';
import type { FoundScenario } from '../found-scenario.js';
import { type FoundVlan, vlansInState } from '../found-vlans.js';
import { endpointName, type Neighbour } from '../host-topology.js';
import { copiedPortSettings } from './copied-settings.js';

export interface TwinEndpoint {
  readonly bridge: string;
  readonly port?: string;
  readonly attach?: 'host' | 'promiscuous';
  readonly role?: 'uplink' | 'host';
  readonly zone?: string;
  readonly mac?: string | readonly string[];
  readonly ip?: string | readonly string[];
  readonly vlans?: readonly FoundVlan[];
  readonly settings?: Readonly<Record<string, SettingValue>>;
}

export interface EndpointsInput {
  readonly scenario: FoundScenario;
  readonly state: HostState;
  readonly bridge: LinkState;
  /** Of the bridge device, `192.168.0.19/24`. */
  readonly addresses: readonly string[];
  /** Reached by the host through the bridge device. */
  readonly neighbours: readonly Neighbour[];
}

/** True for default VLANs: none, or untagged in the bridge's default VLAN only, as of a new port. */
export function isUsual(vlans: readonly FoundVlan[], { bridge }: LinkState): boolean {
  const [first] = vlans;
  return (
    vlans.length === 0 ||
    (vlans.length === 1 &&
      first?.vid === (bridge?.['vlan_default_pvid'] ?? 1) &&
      first.pvid === true &&
      first.untagged === true)
  );
}

export function someSettings(settings: Readonly<Record<string, SettingValue>>): Pick<TwinEndpoint, 'settings'> {
  return Object.keys(settings).length === 0 ? {} : { settings };
}

/** Neighbours on no port while the bridge device is promiscuous. */
function behind({ state, bridge: link, neighbours }: EndpointsInput): {
  readonly guests: readonly Neighbour[];
  readonly unheard?: string;
} {
  const bridge = link.name;
  if (!isPromiscuous(link)) return { guests: [] };
  const onPorts = new Set(
    state.links
      .filter(({ master }) => master === bridge)
      .flatMap(({ name, mac }) => [mac, ...macsBehind(state, bridge, name)]),
  );
  const guests = neighbours.filter(({ mac, address }) => !onPorts.has(mac) && !address.includes(':'));
  return guests.length > 0
    ? { guests }
    : {
        guests,
        unheard: `the guest behind ${bridge} itself: something holds it promiscuous, and the host has no neighbour there`,
      };
}

/**
 * All endpoints of the bridge, with the host and those behind the device; `host`: its name, null = the bridge has no
 * address.
 */
export function twinEndpoints(input: EndpointsInput): {
  readonly endpoints: Readonly<Record<string, TwinEndpoint>>;
  readonly host: string | null;
  readonly missing: readonly string[];
  /** Destinations of the bridge's frames that the twin lacks; absent: none. */
  readonly unheard?: string;
} {
  const { scenario, state, bridge: device } = input;
  const bridge = device.name;
  const entries = Object.entries(scenario.topology.endpoints);
  const ports = new Set(entries.map(([, { port }]) => port));
  const endpoints: Record<string, TwinEndpoint> = {};
  const missing: string[] = [];
  for (const [name, { vlans: _, ...endpoint }] of entries) {
    const link = linkNamed(state, endpoint.port);
    const copied = link === undefined ? { settings: {}, missing: [] } : copiedPortSettings(link, ports);
    if (link?.xdp !== undefined) missing.push(`the XDP ${link.xdp} on ${link.name}`);
    if (endpoint.mac === undefined)
      missing.push(`the MAC of ${endpoint.port}: it is not on record, and another stands for it`);
    missing.push(...copied.missing);
    const vlans = vlansInState(state, endpoint.port);
    endpoints[name] = { ...endpoint, ...(isUsual(vlans, device) ? {} : { vlans }), ...someSettings(copied.settings) };
  }
  const add = (wanted: string, endpoint: TwinEndpoint): string => {
    const name = endpointName(wanted, new Set([bridge, ...Object.keys(endpoints)]));
    endpoints[name] = endpoint;
    return name;
  };
  const host =
    input.addresses.length === 0
      ? null
      : add('host', { bridge, attach: 'host', role: 'host', mac: device.mac, ip: input.addresses });
  const hidden = behind(input);
  for (const [index, guest] of hidden.guests.entries())
    add(`behind-${guest.address}`, {
      bridge,
      attach: 'promiscuous',
      port: `behind${index}`,
      mac: guest.mac,
      ip: `${guest.address}/24`,
    });
  const { unheard } = hidden;
  return { endpoints, host, ...(unheard === undefined ? { missing } : { missing: [...missing, unheard], unheard }) };
}
