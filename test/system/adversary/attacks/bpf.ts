import type { Primitive, Receiver } from '../attack.js';
import type { Random } from '../../../support/lab/random.js';
import { drawReceiver, guestReceiver, namespaceReceiver } from '../receivers.js';
import { drawSelection } from '../selections.js';
import { passing, taking } from './copies.js';

/** Programs of the kernel that no rule shows. */
export const bpfClone: Primitive = {
  name: 'BPF clone',
  kind: 'unknown-copy',
  fabrics: ['linux'],
  draw(random) {
    const at = random.pick(passing);
    const to = drawReceiver(random);
    const n = random.pick([1, 1, 2, 4, 8]);
    const selection = {
      ...drawSelection(random),
      name: `1 in ${n}`,
      carriers: 'raw, ipv4-udp',
      count: n === 1 ? 12 : 60,
    };
    const byTc = random.below(2) === 0;
    return taking(to, selection, {
      kind: 'unknown-copy',
      primitive: byTc ? 'clsact BPF clone' : 'tcx BPF clone',
      place: at.place,
      setup: byTc
        ? [
            'mkdir -p $W/bpf; mount -t bpf bpf $W/bpf',
            `/usr/bin/python3 $T/attack.py pin $W/bpf/p clone ${to.device} ${n} ${at.dev}`,
            `tc qdisc add dev ${at.dev} clsact`,
            `tc filter add dev ${at.dev} ${at.tc} bpf da object-pinned $W/bpf/p`,
            'umount $W/bpf',
          ]
        : [`start bpf bpf ${at.dev} ${at.tcx} clone ${to.device} ${n}`],
      undo: byTc ? [`tc qdisc del dev ${at.dev} clsact`] : ['stop bpf'],
    });
  },
};

/** Where a redirect can go: by native XDP only to whom polls, to a peer only by a veth. */
function drawTarget(random: Random, way: { readonly where: string; readonly what: string }): Receiver {
  if (way.where === 'xdp-native') return pollingReceiver();
  if (way.what !== 'peer') return drawReceiver(random);
  return random.pick([guestReceiver('c'), guestReceiver('e'), namespaceReceiver()]);
}

export const bpfRedirect: Primitive = {
  name: 'BPF redirect',
  kind: 'past-the-socket',
  fabrics: ['linux'],
  draw(random) {
    const ways = [
      { where: 'xdp-generic', what: 'redirect', dev: 'p0', place: 'ingress' },
      { where: 'xdp-native', what: 'redirect', dev: 'p0', place: 'ingress' },
      { where: 'tcx-in', what: 'redirect', dev: 'p0', place: 'ingress' },
      { where: 'tcx-in', what: 'peer', dev: 'p0', place: 'ingress' },
    ] as const;
    const way = random.pick(ways);
    const to = drawTarget(random, way);
    const n = random.pick([1, 2, 4, 16]);
    return taking(
      to,
      { ...drawSelection(random), name: `1 in ${n}`, carriers: 'raw, ipv4-udp', count: n === 1 ? 12 : 80 },
      {
        kind: 'past-the-socket',
        primitive:
          way.what === 'peer' ? 'bpf_redirect_peer' : `${way.where.startsWith('xdp') ? 'XDP' : 'tcx'} redirect`,
        place: way.place,
        detail: way.where,
        // Past XDP the probes are short at b, or never seen to enter; of a peer's frames every one has a clone that goes on
        due:
          way.what === 'peer'
            ? ['bypass-possible', 'unheard-frames']
            : ['bypass-possible', 'unheard-frames', 'delivery-short', 'entry-unproved'],
        setup: [`start bpf bpf ${way.dev} ${way.where} ${way.what} ${to.device} ${n}`],
        undo: ['stop bpf'],
      },
    );
  },
};

/** Into a veth frames go by native XDP only if its far end polls. */
function pollingReceiver(): Receiver {
  const receiver = namespaceReceiver();
  return {
    ...receiver,
    setup: [...receiver.setup, '/usr/bin/python3 $T/attack.py gro $(cat $W/hold.pid) eth0'],
  };
}
