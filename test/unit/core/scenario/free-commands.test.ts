import { describe, expect, it } from 'vitest';
import { isFreeSysctl, whyForeign } from '../../../../src/core/scenario/free-commands.js';

describe('commands that every scenario may have carried out', () => {
  it.each([
    'ip link set dev p0 up',
    'ip -d -j link show',
    'ip -6 route add ::/0 via fe80::1',
    'ip -family inet6 address',
    'bridge -j fdb show',
    'tc qdisc add dev p0 clsact',
    'tc -s filter show dev p0 ingress',
    'nft -f rules.nft',
    'nft add chain bridge t c { type filter hook input priority -200 ; }',
    'nft -j list ruleset',
    'ethtool -K p0 tx off',
    'sysctl -w net.ipv4.ip_forward=1',
    'sysctl net/ipv4/conf/br0.1/rp_filter',
    'ovs-vsctl --if-exists del-port br0 p0 -- --may-exist add-port br0 p1',
    'ovs-vsctl -- --id=@m create Mirror name=m -- set Bridge br0 mirrors=@m',
    'ovs-ofctl -O OpenFlow13 add-flow br0 priority=100,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00,actions=drop',
    'ovs-ofctl --strict del-flows br0 priority=1',
  ])('%s', (command) => expect(whyForeign(command.split(' '))).toBeNull());

  it.each([
    ['sh -c id', 'sh is not'],
    ['/sbin/ip link', '/sbin/ip is not'],
    ['constructor x', 'constructor is not'],
    ['ip -n host link set dev eth0 down', '-n is not'],
    ['ip -netns host link', '-netns is not'],
    ['ip --netns host link', '--netns is not'],
    ['ip -net host link', '-net is not'],
    ['ip -b file', '-b is not'],
    ['ip -force -batch file', '-force is not'],
    ['ip -j -all netns', '-all is not'],
    ['bridge -n host fdb', '-n is not'],
    ['bridge -b file', '-b is not'],
    ['tc -n host qdisc', '-n is not'],
    ['tc -b file', '-b is not'],
    ['tc -conf file qdisc', '-conf is not'],
    ['nft -I /etc -f x', '-I is not'],
    ['nft -i', '-i is not'],
    ['nft -D a=b', '-D is not'],
    ['nft -jf x', '-jf is not'],
    ['nft --file=x', '--file=x is not'],
    ['nft --includepath /etc', '--includepath is not'],
    ['nft include "/etc/shadow"', 'include'],
    ['nft list ruleset; include "x"', 'include'],
    ['ethtool -f p0 firmware', '-f is not'],
    ['ethtool -w p0 data file', '-w is not'],
    ['ethtool --flash p0 x', '--flash is not'],
    ['sysctl -p file', '-p is not'],
    ['sysctl -w net.a=1 -p', '-p is not'],
    ['sysctl --system', '--system is not'],
    ['sysctl -w kernel.core_pattern=|/tmp/x', 'sysctl kernel.core_pattern'],
    ['sysctl -w net.ipv4.ip_forward=1 vm.swappiness=1', 'sysctl vm.swappiness'],
    ['sysctl -w net/../kernel/hostname=x', 'sysctl net/../kernel/hostname'],
    ['ovs-vsctl --db=unix:/run/openvswitch/db.sock show', '--db='],
    ['ovs-vsctl show --db=tcp:1.2.3.4:6640', '--db='],
    ['ovs-vsctl --log-file=/etc/cron.d/x show', '--log-file='],
    ['ovs-vsctl -vfile:dbg show', '-vfile:dbg'],
    ['ovs-vsctl --lo=/x show', '--lo='],
    ['ovs-ofctl --log-file=/etc/x show br0', '--log-file='],
    ['ovs-ofctl show br0 --log-file=/etc/x', '--log-file='],
    ['ovs-ofctl --pidfile=/x --detach snoop br0', '--pidfile='],
    ['ovs-ofctl --unixctl=/x show br0', '--unixctl='],
  ])('not %s', (command, why) => expect(whyForeign(command.split(' '))).toContain(why));
});

describe('sysctls of a network namespace', () => {
  it.each(['net.ipv4.ip_forward', 'net.ipv4.conf.eth0/1.rp_filter', 'net/ipv6/conf/all/forwarding'])('%s', (name) =>
    expect(isFreeSysctl(name)).toBe(true),
  );
  it.each(['kernel.hostname', 'vm.swappiness', 'net', 'net.', 'net/../kernel/hostname', 'net..ipv4', 'network.x', ''])(
    'not %s',
    (name) => expect(isFreeSysctl(name)).toBe(false),
  );
});
