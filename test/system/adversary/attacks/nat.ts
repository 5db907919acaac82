import type { Primitive } from '../attack.js';
import { guests } from '../guests.js';
import { privateProbe } from '../selections.js';
import { rewriting } from './headers.js';

const { a, b } = guests;

/** The kernel goes on to translate what it has translated once. */
const forgetConnections = '/usr/bin/python3 $T/attack.py forget';

const routedProbe = (to: string, count = 16): string => `{ class: routed-bounce, from: a, to: ${to}, count: ${count} }`;

/** Between bridges, with the sender's address changed on the way. */
export const masquerade: Primitive = {
  name: 'masquerade',
  kind: 'headers',
  fabrics: ['routed'],
  draw(random) {
    const how = random.pick([
      'masquerade',
      'snat to 10.9.1.254',
      'snat to 10.9.1.254:20000-30000',
      'snat to 203.0.113.7',
      'masquerade random',
    ]);
    const to = random.pick(['e', 'f'] as const);
    return rewriting(to, {
      primitive: how.split(' ')[0] ?? '',
      place: 'host',
      fabric: 'routed',
      detail: `${how} for ${to}`,
      probe: routedProbe(to),
      expect: 'separated',
      setup: [
        forgetConnections,
        'nft add table ip adv',
        "nft 'add chain ip adv x { type nat hook postrouting priority 100 ; }'",
        `nft 'add rule ip adv x ip saddr 10.9.0.0/24 oifname "br1" ${how.includes(':') ? `meta l4proto udp ${how}` : how}'`,
      ],
      undo: ['nft delete table ip adv'],
    });
  },
};

/** Between bridges, to another guest than the sender addressed. */
export const destinationNat: Primitive = {
  name: 'dnat',
  kind: 'headers',
  fabrics: ['routed'],
  draw(random) {
    const [asked, got] = random.pick([
      ['e', 'f'],
      ['f', 'e'],
      ['c', 'e'],
      ['c', 'd'],
      ['e', 'd'],
    ] as const);
    const also = random.pick([true, false]);
    return rewriting(got, {
      primitive: this.name,
      place: 'host',
      fabric: 'routed',
      detail: `for ${asked} to ${got}${also ? ', masqueraded' : ''}`,
      probe: routedProbe(asked),
      expect: 'separated',
      setup: [
        forgetConnections,
        'nft add table ip adv',
        "nft 'add chain ip adv x { type nat hook prerouting priority -100 ; }'",
        `nft 'add rule ip adv x ip daddr ${guests[asked].ip} ip saddr ${a.ip} dnat to ${guests[got].ip}'`,
        ...(also
          ? [
              "nft 'add chain ip adv y { type nat hook postrouting priority 100 ; }'",
              `nft 'add rule ip adv y ip daddr ${guests[got].ip} masquerade'`,
            ]
          : []),
      ],
      undo: ['nft delete table ip adv'],
    });
  },
};

/** A router that does not count down. */
export const hopLimit: Primitive = {
  name: 'ip ttl set by the host',
  kind: 'headers',
  fabrics: ['routed'],
  draw(random) {
    const to = random.pick(['e', 'f'] as const);
    const ttl = random.pick([64, 65, 128, 255, 3]);
    const hook = random.pick([
      ['prerouting', -150],
      ['forward', 0],
      ['postrouting', 0],
    ] as const);
    return rewriting(to, {
      primitive: this.name,
      place: 'host',
      fabric: 'routed',
      detail: `${ttl} at ${hook[0]} for ${to}`,
      probe: routedProbe(to),
      expect: 'separated',
      setup: [
        'nft add table ip adv',
        `nft 'add chain ip adv x { type filter hook ${hook[0]} priority ${hook[1]} ; }'`,
        `nft 'add rule ip adv x ip saddr ${a.ip} ip ttl set ${ttl}'`,
      ],
      undo: ['nft delete table ip adv'],
    });
  },
};

/** Bridged packets that the host's NAT sends to another guest: br_netfilter's doing. */
export const bridgedNat: Primitive = {
  name: 'dnat of bridged packets',
  kind: 'headers',
  fabrics: ['routed'],
  draw(random) {
    const to = random.pick(['c', 'd'] as const);
    return rewriting(to, {
      primitive: this.name,
      place: 'bridge',
      fabric: 'routed',
      detail: to,
      probe: privateProbe('ipv4-udp', 16),
      setup: [
        forgetConnections,
        `ip neigh replace ${guests[to].ip} lladdr ${guests[to].mac} dev br0`,
        'ip link set dev br0 type bridge nf_call_iptables 1',
        'nft add table ip adv',
        "nft 'add chain ip adv x { type nat hook prerouting priority -100 ; }'",
        `nft 'add rule ip adv x ip saddr ${a.ip} ip daddr ${b.ip} dnat to ${guests[to].ip}'`,
      ],
      undo: ['nft delete table ip adv', 'ip link set dev br0 type bridge nf_call_iptables 0'],
    });
  },
};

/** Shows first that the program and its table nat are there: a kernel without it is no fault of the adversary. */
const tried = (program: string): string =>
  `${program} -t nat -L >/dev/null || { echo "not supported: ${program} -t nat" >&2; exit 8; }`;

/** iptables' and ebtables' own targets, where those programs and tables are. */
export const legacyTables: Primitive = {
  name: 'xtables',
  kind: 'headers',
  fabrics: ['linux', 'routed'],
  draw(random, fabric) {
    if (fabric === 'routed') {
      const program = random.pick(['iptables-legacy', 'iptables-nft']);
      const to = random.pick(['e', 'f'] as const);
      return rewriting(to, {
        primitive: `${program} MASQUERADE`,
        place: 'host',
        fabric,
        detail: to,
        probe: routedProbe(to),
        expect: 'separated',
        setup: [
          tried(program),
          forgetConnections,
          `${program} -t nat -A POSTROUTING -s 10.9.0.0/24 -o br1 -j MASQUERADE`,
        ],
        undo: [`${program} -t nat -F POSTROUTING`],
      });
    }
    const program = random.pick(['ebtables-legacy', 'ebtables-nft']);
    const to = random.pick(['c', 'd'] as const);
    const rule = random.pick([
      `-A PREROUTING -i p0 -d ${b.mac} -j dnat --to-destination ${guests[to].mac}`,
      `-A PREROUTING -i p0 -p IPv4 -d ${b.mac} -j dnat --to-destination ${guests[to].mac}`,
    ]);
    return rewriting(to, {
      primitive: `${program} dnat`,
      place: 'bridge',
      detail: `${rule.includes('IPv4') ? 'IPv4' : 'all'} to ${to}`,
      probe: privateProbe('ipv4-udp', 16),
      setup: [tried(program), `${program} -t nat ${rule}`],
      undo: [`${program} -t nat -F PREROUTING`],
    });
  },
};

export const translations: readonly Primitive[] = [masquerade, destinationNat, hopLimit, bridgedNat, legacyTables];
