import { linkSettings } from '../../../core/bridge/attributes.js';
import { setWords, vlanWords } from '../../../core/bridge/change-commands.js';
import { sharesMac } from '../../../core/model/attach.js';
import type { Bridge, Endpoint, IpPrefix, Mac, VlanRange } from '../../../core/model/scenario.js';
import { isIpv6 } from './spaces.js';

/**
 * Forwards at once (no forward_delay, no STP) unless set otherwise. One command a setting, so that a refusal names it.
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

/** A bridge's settings include keys of its link. */
export function placeOfKey(key: string): 'bridge' | 'link' {
  return linkSettings.some((setting) => setting.key === key) ? 'link' : 'bridge';
}

/** `ip` commands for addresses, without duplicate address detection, which would send. */
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

/** `ip` command for an endpoint's default route, with `onlink`, as a gateway may be outside the prefix. */
export function routeCommands(device: string, gateway: string | null): readonly (readonly string[])[] {
  if (gateway === null) return [];
  return [['route', 'replace', 'default', 'via', gateway, 'dev', device, 'onlink']];
}

/** `bridge` commands for the VLANs of a port or bridge. The kernel's default VLAN goes unless listed. */
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

/** New ports' VLAN: `vlan_default_pvid`, or the kernel's 1. */
export function defaultPvidOf(bridge: Bridge): number {
  return Number(bridge.settings.vlan_default_pvid ?? 1);
}

/**
 * An endpoint's veth. `enslaved` unless behind the bridge device or on Open vSwitch. Both ends get the MTU: larger
 * frames would vanish uncounted.
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

/** MAC, addresses and routes at the port, for an endpoint that the host routes to. */
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

/** Runs in the lower device's namespace. */
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

/** Run inside the endpoint's namespace. */
export function guestCommands(endpoint: Endpoint, device: string): readonly (readonly string[])[] {
  if (endpoint.ips.length === 0) return [['link', 'set', 'dev', device, 'arp', 'off', 'up']];
  return [
    ...addressCommands(device, endpoint.ips),
    ['link', 'set', 'dev', device, 'up'],
    ['link', 'set', 'dev', 'lo', 'up'],
    ...routeCommands(device, endpoint.gateway),
  ];
}
