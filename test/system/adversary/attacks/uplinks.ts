import type { Primitive } from '../attack.js';
import { guests } from '../guests.js';
import { namespaceReceiver } from '../receivers.js';
import { escaped } from './copies.js';

const { port } = guests.d;

/**
 * What lies between the bridge's port and the wire to d: the port takes the name of what is laid over it. What follows
 * makes the device named as the port was, above the wire.
 */
const chains = (vid: number) =>
  [
    { name: 'VLAN', over: [`ip link add link wire name ${port} type vlan id ${vid}`], lower: ['wire'], vid },
    {
      name: 'bond',
      over: [`ip link add dev ${port} type bond mode active-backup`, `ip link set dev wire master ${port}`],
      lower: ['wire'],
      vid: null,
    },
    {
      name: 'bond and VLAN',
      over: [
        'ip link add dev bondx type bond mode active-backup',
        'ip link set dev wire master bondx',
        'ip link set dev bondx up',
        `ip link add link bondx name ${port} type vlan id ${vid}`,
      ],
      lower: ['wire', 'bondx'],
      vid,
    },
  ] as const;

/** A copy of what goes out by an uplink, on a device below it that is no port of the bridge. */
const belowUplink: Primitive = {
  name: 'copy below an uplink',
  kind: 'no-port',
  fabrics: ['linux'],
  providers: ['host'],
  draw(random) {
    const chain = random.pick(chains(2 + random.below(4000)));
    const lower = random.pick<string>(chain.lower);
    const how = random.pick(['mirror', 'redirect'] as const);
    const cls = random.pick(['broadcast', 'unknown-unicast']);
    const to = namespaceReceiver();
    const inside = (words: string): string => `ip netns exec d ${words}`;
    return {
      kind: 'no-port',
      primitive: `${how} below an uplink`,
      place: 'uplink',
      fabric: 'linux',
      receiver: to.name,
      detail: `${chain.name}, ${lower === 'wire' ? 'lowest' : 'bond'}, ${cls}`,
      due: escaped,
      uplink: 'd',
      ears: to.ears,
      probe: `{ class: ${cls}, from: a, count: 12, may_see: [b, c, d], must_see: [] }`,
      expect: '{ verdict: holds }',
      setup: [
        ...to.setup,
        `ip link set dev ${port} nomaster down`,
        `ip link set dev ${port} name wire`,
        ...chain.over,
        `ip link set dev wire up`,
        `ip link set dev ${port} up master br0`,
        ...(chain.vid === null
          ? []
          : [
              // d's own device speaks tagged, with the MAC and the address that it had
              inside(`ip link set dev eth0 name below`),
              inside(`ip link add link below name eth0 type vlan id ${chain.vid}`),
              inside(`ip address flush dev below`),
              inside(`ip address add ${guests.d.ip}/24 dev eth0`),
              inside(`ip link set dev below up`),
              inside(`ip link set dev eth0 up`),
            ]),
        `tc qdisc add dev ${lower} clsact`,
        `tc filter add dev ${lower} egress protocol all prio 7 u32 match u32 0 0 action mirred egress ${how} dev ${to.device}`,
        inside(`ping -c 1 -w 5 10.9.0.254 >/dev/null${how === 'redirect' ? ' || true' : ''}`),
      ],
      undo: [`tc qdisc del dev ${lower} clsact`, ...to.undo],
    };
  },
};

export const uplinks: readonly Primitive[] = [belowUplink];
