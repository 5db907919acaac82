import { linkSettings } from '../../../core/bridge/attributes.js';
import { setWords, vlanWords } from '../../../core/bridge/change-commands.js';
import { sharesMac } from '../../../core/model/attach.js';
import type { Bridge, Endpoint, IpPrefix, Mac, VlanRange } from '../../../core/model/scenario.js';
import { isIpv6 } from './spaces.js';

/**
 * `ip` commands that make a bridge: forwarding at once (no forward_delay, no STP) unless its settings say otherwise,
 * settings one by one so that a refusal names one.
 */
export function bridgeCommands(bridge: Bridge, mac: Mac | undefined): readonly (readonly string[])[] {
  const start = { forward_delay: 0, stp_state: 0 };
  const words = Object.entries(start).flatMap(([key, value]) => [key, String(value)]);
  return [
    ['link', 'add', 'dev', bridge.name, ...(mac === undefined ? [] : ['address', mac]), 'type', 'bridge', ...words],
    ...Object.entries(bridge.settings).map(([key, value]) => [
      'link',
      'set',
      'dev',
      bridge.name,
      ...setWords({ place: placeOfKey(key), key, value }),
    ]),
    ...('up' in bridge.settings ? [] : [['link', 'set', 'dev', bridge.name, 'up']]),
  ];
}

/** Keys of any link among a bridge's settings are the link's. */
export function placeOfKey(key: string): 'bridge' | 'link' {
  return linkSettings.some((setting) => setting.key === key) ? 'link' : 'bridge';
}

/** `ip` commands that give a device addresses; no duplicate address detection, which would send. */
export function addressCommands(device: string, ips: readonly IpPrefix[]): readonly (readonly string[])[] {
  return ips.map((ip) => [
    'address',
    'replace',
    `${ip.address}/${ip.prefix}`,
    'dev',
    device,
    ...(isIpv6(ip) ? ['nodad'] : []),
  ]);
}

/** `ip` command for an endpoint's default route; `onlink`, because a gateway may be outside its prefix. */
export function routeCommands(device: string, gateway: string | null): readonly (readonly string[])[] {
  if (gateway === null) return [];
  return [['route', 'replace', 'default', 'via', gateway, 'dev', device, 'onlink']];
}

/**
 * `bridge` commands for the VLANs of a port or of the bridge itself. The list is the whole list: the VLAN that the
 * kernel gives to each new port goes unless it is named.
 */
export function vlanCommands(
  device: string,
  vlans: readonly VlanRange[],
  defaultPvid: number,
  self: boolean,
): readonly (readonly string[])[] {
  if (vlans.length === 0) return [];
  const selfWord = self ? ['self'] : [];
  const named = vlans.some((range) => range.first <= defaultPvid && defaultPvid <= range.last);
  return [
    ...(named || defaultPvid === 0 ? [] : [['vlan', 'del', 'dev', device, 'vid', String(defaultPvid), ...selfWord]]),
    ...vlans.map((range) => ['vlan', 'add', 'dev', device, ...vlanWords(range, 'add'), ...selfWord]),
  ];
}

/** The VLAN that the kernel gives to a bridge's new ports: 1, or what its setting says. */
export function defaultPvidOf(bridge: Bridge): number {
  return Number(bridge.settings.vlan_default_pvid ?? 1);
}

/**
 * `ip` commands in the bridges' namespace: the veth of an endpoint, its host end named as the port, `enslaved` unless
 * it is behind the bridge device or a port of Open vSwitch. An MTU goes to both ends: a larger frame would vanish
 * between them without a count.
 */
export function linkCommands(
  endpoint: Endpoint,
  port: string,
  space: { readonly path: string; readonly device: string },
  enslaved: boolean,
): readonly (readonly string[])[] {
  const mac = endpoint.macs[0];
  const { mtu, up, ...settings } = endpoint.settings;
  const size = mtu === undefined ? [] : ['mtu', String(mtu)];
  return [
    [
      'link',
      'add',
      'dev',
      port,
      ...size,
      'type',
      'veth',
      'peer',
      'name',
      space.device,
      ...(mac === undefined ? [] : ['address', mac]),
      ...size,
      'netns',
      space.path,
    ],
    ...(enslaved ? [['link', 'set', 'dev', port, 'master', endpoint.bridge]] : []),
    ...(enslaved ? Object.entries(settings) : []).map(([key, value]) => [
      'link',
      'set',
      'dev',
      port,
      ...setWords({ place: 'port', key, value }),
    ]),
    ['link', 'set', 'dev', port, ...setWords({ place: 'link', key: 'up', value: up ?? true })],
  ];
}

/**
 * `ip` commands in the bridges' namespace that make the host route to an endpoint: its own MAC and addresses at the
 * endpoint's port, and a route to each address of the endpoint.
 */
export function routedCommands(
  { port, ips }: Pick<Endpoint, 'port' | 'ips'>,
  { addresses }: Pick<Bridge, 'addresses'>,
  mac: Mac | undefined,
): readonly (readonly string[])[] {
  if (port === null) return [];
  return [
    ...(mac === undefined ? [] : [['link', 'set', 'dev', port, 'address', mac]]),
    ...addressCommands(port, addresses),
    ...ips.map((ip) => ['route', 'replace', `${ip.address}/${isIpv6(ip) ? 128 : 32}`, 'dev', port]),
  ];
}

/**
 * The `ip` command, in the namespace of the lower device, that makes an endpoint above it, with its end in the
 * endpoint's own namespace.
 */
export function aboveCommand(
  { attach, below, macs: [mac] }: Endpoint,
  lower: string,
  space: { readonly path: string; readonly device: string },
): readonly string[] {
  const address = mac === undefined || sharesMac(attach) ? [] : ['address', mac];
  const [link, mode] = [
    ['link', lower],
    ['type', attach, 'mode', below?.mode ?? 'vepa', ...(below?.flag === undefined ? [] : [below.flag])],
  ];
  return ['link', 'add', 'dev', space.device, ...link, ...address, 'netns', space.path, ...mode];
}

/** `ip` commands inside the endpoint's namespace. */
export function guestCommands(endpoint: Endpoint, device: string): readonly (readonly string[])[] {
  if (endpoint.ips.length === 0) return [['link', 'set', 'dev', device, 'arp', 'off', 'up']];
  return [
    ...addressCommands(device, endpoint.ips),
    ['link', 'set', 'dev', device, 'up'],
    ['link', 'set', 'dev', 'lo', 'up'],
    ...routeCommands(device, endpoint.gateway),
  ];
}
