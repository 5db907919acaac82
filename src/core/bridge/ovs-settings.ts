import type { HostState } from '../model/state.js';

/** Columns that steps set and runs restore (ovs-vswitchd.conf.db(5)), without references and reports. */
export const ovsColumns = {
  bridge: [
    'fail_mode',
    'flood_vlans',
    'mcast_snooping_enable',
    'other_config',
    'protocols',
    'rstp_enable',
    'stp_enable',
  ],
  port: ['bond_mode', 'other_config', 'protected', 'tag', 'trunks', 'vlan_mode'],
} as const;

const switches: readonly string[] = ['mcast_snooping_enable', 'rstp_enable', 'stp_enable', 'protected'];
const maps: readonly string[] = ['other_config'];

export type OvsColumnKind = 'switch' | 'map' | 'value';

export function ovsColumnKind(column: string): OvsColumnKind {
  if (switches.includes(column)) return 'switch';
  return maps.includes(column) ? 'map' : 'value';
}

/** OpenFlow's flag for floods (ovs-ofctl(8), mod-port), by the kernel's name. */
export const ovsFlood = 'flood';

/** Words of `config:` by port in `ovs-ofctl show`: ` 1(vnet0): addr:…`, then `     config:     NO_FLOOD`. */
export function ovsPortConfigs(show: string): ReadonlyMap<string, readonly string[]> {
  const configs = new Map<string, readonly string[]>();
  let port: string | null = null;
  for (const line of show.split('\n')) {
    port = /^ \S+?\((.+)\): addr:/.exec(line)?.[1] ?? port;
    const words = /^\s+config:\s+(.*)$/.exec(line)?.[1];
    if (port !== null && words !== undefined) configs.set(port, words === '0' ? [] : words.split(' '));
  }
  return configs;
}

// Values of columns of Open vSwitch's database, as `ovs-vsctl --format=json` prints them (RFC 7047 5.1).

/** Members of ["set", […]]. A single member prints as itself. */
export function membersOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) && value[0] === 'set' && Array.isArray(value[1]) ? value[1] : [value];
}

/** A value in ["map", [[key, value], …]], or undefined. */
export function valueIn(map: unknown, key: string): unknown {
  const pairs: readonly unknown[] = Array.isArray(map) && map[0] === 'map' && Array.isArray(map[1]) ? map[1] : [];
  const pair = pairs.find((pair) => Array.isArray(pair) && pair[0] === key);
  return Array.isArray(pair) ? pair[1] : undefined;
}

/** The text of ["uuid", text]. '' = no reference. */
export function uuidOf(value: unknown): string {
  return Array.isArray(value) && value[0] === 'uuid' ? String(value[1]) : '';
}

/** Addresses that flows bind to a MAC: `dl_src=MAC,nw_src=IP`, `arp_spa=IP,arp_sha=MAC` (ovs-fields(7)). */
export function addressesInFlows({ ovs }: Pick<HostState, 'ovs'>): readonly {
  readonly mac: string;
  readonly address: string;
  readonly device: string;
}[] {
  return (ovs?.bridges ?? []).flatMap(({ name: device, flows }) => {
    const addresses = new Map<string, string>();
    for (const flow of flows) {
      const [match = ''] = flow.split('actions=');
      const mac = /\b(?:arp_sha|dl_src)=((?:[0-9a-f]{2}:){5}[0-9a-f]{2})(?![/:])/.exec(match)?.[1];
      const address = /\b(?:arp_spa|nw_src)=(\d+(?:\.\d+){3})(?!\/)/.exec(match)?.[1];
      if (mac !== undefined && address !== undefined && address !== '0.0.0.0') addresses.set(mac, address);
    }
    return [...addresses].map(([mac, address]) => ({ mac, address, device }));
  });
}
