import type { Attack, Primitive, Receiver } from '../attack.js';
import type { Random } from '../../../support/lab/random.js';
import {
  drawElsewhere,
  drawPort,
  drawReceiver,
  guestReceiver,
  namespaceReceiver,
  netkitReceiver,
  strangerMac,
  tapReceiver,
} from '../receivers.js';
import { drawSelection, privateProbe, type Selection } from '../selections.js';

export type Parts = Pick<Attack, 'kind' | 'primitive' | 'place' | 'setup' | 'undo'> &
  Partial<Pick<Attack, 'due' | 'fabric' | 'after' | 'detail'>>;

/** Reasons that a run may give for frames on a device whose owner it does not know. */
export const escaped: readonly string[] = ['escaped', 'bypass-possible', 'coverage-partial'];

/** An attack that copies or moves what `selection` takes of a's frames for b to `to`. */
export function taking(to: Receiver, selection: Selection, parts: Parts): Attack {
  return {
    fabric: 'linux',
    receiver: to.name,
    due: to.mac === strangerMac ? escaped : 'broken',
    // an action for a block names no device
    reported:
      !to.isPort &&
      [...to.setup, ...parts.setup].some((line) =>
        /^(tc filter.* mirror dev |tc filter.* redirect dev |nft)/.test(line),
      ),
    ...parts,
    detail: parts.detail === undefined ? selection.name : `${selection.name}, ${parts.detail}`,
    setup: [...to.setup, ...parts.setup],
    undo: [...parts.undo, ...to.undo],
    ears: to.ears,
    probe: privateProbe(selection.carriers, selection.count),
    expect: 'private',
  };
}

/** A device and direction where a's frames for b pass. */
export const passing = [
  { dev: 'p0', place: 'ingress', tc: 'ingress', hook: 'ingress', tcx: 'tcx-in' },
  { dev: 'p1', place: 'egress', tc: 'egress', hook: 'egress', tcx: 'tcx-out' },
] as const;

/** A filter of tc on that parent, for what the selection takes. */
export const tcFilter = (parent: string, { tc }: Selection, action: string): string =>
  `tc filter add ${parent} protocol ${tc.protocol} prio 7 u32 match ${tc.match} action ${action}`;

/** Lines that hang filters on a device, and take them away. */
export const atClsact = (dev: string, ...filters: readonly string[]): Pick<Attack, 'setup' | 'undo'> => ({
  setup: [`tc qdisc add dev ${dev} clsact`, ...filters],
  undo: [`tc qdisc del dev ${dev} clsact`],
});

/** Frames that tc copies or moves where they pass, to a drawn victim. */
const carrying = (
  name: string,
  kind: Attack['kind'],
  how: 'mirror' | 'redirect',
  drawTo: (random: Random) => Receiver,
): Primitive => ({
  name,
  kind,
  fabrics: ['linux'],
  draw(random) {
    const at = random.pick(passing);
    const selection = drawSelection(random);
    const to = drawTo(random);
    const action = `mirred egress ${how} dev ${to.device}`;
    return taking(to, selection, {
      kind,
      primitive: name,
      place: at.place,
      ...atClsact(at.dev, tcFilter(`dev ${at.dev} ${at.tc}`, selection, action)),
    });
  },
});

/** A copy by tc to one of the ports, shown as a rule of the port: the program has always found it. */
export const plainMirror = carrying('tc mirred mirror', 'plain', 'mirror', drawPort);
export const mirrorElsewhere = carrying('tc mirred mirror', 'no-port', 'mirror', drawElsewhere);
/** A redirect: the addressee no longer gets what is taken. */
export const redirect = carrying('tc mirred redirect', 'no-port', 'redirect', drawElsewhere);

/** Filters that hang on something else than clsact. */
export const mirrorUnderQdisc: Primitive = {
  name: 'mirror under a qdisc',
  kind: 'unknown-copy',
  fabrics: ['linux'],
  draw(random) {
    const selection = drawSelection(random);
    const to = drawReceiver(random);
    const qdisc = random.pick(['htb default 1', 'fq_codel', 'prio', 'drr', 'sfq']);
    return taking(to, selection, {
      kind: 'unknown-copy',
      primitive: this.name,
      place: 'egress',
      detail: qdisc.split(' ')[0] ?? '',
      setup: [
        `tc qdisc add dev p1 root handle 1: ${qdisc}`,
        tcFilter('dev p1 parent 1:', selection, `mirred egress mirror dev ${to.device}`),
      ],
      undo: ['tc qdisc del dev p1 root'],
    });
  },
};

/** Filters that hang on a qdisc below the root, where only what its class gets comes by. */
export const mirrorUnderChild: Primitive = {
  name: 'mirror under a child qdisc',
  kind: 'unknown-copy',
  fabrics: ['linux'],
  draw(random) {
    const selection = drawSelection(random);
    const to = drawReceiver(random);
    const child = random.pick(['fq_codel', 'prio', 'sfq', 'ets bands 3']);
    const root = random.pick([
      ['htb default 10', 'htb rate 1gbit'],
      ['hfsc default 10', 'hfsc sc rate 1gbit ul rate 1gbit'],
    ] as const);
    return taking(to, selection, {
      kind: 'unknown-copy',
      primitive: this.name,
      place: 'egress',
      detail: `${root[0].split(' ')[0]}, ${child.split(' ')[0]}`,
      setup: [
        `tc qdisc add dev p1 root handle 1: ${root[0]}`,
        `tc class add dev p1 parent 1: classid 1:10 ${root[1]}`,
        `tc qdisc add dev p1 parent 1:10 handle 10: ${child}`,
        tcFilter('dev p1 parent 10:', selection, `mirred egress mirror dev ${to.device}`),
      ],
      undo: ['tc qdisc del dev p1 root'],
    });
  },
};

/** A copy to a netkit pair, in which a program of the kernel may decide on every frame. */
export const mirrorToNetkit: Primitive = {
  name: 'mirror to netkit',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const at = random.pick(passing);
    const selection = drawSelection(random);
    const how = random.pick(['mirror', 'redirect'] as const);
    return taking(netkitReceiver, selection, {
      kind: 'no-port',
      primitive: this.name,
      place: at.place,
      detail: how,
      ...atClsact(
        at.dev,
        tcFilter(`dev ${at.dev} ${at.tc}`, selection, `mirred egress ${how} dev ${netkitReceiver.device}`),
      ),
    });
  },
};

/** Blocks that several devices share, and copies to all devices of a block. */
export const sharedBlock: Primitive = {
  name: 'shared block',
  kind: 'unknown-copy',
  fabrics: ['linux'],
  draw(random) {
    const selection = drawSelection(random);
    const to = drawReceiver(random);
    const block = 20 + random.below(80);
    const byBlock = random.below(2) === 0 && !to.name.startsWith('ifb');
    const action = byBlock ? `mirred egress mirror blockid ${block + 1}` : `mirred egress mirror dev ${to.device}`;
    const target = byBlock ? [`tc qdisc add dev ${to.device} egress_block ${block + 1} clsact`] : [];
    return taking(to, selection, {
      kind: 'unknown-copy',
      primitive: byBlock ? 'mirred blockid' : this.name,
      place: 'ingress',
      setup: [
        ...target,
        `tc qdisc add dev p0 ingress_block ${block} clsact`,
        tcFilter(`block ${block}`, selection, action),
      ],
      undo: ['tc qdisc del dev p0 clsact', ...(byBlock ? [`tc qdisc del dev ${to.device} clsact`] : [])],
    });
  },
};

/** A copy that comes in at a port of another bridge, which floods it there. */
export const ingressMirror: Primitive = {
  name: 'tc mirred ingress mirror',
  kind: 'unknown-copy',
  fabrics: ['linux'],
  draw(random) {
    const at = random.pick(passing);
    const selection = drawSelection(random);
    return taking(guestReceiver('e'), selection, {
      kind: 'unknown-copy',
      primitive: this.name,
      place: at.place,
      // It looks as if f had sent them
      due: ['unheard-delivery', 'replayed'],
      ...atClsact(at.dev, tcFilter(`dev ${at.dev} ${at.tc}`, selection, 'mirred ingress mirror dev q1')),
    });
  },
};

export const nftCopy: Primitive = {
  name: 'nft dup',
  kind: 'unknown-copy',
  fabrics: ['linux'],
  draw(random) {
    const at = random.pick(passing);
    const selection = drawSelection(random);
    const to = drawReceiver(random);
    const action = random.pick([
      `dup to meta mark map { 0 : "${to.device}" }`,
      `dup to "${to.device}"`,
      `dup to iif map { "${at.dev}" : "${to.device}" }`,
    ]);
    return taking(to, selection, {
      kind: 'unknown-copy',
      primitive: this.name,
      place: at.place,
      detail: action.includes('map') ? 'map' : 'device',
      setup: [
        'nft add table netdev adv',
        `nft 'add chain netdev adv x { type filter hook ${at.hook} device "${at.dev}" priority 0 ; }'`,
        `nft 'add rule netdev adv x ${selection.nft} ${action}'`,
      ],
      undo: ['nft delete table netdev adv'],
    });
  },
};

/** Copies of bridged packets that go to an address: TEE of br_netfilter's hooks. */
export const dupToAddress: Primitive = {
  name: 'nft dup to ADDRESS',
  kind: 'unknown-copy',
  fabrics: ['linux'],
  draw(random) {
    const to = guestReceiver(random.pick(['c', 'd'] as const));
    const hook = random.pick(['prerouting', 'forward'] as const);
    const n = random.pick([1, 2, 4, 8]);
    const address = to.ears[0]?.name === 'c' ? '10.9.0.3' : '10.9.0.4';
    return taking(
      to,
      { ...drawSelection(random), name: `1 in ${n} IPv4`, carriers: 'ipv4-udp', count: 32 },
      {
        kind: 'unknown-copy',
        primitive: this.name,
        place: 'bridge',
        detail: hook,
        setup: [
          'ip link set dev br0 type bridge nf_call_iptables 1',
          `ip neigh replace ${address} lladdr ${to.mac} dev br0`,
          'nft add table ip adv',
          `nft 'add chain ip adv x { type filter hook ${hook} priority -150 ; }'`,
          `nft 'add rule ip adv x ip saddr 10.9.0.1 udp dport != 0 numgen inc mod ${n} 0 dup to ${address} device "br0"'`,
        ],
        undo: [
          'nft delete table ip adv',
          `ip neigh del ${address} dev br0`,
          'ip link set dev br0 type bridge nf_call_iptables 0',
        ],
      },
    );
  },
};

/** A process of the host that carries frames. */
export const relay: Primitive = {
  name: 'relay',
  kind: 'plain',
  fabrics: ['linux', 'ovs', 'vlan'],
  draw(random, fabric) {
    const selection = drawSelection(random);
    const to = guestReceiver(random.pick(fabric === 'ovs' ? ['c', 'd'] : ['c', 'd', 'e']));
    return taking(to, selection, {
      kind: 'plain',
      primitive: this.name,
      place: 'host',
      fabric,
      setup: [`start relay relay p0 ${to.device} plain ${selection.word} none`],
      undo: ['stop relay'],
    });
  },
};

export const relayElsewhere: Primitive = {
  name: 'relay',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const selection = drawSelection(random);
    const to = random.pick([namespaceReceiver(), tapReceiver, drawElsewhere(random)]);
    const isStranger = to.mac === strangerMac;
    return taking(to, selection, {
      kind: 'no-port',
      primitive: this.name,
      place: 'host',
      ...(isStranger ? { due: escaped } : {}),
      setup: [`start relay relay p0 ${to.device} plain ${selection.word} none`],
      undo: ['stop relay'],
    });
  },
};

export const bypassRelay: Primitive = {
  name: 'PACKET_QDISC_BYPASS',
  kind: 'past-the-socket',
  fabrics: ['linux', 'ovs', 'vlan'],
  draw(random, fabric) {
    const selection = drawSelection(random);
    const to =
      fabric === 'ovs'
        ? guestReceiver(random.pick(['c', 'd']))
        : random.pick([drawPort(random), namespaceReceiver(), tapReceiver]);
    return taking(to, selection, {
      kind: 'past-the-socket',
      primitive: this.name,
      place: 'host',
      fabric,
      due: ['bypass-possible', 'unheard-frames'],
      setup: [`start relay relay p0 ${to.device} bypass ${selection.word} none`],
      undo: ['stop relay'],
    });
  },
};

export const lateRelay: Primitive = {
  name: 'late relay',
  kind: 'in-between',
  fabrics: ['linux', 'ovs', 'vlan'],
  draw(random, fabric) {
    const selection = drawSelection(random);
    const to = guestReceiver(random.pick(['c', 'd']));
    const delay = random.pick([0.6, 0.8, 1.2]);
    return taking(to, selection, {
      kind: 'in-between',
      primitive: this.name,
      place: 'host',
      fabric,
      after: delay,
      detail: `${delay} s`,
      due: ['bypass-possible'],
      setup: [`start relay relay p0 ${to.device} late:${delay} ${selection.word} none`],
      undo: ['stop relay'],
    });
  },
};
