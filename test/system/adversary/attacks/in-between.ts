import type { Primitive } from '../attack.js';
import { guests } from '../guests.js';
import { namespaceReceiver } from '../receivers.js';

const sleep = (ms: number): string => `sleep ${(ms / 1000).toFixed(2)}`;

/** Lines of a shell in the background, when more than 60 of a's frames have come: a run starts late on a slow machine. */
const whenProbed = (...lines: readonly string[]): string =>
  `( before=$(cat /sys/class/net/p0/statistics/rx_packets); for _ in $(seq 3000); do [ $(($(cat /sys/class/net/p0/statistics/rx_packets) - before)) -gt 60 ] && break; sleep 0.02; done; ${lines.join('; ')} ) >/dev/null 2>&1 </dev/null & echo $! >"$W/when.pid"`;

/** A victim in a namespace behind the device vx. */
const there = namespaceReceiver();

/** A port that joins the bridge and leaves it again while probes go out, and is in no snapshot. */
const joins: Primitive = {
  name: 'a port that comes and goes',
  kind: 'in-between',
  fabrics: ['linux'],
  draw(random) {
    const cls = random.pick(['unknown-unicast', 'broadcast']);
    const first = 300 + random.below(200);
    const stays = 60 + random.below(150);
    return {
      kind: 'in-between',
      fabric: 'linux',
      primitive: this.name,
      place: 'bridge',
      receiver: 'namespace',
      detail: `${cls}, after ${first} ms for ${stays} ms`,
      due: ['settings-changed', 'escaped', 'coverage-partial'],
      ears: there.ears,
      probe: `{ class: ${cls}, from: a, count: 300, rate: 400, carriers: [raw], may_see: [b, c, d], must_see: [] }`,
      expect: '{ verdict: holds }',
      setup: [
        ...there.setup,
        whenProbed(sleep(first - 300), 'ip link set dev vx master br0', sleep(stays), 'ip link set dev vx nomaster'),
      ],
      undo: ['stop when', ...there.undo],
    };
  },
};

/** A copy that stands only while probes go out. */
const brief: Primitive = {
  name: 'a mirror that comes and goes',
  kind: 'in-between',
  fabrics: ['linux'],
  draw(random) {
    const to = random.pick(['c', 'd', 'e'] as const);
    const delay = random.below(150);
    const stays = 60 + random.below(150);
    return {
      kind: 'in-between',
      fabric: 'linux',
      primitive: this.name,
      place: 'ingress',
      receiver: to === 'e' ? 'other bridge' : 'port',
      detail: `to ${to}, after ${delay} ms for ${stays} ms`,
      due: 'broken',
      ears: [{ name: to, place: guests[to].mac, check: guests[to].port }],
      probe: '{ class: known-unicast, from: a, to: b, count: 300, rate: 400, carriers: [raw] }',
      expect: 'private',
      setup: [
        whenProbed(
          sleep(delay),
          'tc qdisc add dev p0 clsact',
          `tc filter add dev p0 ingress protocol all prio 7 u32 match u32 0 0 action mirred egress mirror dev ${guests[to].port}`,
          sleep(stays),
          'tc qdisc del dev p0 clsact',
        ),
      ],
      undo: ['stop when', 'tc qdisc del dev p0 clsact || true'],
    };
  },
};

export const inBetween: readonly Primitive[] = [joins, brief];
