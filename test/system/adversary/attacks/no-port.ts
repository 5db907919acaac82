import type { Attack, EarPlace, Primitive } from '../attack.js';
import { guests } from '../guests.js';
import { namespaceReceiver, strangerMac } from '../receivers.js';
import { privateProbe } from '../selections.js';
import { escaped } from './copies.js';

const stranger = (check: string): readonly EarPlace[] => [{ name: 'x', place: '$(cat $W/hold.pid):mvx', check }];

/** Lines that make a device on another one, in a foreign namespace, and remove it. */
const onDevice = (lower: string, more: string): Pick<Attack, 'setup' | 'undo'> => ({
  setup: [
    'start hold hold',
    `ip link add link ${lower} name mvx ${more}`,
    'ip link set dev mvx netns $(cat $W/hold.pid)',
    'nsenter --net=/proc/$(cat $W/hold.pid)/ns/net ip link set dev mvx up',
  ],
  undo: ['stop hold', 'ip link del dev mvx || true'],
});

type Parts = Pick<Attack, 'primitive' | 'place' | 'detail' | 'setup' | 'undo'> & Partial<Attack>;

const elsewhere = (receiver: string, parts: Parts): Attack => ({
  kind: 'no-port',
  fabric: 'linux',
  receiver,
  ears: stranger(`@${guests.a.mac}`),
  due: 'broken',
  probe: privateProbe('raw, ipv4-udp, ipv6-udp', 12),
  expect: 'private',
  ...parts,
});

/** Frames that only the sender's bridge may flood: x must not see them. */
const flood = (cls: string, more = ''): Partial<Attack> => ({
  probe: `{ class: ${cls}, from: a, count: 12, may_see: [b, c, d], must_see: []${more} }`,
  expect: '{ verdict: holds }',
});

/** A macvlan on the bridge device, in a foreign namespace. */
const macvlan: Primitive = {
  name: 'macvlan on a bridge',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const mode = random.pick(['passthru', 'passthru', 'bridge', 'private', 'vepa']);
    // Only in passthru mode does it hear what is for others
    const cls = mode === 'passthru' ? null : 'broadcast';
    return elsewhere(`macvlan ${mode}`, {
      primitive: cls === null ? 'listens' : 'gets floods',
      place: 'bridge',
      detail: cls ?? 'unicast',
      ...(cls === null ? {} : flood(cls)),
      ...onDevice('br0', `${mode === 'passthru' ? '' : `address ${strangerMac} `}type macvlan mode ${mode}`),
    });
  },
};

/** The same of ipvlan, which few build machines' kernels have. */
const ipvlan: Primitive = {
  name: 'ipvlan on a bridge',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const mode = random.pick(['l2', 'l2e'].slice(0, 1));
    const cls = random.pick(['broadcast', 'unknown-unicast']);
    return elsewhere(`ipvlan ${mode}`, {
      primitive: 'gets floods',
      place: 'bridge',
      detail: cls,
      ...flood(cls),
      ...onDevice('br0', `type ipvlan mode ${mode}`),
    });
  },
};

/** A VLAN device on a bridge or on a port: tagged frames that enter go there, none of those that leave by the port. */
const vlanDevice: Primitive = {
  name: 'VLAN device',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const vid = 2 + random.below(4000);
    const lower = random.pick(['br0', 'p0']);
    return elsewhere(`VLAN device on ${lower === 'br0' ? 'the bridge' : 'a port'}`, {
      primitive: 'gets tagged frames',
      place: lower === 'p0' ? 'ingress' : 'bridge',
      detail: `${lower}.${vid}`,
      ...(lower === 'br0'
        ? flood('broadcast', `, vlan: [${vid}]`)
        : { probe: `{ class: known-unicast, from: a, to: b, count: 12, vlan: [${vid}] }` }),
      ...onDevice(lower, `type vlan id ${vid}`),
    });
  },
};

/** A victim in a namespace behind the device vx. */
const there = namespaceReceiver();

/** Another bridge that a pair of devices joins to this one. */
const joinedBridge: Primitive = {
  name: 'second bridge',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const cls = random.pick(['broadcast', 'unknown-unicast']);
    const known = random.pick([true, false]);
    return elsewhere('a bridge that is not listed', {
      reported: true,
      due: escaped,
      primitive: 'gets floods',
      place: 'bridge',
      detail: `${cls}${known ? ', its port listed nowhere' : ', snooping off'}`,
      ...flood(cls),
      ears: there.ears,
      setup: [
        ...there.setup,
        `ip link add dev brx type bridge${known ? '' : ' mcast_snooping 0'}`,
        'ip link set dev brx up',
        'ip link add dev wire0 type veth peer name wire1',
        'ip link set dev wire0 master br0 up',
        'ip link set dev wire1 master brx up',
        'ip link set dev vx master brx up',
      ],
      undo: ['ip link del dev wire0', 'ip link del dev brx', ...there.undo],
    });
  },
};

/** A mirror where the frames of b's port go on: in the namespace behind it. */
const mirrorBehindPort: Primitive = {
  name: 'mirror behind a port',
  kind: 'no-port',
  fabrics: ['linux'],
  draw(random) {
    const cls = random.pick(['broadcast', 'unknown-unicast']);
    const action = random.pick(['mirred egress mirror dev onward', 'mirred egress redirect dev onward']);
    return elsewhere('behind an unlisted port', {
      reported: true,
      due: escaped,
      primitive: action.includes('redirect') ? 'redirect below the bridge' : 'mirror below the bridge',
      place: 'uplink',
      detail: cls,
      ...flood(cls),
      ears: there.ears,
      setup: [
        ...there.setup,
        'ip link add dev upx type veth peer name lowx',
        'ip link set dev upx master br0 up',
        'ip link set dev lowx up',
        'tc qdisc add dev lowx clsact',
        `tc filter add dev lowx ingress protocol all prio 7 u32 match u32 0 0 action ${action.replace('onward', 'vx')}`,
      ],
      undo: ['ip link del dev upx', ...there.undo],
    });
  },
};

export const noPort: readonly Primitive[] = [macvlan, ipvlan, vlanDevice, joinedBridge, mirrorBehindPort];
