import type { Fabric } from './attack.js';
import { gateways, guestNames, guests } from './guests.js';

const bridges = Object.entries(gateways);

function linuxBridges(fabric: Fabric): readonly string[] {
  const filtering = fabric === 'vlan' ? ' vlan_filtering 1' : '';
  return [
    ...bridges.flatMap(([name, { ip, ip6 }], at) => [
      // else it has the lowest address of its ports, and another one when that port goes to another bridge
      `ip link add dev ${name} address 52:54:00:00:00:f${at} type bridge forward_delay 0${filtering}`,
      `ip address add ${ip}/24 dev ${name}`,
      // an address to tunnel from, and nothing that speaks by itself
      `ip link set dev ${name} addrgenmode none; echo 0 >/proc/sys/net/ipv6/conf/${name}/disable_ipv6`,
      `ip address add ${ip6}/64 dev ${name} nodad`,
      `ip link set dev ${name} up`,
    ]),
    ...guestNames.map((name) => `ip link set dev ${guests[name].port} master ${guests[name].bridge}`),
  ];
}

/** Open vSwitch's daemons and their files belong to this host alone. */
function ovsBridges(folder: string): readonly string[] {
  const ports = guestNames.map((name) => `-- add-port ${guests[name].bridge} ${guests[name].port}`).join(' ');
  const made = bridges.map(([name]) => `-- add-br ${name} -- set Bridge ${name} datapath_type=netdev`).join(' ');
  return [
    `export OVS_RUNDIR=${folder}/ovs OVS_LOGDIR=${folder}/ovs OVS_DBDIR=${folder}/ovs OVS_SYSCONFDIR=${folder}/ovs`,
    'rm -rf "$OVS_RUNDIR"; mkdir -p "$OVS_RUNDIR"',
    'ovsdb-tool create "$OVS_DBDIR/conf.db" /usr/share/openvswitch/vswitch.ovsschema',
    'ovsdb-server "$OVS_DBDIR/conf.db" --remote=punix:"$OVS_RUNDIR/db.sock" --pidfile --detach --no-chdir --log-file -vconsole:off >/dev/null 2>&1',
    'ovs-vsctl --no-wait init',
    'ovs-vswitchd unix:"$OVS_RUNDIR/db.sock" --pidfile --detach --no-chdir --log-file -vconsole:off >/dev/null 2>&1',
    `ovs-vsctl --timeout=20 ${made.slice(3)} ${ports}`,
    ...bridges.flatMap(([name, { ip }]) => [`ip link set dev ${name} up`, `ip address add ${ip}/24 dev ${name}`]),
  ];
}

/**
 * A shell script for a cage: a host with the guests on its bridges, in which the lines `then` are run. Its standard
 * output is theirs.
 */
export function hostScript(fabric: Fabric, folder: string, then: readonly string[]): string {
  return [
    '#!/bin/sh',
    '# Run it in namespaces of its own: see reproduce.sh.',
    'set -e',
    // what this kernel lacks is reported in the words of the program
    "trap '[ $? = 0 ] || exit 69' EXIT",
    // journals and names of namespaces of its own; where /run has the folder of this run, it stays in sight
    folder.startsWith('/run/')
      ? 'mkdir -p -m 700 /run/verify-isolation; for own in netns verify-isolation; do mount -t tmpfs -o mode=700 none /run/$own; done'
      : 'mount -t tmpfs none /run; mkdir -p /run/netns /run/lock',
    'mount -t sysfs none /sys',
    'for scope in all default; do echo 1 >/proc/sys/net/ipv6/conf/$scope/disable_ipv6; done',
    `echo ${fabric === 'routed' ? 1 : 0} >/proc/sys/net/ipv4/ip_forward`,
    'ip link set dev lo up',
    'ip -batch - <<END',
    ...guestNames.flatMap((name) => [
      `netns add ${name}`,
      `link add dev ${guests[name].port} type veth peer name eth0 address ${guests[name].mac} netns ${name}`,
      `link set dev ${guests[name].port} up`,
    ]),
    'END',
    ...(fabric === 'ovs' ? ovsBridges(folder) : linuxBridges(fabric)),
    ...guestNames.flatMap((name) => [
      `ip netns exec ${name} sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6; ip address add ${guests[name].ip}/24 dev eth0; ip link set dev eth0 up; ip route add default via ${gateways[guests[name].bridge].ip}; ping -c 1 -w 5 ${gateways[guests[name].bridge].ip}' >/dev/null`,
    ]),
    'set +e; trap - EXIT',
    ...then,
    '',
  ].join('\n');
}
