import type { Attack, Primitive } from '../attack.js';
import type { Random } from '../../../support/lab/random.js';
import { guests } from '../guests.js';
import { guestReceiver } from '../receivers.js';
import { privateProbe } from '../selections.js';

const { a, b } = guests;

const nftBridge = (hook: string, rule: string): readonly string[] => [
  'nft add table bridge adv',
  `nft 'add chain bridge adv x { type filter hook ${hook} priority ${hook === 'prerouting' ? -300 : -200} ; }'`,
  `nft 'add rule bridge adv x ${rule}'`,
];

type Parts = Pick<Attack, 'primitive' | 'place' | 'detail' | 'setup' | 'undo'> & Partial<Attack>;

/** An attack by which other headers come to a listed guest. */
export const rewriting = (to: 'c' | 'd' | 'e' | 'f', parts: Parts): Attack => {
  const receiver = guestReceiver(to);
  return {
    kind: 'headers',
    fabric: 'linux',
    receiver: receiver.name,
    ears: receiver.ears,
    due: 'broken',
    probe: privateProbe('raw, ipv4-udp, ipv6-udp', 12),
    expect: 'private',
    ...parts,
  };
};

const share = (random: Random): { readonly rule: string; readonly name: string; readonly count: number } => {
  const n = random.pick([1, 2, 8, 32, 200]);
  return n === 1
    ? { rule: '', name: 'all', count: 12 }
    : { rule: `numgen inc mod ${n} 0`, name: `1 in ${n}`, count: n === 200 ? 210 : n * 2 + 8 };
};

/** nft of the bridge sends frames of a to another MAC: all of them, or a share. */
export const bridgeDaddr: Primitive = {
  name: 'nft ether daddr set',
  kind: 'headers',
  fabrics: ['linux'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    const { rule, name, count } = share(random);
    const carrier = random.pick(['raw', 'ipv4-udp', 'ipv6-udp']);
    const source = random.pick(['', ' ether saddr set 52:54:00:99:00:01']);
    return rewriting(to, {
      primitive: source === '' ? this.name : 'nft ether saddr and daddr set',
      place: 'bridge',
      detail: `${name} ${carrier}`,
      probe: privateProbe(carrier, count),
      setup: nftBridge(
        'prerouting',
        `iifname "p0" ether daddr ${b.mac} ${rule} ether daddr set ${guests[to].mac}${source}`,
      ),
      undo: ['nft delete table bridge adv'],
    });
  },
};

/** The same with an unknown MAC, so that every port hears it. */
export const bridgeUnknown: Primitive = {
  name: 'nft ether daddr set, unknown',
  kind: 'headers',
  fabrics: ['linux'],
  draw(random) {
    const { rule, name, count } = share(random);
    const carrier = random.pick(['raw', 'ipv4-udp', 'ipv6-udp']);
    const unknown = random.pick(['52:54:00:aa:bb:cc', '01:00:5e:00:00:05', 'ff:ff:ff:ff:ff:ff']);
    return rewriting(random.pick(['c', 'd']), {
      primitive: this.name,
      place: 'bridge',
      detail: `${name} ${carrier} ${unknown}`,
      probe: privateProbe(carrier, count),
      setup: nftBridge('prerouting', `iifname "p0" ether daddr ${b.mac} ${rule} ether daddr set ${unknown}`),
      undo: ['nft delete table bridge adv'],
    });
  },
};

/** A copy whose hop limit or addresses were set anew. */
export const netdevRewrite: Primitive = {
  name: 'nft dup with headers set',
  kind: 'headers',
  fabrics: ['linux'],
  draw(random) {
    const to = random.pick(['c', 'd', 'e'] as const);
    const [carrier, field] = random.pick([
      ['ipv4-udp', `ip ttl set ${1 + random.below(255)}`],
      ['ipv6-udp', `ip6 hoplimit set ${1 + random.below(255)}`],
      ['ipv4-udp', 'ip saddr set 203.0.113.9'],
      ['ipv4-udp', 'ip daddr set 203.0.113.9'],
      ['ipv4-udp', 'udp dport set 53'],
      ['ipv6-udp', 'ip6 saddr set 2001:db8::9'],
      ['raw', 'ether saddr set 52:54:00:99:00:02'],
      ['ipv4-udp', 'ether saddr set 52:54:00:99:00:02'],
    ] as const);
    const at = random.pick([
      { dev: 'p0', hook: 'ingress' },
      { dev: 'p1', hook: 'egress' },
    ]);
    return rewriting(to, {
      primitive: this.name,
      place: at.hook,
      detail: field,
      probe: privateProbe(carrier, 16),
      setup: [
        'nft add table netdev adv',
        `nft 'add chain netdev adv x { type filter hook ${at.hook} device "${at.dev}" priority 0 ; }'`,
        `nft 'add rule netdev adv x ether saddr ${a.mac} ether daddr ${b.mac} ${field} dup to "${guests[to].port}"'`,
      ],
      undo: ['nft delete table netdev adv'],
    });
  },
};

/** A port that gets groups by unicast: the frame has no longer the group's address. */
export const multicastToUnicast: Primitive = {
  name: 'mcast_to_unicast',
  kind: 'headers',
  fabrics: ['linux'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    const group = `239.1.${random.below(200)}.${1 + random.below(200)}`;
    return rewriting(to, {
      primitive: this.name,
      place: 'bridge',
      detail: `${group} to ${to}`,
      probe: `{ class: multicast, from: a, group: ${group}, count: 16, may_see: [b], must_see: [] }`,
      expect: '{ verdict: holds }',
      setup: [
        // Who becomes querier does not use what it knows until the time for answers has passed
        'ip link set dev br0 type bridge mcast_query_response_interval 10',
        'ip link set dev br0 type bridge mcast_snooping 1 mcast_querier 1',
        `bridge link set dev ${guests[to].port} mcast_to_unicast on mcast_flood off`,
        ...(['b', 'c', 'd'] as const).map((name) => `bridge link set dev ${guests[name].port} mcast_flood off`),
        `nsenter --net="$(/usr/bin/python3 $T/ear.py --where ${guests[to].mac})" ip address add ${group}/32 dev eth0 autojoin`,
        'sleep 0.4',
      ],
      undo: [
        `nsenter --net="$(/usr/bin/python3 $T/ear.py --where ${guests[to].mac})" ip address del ${group}/32 dev eth0`,
        `bridge link set dev ${guests[to].port} mcast_to_unicast off`,
        'ip link set dev br0 type bridge mcast_querier 0 mcast_query_response_interval 1000',
        ...(['b', 'c', 'd'] as const).map((name) => `bridge link set dev ${guests[name].port} mcast_flood on`),
      ],
    });
  },
};

/** tc's actions that set headers; few kernels of build machines have them. */
export const tcRewrite: Primitive = {
  name: 'tc skbmod, pedit',
  kind: 'headers',
  fabrics: ['linux'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    const action = random.pick([
      `skbmod set dmac ${guests[to].mac}`,
      `skbmod set dmac ${guests[to].mac} set smac 52:54:00:99:00:03`,
      `pedit ex munge eth dst set ${guests[to].mac}`,
    ]);
    return rewriting(to, {
      primitive: `tc ${action.split(' ')[0]}`,
      place: 'ingress',
      detail: action,
      probe: privateProbe('raw, ipv4-udp', 16),
      setup: [
        'tc qdisc add dev p0 clsact',
        `tc filter add dev p0 ingress protocol all prio 7 u32 match u32 0 0 action ${action}`,
      ],
      undo: ['tc qdisc del dev p0 clsact'],
    });
  },
};

/** Flows of Open vSwitch that set headers on the way to a victim. */
export const ovsRewrite: Primitive = {
  name: 'Open vSwitch flow',
  kind: 'headers',
  fabrics: ['ovs'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    const { mac, port } = guests[to];
    const action = random.pick([
      `mod_dl_dst:${mac}`,
      `mod_dl_src:52:54:00:99:00:04`,
      `mod_dl_src:52:54:00:99:00:04,mod_dl_dst:${mac}`,
      'mod_nw_src:203.0.113.5',
      `mod_nw_dst:${guests[to].ip}`,
      'mod_nw_ttl:9',
      'mod_tp_dst:53',
      'mod_nw_tos:32',
    ]);
    const isIp = /_nw_|_tp_/.test(action);
    return rewriting(to, {
      primitive: `${this.name} ${action.split(':')[0]}`,
      place: 'bridge',
      fabric: 'ovs',
      detail: `${action} to ${to}`,
      probe: privateProbe(isIp ? 'ipv4-udp' : 'raw, ipv4-udp', 16),
      setup: [
        `ovs-ofctl add-flow br0 "priority=900,in_port=p0,dl_dst=${b.mac}${isIp ? `,${action.includes('tp') ? 'udp' : 'ip'}` : ''},actions=output:p1,${action},output:${port}"`,
      ],
      undo: [
        `ovs-ofctl --strict del-flows br0 priority=900,in_port=p0,dl_dst=${b.mac}`,
        'ovs-ofctl del-flows br0 in_port=p0',
      ],
    });
  },
};

/** A process that hands on what it hears with other headers. */
export const manglingRelay: Primitive = {
  name: 'relay that rewrites',
  kind: 'headers',
  fabrics: ['linux', 'ovs', 'vlan'],
  draw(random, fabric) {
    const to = random.pick(fabric === 'ovs' ? (['c', 'd'] as const) : (['c', 'd', 'e'] as const));
    const byte = random.below(200);
    const steps = random.pick([
      `dst:${guests[to].mac}`,
      `src:52:54:00:99:00:${(10 + random.below(80)).toString()}`,
      `src:52:54:00:99:00:05+dst:${guests[to].mac}`,
      `ttl:${1 + random.below(255)}`,
      `saddr:203.0.113.${byte}`,
      `daddr:203.0.113.${byte}+dst:${guests[to].mac}`,
      `sport:${1024 + random.below(60000)}`,
      `opts:${1 + random.below(10)}`,
      `shift:${1 + random.below(400)}`,
      `pad:${1 + random.below(900)}`,
      `shift:${1 + random.below(40)}+src:52:54:00:99:00:06`,
      'type:88b7',
      'type:0800',
    ]);
    const isIp = /ttl|addr|sport|opts/.test(steps);
    const n = random.pick([1, 1, 3, 10]);
    return rewriting(to, {
      primitive: this.name,
      place: 'host',
      fabric,
      detail: `${steps}, 1 in ${n}, to ${to}`,
      probe: privateProbe(isIp ? 'ipv4-udp' : random.pick(['raw', 'ipv4-udp', 'ipv6-udp']), n === 1 ? 12 : 40),
      setup: [`start relay relay p0 ${guests[to].port} plain 1in:${n} ${steps}`],
      undo: ['stop relay'],
    });
  },
};

export const headers: readonly Primitive[] = [
  bridgeDaddr,
  bridgeUnknown,
  netdevRewrite,
  multicastToUnicast,
  tcRewrite,
  ovsRewrite,
  manglingRelay,
];
