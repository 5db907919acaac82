/**
 * Columns of Open vSwitch's tables that a step may set, and that are put back: those that decide where frames go
 * (ovs-vswitchd.conf.db(5)). What they refer to, what makes a bridge anew and what is only told is not among them.
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
  return switches.includes(column) ? 'switch' : maps.includes(column) ? 'map' : 'value';
}

/**
 * The port of OpenFlow, not of the database, says whether floods leave through it (ovs-ofctl(8), mod-port): named as a
 * bridge port of the kernel names it.
 */
export const ovsFlood = 'flood';
