import type { ProbeClassName } from '../../model/scenario.js';

export interface TwinParties {
  readonly bridge: string;
  readonly guests: readonly string[];
  readonly uplink: string | null;
  readonly host: string | null;
  readonly tagged: boolean;
}

export interface WrittenStep {
  readonly name: string;
  readonly probe: readonly object[];
  readonly fdb?: object;
  readonly learn?: 'none';
}

const count = 50;

/**
 * A step for each class too risky for a host, disruptive ones last: one guest attacks another while all others listen.
 * Classes without parties are left out. The found scenario has every guest's known unicast.
 */
export function twinSteps({
  bridge,
  guests,
  uplink,
  host,
  tagged,
}: TwinParties): readonly (readonly [ProbeClassName, WrittenStep])[] {
  const [from = '', victim = ''] = guests;
  const to = uplink ?? victim;
  const gateway = host ?? uplink;
  const third = guests[2];
  const via = uplink ?? third;
  const probe = (name: ProbeClassName, sentence: string, keys: object): readonly [ProbeClassName, WrittenStep] => [
    name,
    { name: sentence, probe: [{ class: name, from, count, ...keys }] },
  ];
  return [
    probe('unknown-unicast', 'unknown unicast reaches no guest', {}),
    ...(tagged ? [probe('vlan-hop', 'no tag leads into another VLAN', {})] : []),
    ...(host === null ? [] : [probe('routed-bounce', 'the host does not route between guests', { to: victim })]),
    probe('mac-spoof', 'an invented source MAC does not pass', { to: victim }),
    probe('ip-spoof', 'an invented source address does not pass', { to: victim }),
    ...(via === undefined
      ? []
      : [
          probe('mac-steal', "a guest does not get what is another's by its MAC", { to: victim, via }),
          ...(gateway === null || third === undefined
            ? []
            : [
                probe('gateway-steal', "a guest does not get what is the gateway's by its MAC", {
                  to: gateway,
                  via: victim,
                }),
              ]),
          [
            'mac-flood',
            {
              name: 'a flood of sources makes no guest overhear',
              fdb: { flush: bridge },
              learn: 'none',
              probe: [{ class: 'mac-flood', from, to: victim, via, count: 2000, rate: 20_000 }],
            },
          ] as const,
        ]),
    probe('arp-spoof', 'false ARP does not reach its victim', { to: victim }),
    probe('ra-spoof', 'false router and neighbour advertisements reach no guest', {}),
    probe('dhcp-offer', 'a false DHCP offer reaches no guest', {}),
    probe('igmp-query', 'a query of a guest attracts no groups', { via: to }),
    probe('stp-root', 'a BPDU of a guest changes no root and reaches no guest', {}),
  ];
}
