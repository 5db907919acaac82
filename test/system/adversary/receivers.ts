import type { Receiver } from './attack.js';
import type { Random } from '../../support/lab/random.js';
import { type GuestName, guests } from './guests.js';

/** A guest on a port of the bridges that the scenario lists. */
export function guestReceiver(name: GuestName): Receiver {
  const { port, mac, bridge } = guests[name];
  return {
    name: bridge === 'br0' ? 'port' : 'other bridge',
    device: port,
    setup: [],
    undo: [],
    ears: [{ name, place: mac, check: port }],
    isPort: true,
    mac,
  };
}

/** The MAC of a victim that is not a guest of the scenario. */
export const strangerMac = '52:54:00:00:00:77';

/** A device in its own namespace behind a veth that is not a port. */
export function namespaceReceiver(port = 'vx'): Receiver {
  return {
    name: 'namespace',
    device: port,
    setup: [
      'start hold hold',
      `ip link add dev ${port} type veth peer name eth0 address ${strangerMac} netns $(cat $W/hold.pid)`,
      `ip link set dev ${port} up`,
      'nsenter --net=/proc/$(cat $W/hold.pid)/ns/net ip link set dev eth0 up',
    ],
    undo: [`ip link del dev ${port}`, 'stop hold'],
    ears: [{ name: 'x', place: '$(cat $W/hold.pid):eth0', check: port }],
    isPort: false,
    mac: strangerMac,
  };
}

/** A device in its own namespace behind a netkit pair. */
export const netkitReceiver: Receiver = {
  name: 'netkit',
  device: 'nkx',
  setup: [
    'start hold hold',
    'ip link add dev nkx type netkit mode l2 forward peer forward name eth0 netns $(cat $W/hold.pid)',
    'ip link set dev nkx up',
    'nsenter --net=/proc/$(cat $W/hold.pid)/ns/net ip link set dev eth0 up',
  ],
  undo: ['ip link del dev nkx', 'stop hold'],
  ears: [{ name: 'x', place: '$(cat $W/hold.pid):eth0', check: 'nkx' }],
  isPort: false,
  mac: strangerMac,
};

/** A virtual machine's tap that is on no bridge. */
export const tapReceiver: Receiver = {
  name: 'tap',
  device: 'tapx',
  setup: ['ip tuntap add dev tapx mode tap', 'ip link set dev tapx up'],
  undo: ['ip link del dev tapx'],
  ears: [{ name: 'x', place: 'tap:tapx', check: 'tapx' }],
  isPort: false,
  mac: strangerMac,
};

/** An ifb that hands on what it gets. */
function ifbReceiver(onward: Receiver): Receiver {
  return {
    ...onward,
    name: `ifb, onward to ${onward.name}`,
    device: 'ifbx',
    setup: [
      ...onward.setup,
      'ip link add dev ifbx type ifb',
      'ip link set dev ifbx up',
      'tc qdisc add dev ifbx clsact',
      `tc filter add dev ifbx egress protocol all u32 match u32 0 0 action mirred egress mirror dev ${onward.device}`,
    ],
    undo: ['ip link del dev ifbx', ...onward.undo],
    isPort: false,
  };
}

/** Another pair of devices in the way, with a second copy at its end. */
function rowReceiver(onward: Receiver): Receiver {
  return {
    ...onward,
    name: `two in a row, onward to ${onward.name}`,
    device: 'rowa',
    setup: [
      ...onward.setup,
      'ip link add dev rowa type veth peer name rowb',
      'ip link set dev rowa up',
      'ip link set dev rowb up',
      'tc qdisc add dev rowb clsact',
      `tc filter add dev rowb ingress protocol all u32 match u32 0 0 action mirred egress mirror dev ${onward.device}`,
    ],
    undo: ['ip link del dev rowa', ...onward.undo],
    isPort: false,
  };
}

/** One of the listed ports: c or d on the bridge of the talk, or e on the other one. */
export function drawPort(random: Random): Receiver {
  return guestReceiver(random.pick(['c', 'd', 'e'] as const));
}

/** A place that is not a listed port, or that leads to one by a detour. */
export function drawElsewhere(random: Random): Receiver {
  const draws = [
    () => namespaceReceiver(),
    () => tapReceiver,
    () => ifbReceiver(drawPort(random)),
    () => ifbReceiver(namespaceReceiver()),
    () => rowReceiver(drawPort(random)),
    () => rowReceiver(namespaceReceiver()),
  ];
  return random.pick(draws)();
}

export function drawReceiver(random: Random): Receiver {
  return random.below(2) === 0 ? drawPort(random) : drawElsewhere(random);
}
