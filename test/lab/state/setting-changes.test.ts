import { describe, expect, it } from 'vitest';
import { ipsecPolicies, lostEvents, nexthopObjects, routesTo, routingRules } from '../../../src/core/model/timeline.js';
import { watchedBridge, type WatchedBridge } from '../../support/lab/watched-bridge.js';
import { kernel } from '../../support/lab/features.js';
import { needs, root } from '../../support/needs.js';
import { shared } from '../../support/scratch.js';

/** Attaches a program of XDP that passes everything to a device for a moment, as `ip link set xdp` does (rtnetlink(7)). */
const xdpForAMoment = `
import ctypes, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)
code = ctypes.create_string_buffer(bytes([0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0]))
name = ctypes.create_string_buffer(b'GPL')
load = ctypes.create_string_buffer(struct.pack('<IIQQ', 6, 2, ctypes.addressof(code), ctypes.addressof(name)), 120)
program = libc.syscall(321, 5, load, 120)
assert program >= 0, os.strerror(ctypes.get_errno())
route = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
def attribute(kind, value):
    return struct.pack('<HH', 4 + len(value), kind) + value
for fd in (program, -1):
    xdp = attribute(1, struct.pack('<i', fd)) + attribute(3, struct.pack('<I', 2))
    body = struct.pack('<BxHiII', 0, 0, socket.if_nametoindex(sys.argv[1]), 0, 0) + attribute(0x8000 | 43, xdp)
    route.send(struct.pack('<IHHII', 16 + len(body), 19, 5, 1, 0) + body)
    error = struct.unpack_from('<i', route.recv(4096), 16)[0]
    assert error == 0, os.strerror(-error)
`;

describe('settings that are changed and put back', needs(root), () => {
  const bridge = shared(watchedBridge);
  const run: WatchedBridge['run'] = (...argv) => bridge.run(...argv);
  const heard = (): readonly string[] => bridge.heard();

  it.each([
    ['v0: flood', 'ip link set dev v0 type bridge_slave flood', 'off', 'on'],
    ['v0: isolated', 'bridge link set dev v0 isolated', 'on', 'off'],
    ['v0: learning', 'bridge link set dev v0 learning', 'off', 'on'],
    ['v0: multicast_router', 'ip link set dev v0 type bridge_slave mcast_router', '2', '1'],
    ['v0: fastleave', 'ip link set dev v0 type bridge_slave mcast_fast_leave', 'on', 'off'],
    ['v0: proxy_arp_wifi', 'ip link set dev v0 type bridge_slave proxy_arp_wifi', 'on', 'off'],
    ['v0: neigh_vlan_suppress', 'ip link set dev v0 type bridge_slave neigh_vlan_suppress', 'on', 'off'],
    ['br0: mcast_router', 'ip link set dev br0 type bridge mcast_router', '2', '1'],
    ['br0: mcast_querier', 'ip link set dev br0 type bridge mcast_querier', '1', '0'],
    ['br0: group_addr', 'ip link set dev br0 type bridge group_address', '01:80:c2:00:00:04', '01:80:c2:00:00:00'],
    ['br0: nf_call_iptables', 'ip link set dev br0 type bridge nf_call_iptables', '1', '0'],
    ['br0: ageing_time', 'ip link set dev br0 type bridge ageing_time', '0', '30000'],
    ['br0: fdb_max_learned', 'ip link set dev br0 type bridge fdb_max_learned', '100', '0'],
    ['br0: mcast_querier_intvl', 'ip link set dev br0 type bridge mcast_querier_interval', '1000', '25500'],
    ['v0: priority', 'bridge link set dev v0 priority', '1', '32'],
    ['br0: stp_state', 'ip link set dev br0 type bridge stp_state', '1', '0'],
  ])('are told: %s; what was changed once is not', (reported, command, first, second) => {
    for (const value of [first, second]) run(`${command} ${value}`);
    expect(heard()).toEqual([reported]);
    for (const value of [first, second]) {
      run(`${command} ${value}`);
      expect(heard()).toEqual([]);
    }
  });

  it('are told of a backup port that was set and taken away', () => {
    run('ip link add dev backup type veth peer name far');
    run('ip link set dev backup master br0');
    heard();
    run('ip link set dev v0 type bridge_slave backup_port backup');
    run('ip link set dev v0 type bridge_slave nobackup_port');
    expect(heard()).toEqual(['v0: backup_port']);
    run('ip link del dev backup');
    heard();
  });

  it.each([
    ['taken off and put back', 'nomaster', 'master br0', 'v0: master'],
    ['moved to another bridge and back', 'master br9', 'master br0', 'v0: master'],
    ['with another MTU', 'mtu 1400', 'mtu 1500', 'v0: MTU'],
    ['with another MAC', 'address 02:00:00:00:00:08', 'address 02:00:00:00:00:07', 'v0: MAC'],
  ])('are told of a port: %s', (_, away, back, reported) => {
    run('ip link set dev v0 address 02:00:00:00:00:07');
    if (away.includes('br9')) run('ip link add dev br9 type bridge');
    heard();
    for (const words of [away, back]) run(`ip link set dev v0 ${words}`);
    expect(heard()).toContain(reported);
    run(`ip link set dev v0 ${back}`);
    expect(heard()).toEqual([]);
  });

  it('are told of a static entry that came and went, or went and came', () => {
    const entry = '02:00:00:00:00:01 dev v0 master';
    run(`bridge fdb add ${entry} static`);
    expect(heard()).toEqual([]);
    run(`bridge fdb del ${entry}`);
    run(`bridge fdb add ${entry} static`);
    expect(heard()).toEqual(['v0: the static entry of 02:00:00:00:00:01']);
    run(`bridge fdb del ${entry}`);
    expect(heard()).toEqual([]);
  });

  it.each([
    ['net.ipv4.ip_forward', ['net.ipv4.conf.default.forwarding']],
    ['net.ipv6.conf.all.forwarding', ['net.ipv6.conf.default.forwarding']],
    ['net.ipv4.conf.all.rp_filter', []],
    ['net.ipv4.conf.all.proxy_arp', []],
    ['net.ipv6.conf.all.proxy_ndp', []],
  ])('are told of a sysctl, and of those that it moves: %s', (name, moved) => {
    const usual = run(`sysctl -n ${name}`).trim();
    for (const value of [usual === '0' ? '1' : '0', usual]) run(`sysctl -w ${name}=${value}`);
    expect([...heard()].sort()).toEqual([name, ...moved].sort());
    run(`sysctl -w ${name}=${usual}`);
    expect(heard()).toEqual([]);
  });

  it.each(['-4', '-6'])('are rules of policy routing that came and went: ip %s rule', (family) => {
    run(`ip ${family} rule add pref 100 fwmark 0x1 lookup 7`);
    run(`ip ${family} rule del pref 100`);
    expect(heard()).toEqual([routingRules]);
    expect(heard()).toEqual([]);
  });

  it.each([
    ['-4', '192.0.2.7/32', 'add'],
    ['-6', '2001:db8::7/128', 'add'],
    ['-4', '192.0.2.0/25', 'replace'],
  ])('are routes, at any change, for a device that goes takes them along: ip %s route to %s', (family, to, how) => {
    run('ip link add dev x0 type veth peer name x1');
    run('sysctl -w net.ipv6.conf.x0.disable_ipv6=0');
    for (const end of ['x0', 'x1']) run(`ip link set dev ${end} up`);
    heard();
    run(`ip ${family} route ${how} ${to} dev x0`);
    run('ip link del dev x0');
    expect(heard()).toContain(`${routesTo}${to}`);
    expect(heard()).toEqual([]);
  });

  it.each([
    ['passthru', 'mv0'],
    // the kernel says nothing when such a one goes down
    ['bridge', 'mv0 address 02:00:00:00:00:77'],
  ])(
    'are the promiscuous mode of a bridge, which a macvlan of mode %s asks for',
    needs(kernel('macvlan')),
    (mode, words) => {
      run(`ip link add link br0 name ${words} type macvlan mode ${mode}`);
      heard();
      run('ip link set dev mv0 up');
      run('ip link del dev mv0');
      expect(heard()).toContain('br0: promiscuity');
      expect(heard()).toEqual([]);
    },
  );

  it('are a program of XDP', () => {
    run('/usr/bin/python3', '-c', xdpForAMoment, 'v0');
    expect(heard()).toEqual(['v0: XDP program']);
    expect(heard()).toEqual([]);
  });

  it('are nexthop objects', () => {
    run('ip link set dev lo up');
    heard();
    run('ip nexthop add id 7 blackhole');
    run('ip nexthop del id 7');
    expect(heard()).toEqual([nexthopObjects]);
  });

  it('are policies of IPsec', () => {
    const selector = 'src 192.0.2.1 dst 192.0.2.2 dir out';
    run(`ip xfrm policy add ${selector} action block`);
    run(`ip xfrm policy delete ${selector}`);
    expect(heard()).toEqual([ipsecPolicies]);
  });

  it('are those of a port that joined and left, with its name and the bridge', () => {
    const bridge0 = Number(JSON.parse(run('ip -j link show dev br0'))[0].ifindex);
    run('ip link add dev w0 type veth peer name w1');
    const w0 = Number(JSON.parse(run('ip -j link show dev w0'))[0].ifindex);
    run('ip link set dev w0 master br0');
    run('ip link set dev w0 nomaster');
    const reported = [{ ifindex: w0, what: 'master', name: 'w0', masters: [bridge0] }];
    expect(bridge.changes().filter(({ what }) => what === 'master')).toEqual(reported);
    run('ip link set dev w0 master br0');
    run('ip link del dev w0');
    expect(bridge.changes().filter(({ what }) => what === 'master')).toEqual(reported);
  });

  it('say that some were lost, where more of links came than the kernel keeps', () => {
    for (let round = 0; round < 40; round += 1)
      run('sh', '-c', 'for i in $(seq 60); do echo "link set dev v1 alias a$i"; done | ip -batch -');
    expect(bridge.changes().map(({ what }) => what)).toContain(lostEvents);
    expect(bridge.changes()).toEqual([]);
  });

  it('say that some were lost, where more rules came than the kernel keeps', () => {
    const lines = '$(seq 1000 3000); do echo "rule add pref $i table 7"; echo "rule del pref $i"; done';
    run('sh', '-c', `for i in ${lines} | ip -4 -batch -`);
    expect(bridge.changes().map(({ what }) => what)).toContain(lostEvents);
    expect(bridge.changes()).toEqual([]);
  });

  it('are not heard where no socket can be opened for them, which is said', () => {
    const modules = ['setting-changes.js', 'rule-changes.js'].map(
      (name) => new URL(`../../../build/system/state/changes/${name}`, import.meta.url).href,
    );
    const script = `import { openSync } from 'node:fs';
      import { libc } from ${JSON.stringify(new URL('../../../build/system/kernel/libc.js', import.meta.url).href)};
      import { watchSettingChanges } from ${JSON.stringify(modules[0])};
      import { watchRuleChanges } from ${JSON.stringify(modules[1])};
      libc().errnoName(libc().errno());
      const said = () => [watchSettingChanges(null, true), watchRuleChanges(null)].map((watch) => watch.unheard());
      const before = said();
      try { for (;;) openSync('/dev/null', 'r'); } catch {}
      console.log(JSON.stringify([before, said()]));`;
    const argv = ['--nofile=128', process.execPath, '--input-type=module', '-e', script];
    const why = 'events of the kernel cannot be listened to: EMFILE';
    expect(JSON.parse(run('prlimit', ...argv))).toEqual([
      [[], []],
      [[`changes of settings: ${why}`], [`changes of tc rules: ${why}`, `changes of nft rules: ${why}`]],
    ]);
  });

  it('are none but the carrier where entries are learned and forgotten, and names, states and flags of links change', () => {
    const entry = '02:00:00:00:00:02 dev v0 master';
    run(`bridge fdb add ${entry} dynamic`);
    run(`bridge fdb del ${entry}`);
    run(`bridge fdb add ${entry} dynamic`);
    for (const state of ['down', 'up']) run(`ip link set dev v1 ${state}`);
    for (const state of ['on', 'off']) run(`ip link set dev v0 promisc ${state}`);
    expect(heard()).toEqual(['v1: carrier', 'v0: carrier']);
  });
});
