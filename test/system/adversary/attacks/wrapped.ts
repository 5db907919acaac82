import type { Attack, Primitive } from '../attack.js';
import { gateways, guests } from '../guests.js';
import { guestReceiver } from '../receivers.js';
import { privateProbe } from '../selections.js';

type Parts = Pick<Attack, 'primitive' | 'place' | 'detail' | 'setup' | 'undo'> & Partial<Attack>;

const wrapping = (to: 'c' | 'd' | 'e', parts: Parts): Attack => {
  const receiver = guestReceiver(to);
  return {
    kind: 'wrapped',
    fabric: 'linux',
    receiver: `${receiver.name}, under headers`,
    ears: receiver.ears,
    due: 'broken',
    probe: privateProbe('raw, ipv4-udp, ipv6-udp', 12),
    expect: 'private',
    ...parts,
  };
};

/** A process that puts what it hears into something else, some layers deep, at offsets that are drawn. */
const relay: Primitive = {
  name: 'relay that wraps',
  kind: 'wrapped',
  fabrics: ['linux', 'ovs', 'vlan'],
  draw(random, fabric) {
    const to = random.pick(fabric === 'ovs' ? (['c', 'd'] as const) : (['c', 'd', 'e'] as const));
    const layer = (): string =>
      random.pick([
        `tag:${1 + random.below(4)}`,
        `mpls:${1 + random.below(4)}`,
        `vxlan:${random.pick([4789, 8472, 1 + random.below(65000)])}`,
        'gre',
        `front:${1 + random.below(300)}`,
        `pad:${1 + random.below(200)}`,
      ]);
    const layers = Array.from({ length: 1 + random.below(3) }, layer);
    const outer = random.pick(['', `+dst:${guests[to].mac}`, `+dst:${guests[to].mac}+src:52:54:00:99:01:01`]);
    const n = random.pick([1, 1, 4, 20]);
    return wrapping(to, {
      primitive: this.name,
      place: 'host',
      fabric,
      detail: `${layers.join('+')}${outer}, 1 in ${n}, to ${to}`,
      probe: privateProbe(random.pick(['raw', 'ipv4-udp', 'ipv6-udp']), n === 1 ? 12 : n * 3),
      setup: [`start relay relay p0 ${guests[to].port} plain 1in:${n} ${layers.join('+')}${outer}`],
      undo: ['stop relay'],
    });
  },
};

/** A copy that the kernel sends through a tunnel to a guest's address. */
const tunnel: Primitive = {
  name: 'copy in a tunnel',
  kind: 'wrapped',
  fabrics: ['linux'],
  draw(random) {
    const to = random.pick(['c', 'd', 'e'] as const);
    const guest = guests[to];
    const six = random.below(3) === 0;
    const [local, remote] = six ? [gateways[guest.bridge].ip6, guest.ip6] : [gateways[guest.bridge].ip, guest.ip];
    const kind = random.pick([
      `vxlan id ${1 + random.below(1 << 20)} dstport ${random.pick([4789, 8472, 6081])}`,
      `vxlan id ${1 + random.below(1 << 20)} dstport ${1024 + random.below(60000)}`,
      'gretap',
      `geneve id ${1 + random.below(1 << 20)}`,
      'erspan erspan_ver 1 key 5 seq',
    ]);
    const [type = '', ...words] = kind.split(' ');
    const six6 = six && (type === 'gretap' || type === 'erspan') ? `ip6${type}` : type;
    const at = random.pick([
      { dev: 'p0', tc: 'ingress', hook: 'ingress' },
      { dev: 'p1', tc: 'egress', hook: 'egress' },
    ]);
    const byNft = random.below(2) === 0;
    const localWords = type === 'geneve' ? '' : `local ${local}`;
    return wrapping(to, {
      primitive: `copy in a ${type} tunnel`,
      place: at.tc,
      detail: `${kind}, IPv${six ? 6 : 4}, by ${byNft ? 'nft' : 'tc'} to ${to}`,
      reported: true,
      probe: privateProbe('raw, ipv4-udp', 16),
      setup: [
        `ip link add dev tunx type ${six6} ${words.join(' ')} remote ${remote} ${localWords} dev ${guest.bridge}`.replace(
          / dev br\d$/,
          type === 'vxlan' ? ` dev ${guest.bridge}` : '',
        ),
        'ip link set dev tunx up',
        `ip neigh replace ${remote} lladdr ${guest.mac} dev ${guest.bridge}`,
        ...(byNft
          ? [
              'nft add table netdev adv',
              `nft 'add chain netdev adv x { type filter hook ${at.hook} device "${at.dev}" priority 0 ; }'`,
              `nft 'add rule netdev adv x dup to "tunx"'`,
            ]
          : [
              `tc qdisc add dev ${at.dev} clsact`,
              `tc filter add dev ${at.dev} ${at.tc} protocol all prio 7 u32 match u32 0 0 action mirred egress mirror dev tunx`,
            ]),
      ],
      undo: [
        byNft ? 'nft delete table netdev adv' : `tc qdisc del dev ${at.dev} clsact`,
        'ip link del dev tunx',
        `ip neigh del ${remote} dev ${guest.bridge}`,
      ],
    });
  },
};

/** A tunnel that is a port of the bridge, and carries floods to a guest's address. */
const tunnelPort: Primitive = {
  name: 'tunnel as a port',
  kind: 'wrapped',
  fabrics: ['linux'],
  draw(random) {
    const to = random.pick(['e'] as const);
    const id = 1 + random.below(1 << 20);
    const port = random.pick([4789, 8472, 1024 + random.below(60000)]);
    const cls = random.pick(['unknown-unicast', 'broadcast']);
    return wrapping(to, {
      primitive: this.name,
      place: 'bridge',
      reported: true,
      detail: `vxlan ${id} port ${port}, ${cls}`,
      probe: `{ class: ${cls}, from: a, count: 16, may_see: [b, c, d], must_see: [] }`,
      expect: '{ verdict: holds }',
      setup: [
        `ip link add dev tunx type vxlan id ${id} dstport ${port} remote ${guests[to].ip} local ${gateways.br1.ip} dev br1`,
        'ip link set dev tunx master br0',
        'ip link set dev tunx up',
        `ip neigh replace ${guests[to].ip} lladdr ${guests[to].mac} dev br1`,
      ],
      undo: ['ip link del dev tunx', `ip neigh del ${guests[to].ip} dev br1`],
    });
  },
};

/** Flows of Open vSwitch that push a tag on the way to a victim. */
const ovsPush: Primitive = {
  name: 'Open vSwitch push',
  kind: 'wrapped',
  fabrics: ['ovs'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    const action = random
      .pick([
        'push_mpls:0x8847',
        'push_mpls:0x8848',
        'push_mpls:0x8847,push_mpls:0x8847',
        'push_vlan:0x8100,set_field:4106->vlan_vid',
        'push_vlan:0x88a8,set_field:4196->vlan_vid',
        'push_vlan:0x8100,set_field:4106->vlan_vid,push_vlan:0x88a8,set_field:4107->vlan_vid',
        'mod_dl_dst:MAC,push_vlan:0x88a8,set_field:4107->vlan_vid',
        'mod_dl_src:52:54:00:99:00:04,push_mpls:0x8847',
      ])
      .replace('MAC', guests[to].mac);
    const carrier = random.pick(['raw', 'ipv4-udp', 'ipv6-udp']);
    const match = { raw: 'dl_type=0x88b5', 'ipv4-udp': 'ip', 'ipv6-udp': 'ipv6' }[carrier] ?? '';
    return wrapping(to, {
      primitive: `${this.name} ${action.includes('mpls') ? 'MPLS' : 'VLAN'}`,
      place: 'bridge',
      fabric: 'ovs',
      detail: `${action} ${carrier} to ${to}`,
      probe: privateProbe(carrier, 16),
      setup: [
        'ovs-vsctl set Open_vSwitch . other_config:vlan-limit=0',
        `ovs-ofctl -O OpenFlow13 add-flow br0 "priority=900,in_port=p0,dl_dst=${guests.b.mac},${match},actions=output:p1,${action},output:${guests[to].port}"`,
      ],
      undo: ['ovs-ofctl -O OpenFlow13 del-flows br0 in_port=p0'],
    });
  },
};

/** Tags that tc pushes, where the kernel has its action. */
const tcPush: Primitive = {
  name: 'tc push',
  kind: 'wrapped',
  fabrics: ['linux'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    const action = random.pick([
      'vlan push id 10',
      'vlan push id 10 protocol 802.1ad',
      'mpls push label 100',
      'vlan push id 10 pipe action vlan push id 20 protocol 802.1ad',
    ]);
    return wrapping(to, {
      primitive: `tc ${action.split(' ')[0]} push`,
      place: 'egress',
      detail: `${action} to ${to}`,
      probe: privateProbe('raw, ipv4-udp', 16),
      setup: [
        `tc qdisc add dev ${guests[to].port} clsact`,
        `tc filter add dev ${guests[to].port} egress protocol all prio 7 u32 match u32 0 0 action ${action}`,
        'tc qdisc add dev p0 clsact',
        `tc filter add dev p0 ingress protocol all prio 7 u32 match u32 0 0 action mirred egress mirror dev ${guests[to].port}`,
      ],
      undo: ['tc qdisc del dev p0 clsact', `tc qdisc del dev ${guests[to].port} clsact`],
    });
  },
};

export const wrapped: readonly Primitive[] = [relay, tunnel, tunnelPort, ovsPush, tcPush];
