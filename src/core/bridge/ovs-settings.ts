import type { HostState } from '../model/state.js';

/**
 * Columns of Open vSwitch's tables that a step may set, and that are put back: those that decide where frames go
 * (ovs-vswitchd.conf.db(5)). What they refer to, what makes a bridge again and what is only reported is not among them.
 */
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

/** Columns that are true or false. */
const switches: readonly string[] = ['mcast_snooping_enable', 'rstp_enable', 'stp_enable', 'protected'];
/** Columns of keys with values: one is written COLUMN:KEY. */
const maps: readonly string[] = ['other_config'];

export type OvsColumnKind = 'switch' | 'map' | 'value';

export function ovsColumnKind(column: string): OvsColumnKind {
  if (switches.includes(column)) return 'switch';
  return maps.includes(column) ? 'map' : 'value';
}

/**
 * The port of OpenFlow, not of the database, says whether floods leave through it (ovs-ofctl(8), mod-port): named as a
 * bridge port of the kernel names it.
 */
export const ovsFlood = 'flood';

/** Words of `config:` by port, of `ovs-ofctl show`: ` 1(vnet0): addr:…` and below it `     config:     NO_FLOOD`. */
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

/** The members of a set: ["set", […]]; one member alone prints as itself. */
export function membersOf(value: unknown): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) && value[0] === 'set' && Array.isArray(value[1]) ? value[1] : [value];
}

/** What a map, ["map", [[key, value], …]], has for a key; undefined = nothing. */
export function valueIn(map: unknown, key: string): unknown {
  const pairs: readonly unknown[] = Array.isArray(map) && map[0] === 'map' && Array.isArray(map[1]) ? map[1] : [];
  const pair = pairs.find((pair) => Array.isArray(pair) && pair[0] === key);
  return Array.isArray(pair) ? pair[1] : undefined;
}

/** What a reference names: ["uuid", text]; '' = it is not one. */
export function uuidOf(value: unknown): string {
  return Array.isArray(value) && value[0] === 'uuid' ? String(value[1]) : '';
}

/**
 * Addresses that flows give a MAC, as port security of OVN and Neutron does: `dl_src=MAC,nw_src=IP`,
 * `arp_spa=IP,arp_sha=MAC` (ovs-fields(7)).
 */
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
