import type { Attack, EarPlace, Primitive, Receiver } from '../attack.js';
import { guests } from '../guests.js';
import { strangerMac } from '../receivers.js';
import { drawSelection, privateProbe, type Selection } from '../selections.js';
import { escaped, passing, tcFilter, taking } from './copies.js';

/** A virtual machine on a tap that the kernel makes of the bridge itself: its ear reads the descriptor. */
function tapOfBridge(kind: 'macvtap' | 'ipvtap', mode: string, hears: 'unicast' | 'broadcast'): Attack {
  const ear: EarPlace = { name: 'x', place: 'macvtap:mtx', check: `@${guests.a.mac}` };
  // in passthru mode a macvtap has the bridge's own MAC, as an ipvtap always has
  const address = kind === 'macvtap' && mode !== 'passthru' ? ` address ${strangerMac}` : '';
  return {
    kind: 'no-port',
    primitive: hears === 'unicast' ? 'listens' : 'gets floods',
    place: 'bridge',
    fabric: 'linux',
    receiver: `${kind} ${mode}`,
    detail: hears,
    due: 'broken',
    ears: [ear],
    ...(hears === 'unicast'
      ? { probe: privateProbe('raw, ipv4-udp, ipv6-udp', 12), expect: 'private' }
      : {
          probe: '{ class: broadcast, from: a, count: 12, may_see: [b, c, d], must_see: [] }',
          expect: '{ verdict: holds }',
        }),
    setup: [`ip link add link br0 name mtx${address} type ${kind} mode ${mode}`, 'ip link set dev mtx up'],
    undo: ['ip link del dev mtx || true'],
  };
}

const macvtap: Primitive = {
  name: 'macvtap on a bridge',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const mode = random.pick(['passthru', 'passthru', 'bridge', 'private', 'vepa']);
    return tapOfBridge('macvtap', mode, mode === 'passthru' ? 'unicast' : 'broadcast');
  },
};

const ipvtap: Primitive = {
  name: 'ipvtap on a bridge',
  kind: 'no-port',
  fabrics: ['linux'],
  draw: (random) => tapOfBridge('ipvtap', random.pick(['l2 bridge', 'l2 private', 'l2 vepa']), 'broadcast'),
};

/** A tap of which a virtual machine reads one queue and another process a second one. */
const secondQueue: Receiver = {
  name: 'another queue of a tap',
  device: 'tapq',
  setup: ['ip tuntap add dev tapq mode tap multi_queue', 'ip link set dev tapq up', 'start queue queue tapq'],
  undo: ['stop queue', 'ip link del dev tapq'],
  ears: [{ name: 'x', place: 'queue:tapq', check: 'tapq' }],
  isPort: false,
  mac: strangerMac,
};

const mirrorToQueue: Primitive = {
  name: 'mirror to a tap of two queues',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const at = random.pick(passing);
    const how = random.pick(['mirror', 'redirect'] as const);
    // which queue a frame goes to is by its flow: the more of them, the surer that some come to each
    const selection: Selection = {
      ...drawSelection(random),
      name: how,
      carriers: 'raw, ipv4-udp, ipv6-udp, ipv4-tcp',
      count: 24,
      tc: { protocol: 'all', match: 'u32 0 0' },
    };
    return taking(secondQueue, selection, {
      kind: 'no-port',
      primitive: this.name,
      place: at.place,
      due: escaped,
      setup: [
        `tc qdisc add dev ${at.dev} clsact`,
        tcFilter(`dev ${at.dev} ${at.tc}`, selection, `mirred egress ${how} dev tapq`),
      ],
      undo: [`tc qdisc del dev ${at.dev} clsact`],
    });
  },
};

export const taps: readonly Primitive[] = [macvtap, ipvtap, mirrorToQueue];
