import { portsOf, entriesOf } from '../host.js';
import type { Endpoint } from '../../model/scenario.js';
import type { NeighbourState } from '../../model/routing-state.js';
import type { HostState, LinkState } from '../../model/state.js';
import { isOn } from '../setting-value.js';
import type { Bypass } from './bypasses.js';

/** bridge(8). */
const answeredFor = ['neigh_suppress', 'neigh_vlan_suppress', 'proxy_arp_wifi'] as const;
const answered = 'proxy_arp';

function has({ port }: LinkState, flag: string): boolean {
  const value = port?.[flag];
  return value !== undefined && isOn(value);
}

/** True if some port answers ARP or neighbour solicitations. */
export function answersNeighbours(link: LinkState): boolean {
  return has(link, answered) || answeredFor.some((flag) => has(link, flag));
}

interface Place {
  readonly bridge: string;
  readonly state: HostState;
  readonly endpoints: readonly Pick<Endpoint, 'name' | 'macs' | 'ips'>[];
}

function answeredPorts({ bridge, state }: Place, { mac }: NeighbourState): readonly string[] {
  const ports = portsOf(state, bridge);
  const at = new Set(entriesOf(state, mac).flatMap((entry) => (entry.master === bridge ? [entry.port] : [])));
  const isAnyAnswered = ports.some((link) => has(link, answered));
  return ports.flatMap((port) =>
    at.has(port.name) && (isAnyAnswered || answeredFor.some((flag) => has(port, flag))) ? [port.name] : [],
  );
}

function wrongAnswer(place: Place, entry: NeighbourState): readonly Bypass[] {
  const ports = answeredPorts(place, entry);
  const { endpoints, bridge } = place;
  const { address, mac, device, isStatic } = entry;
  const owners = endpoints.filter(({ ips }) => ips.some((ip) => ip.address === address));
  const isOwners = owners.some(({ macs }) => macs.includes(mac));
  const isGuests = endpoints.some(({ macs }) => macs.includes(mac));
  if (ports.length === 0 || (owners.length > 0 ? isOwners && !isStatic : !(isStatic && isGuests))) return [];
  const [owner] = owners;
  const because =
    owner === undefined || isOwners ? 'nothing but a static entry says whose it is' : `it is ${owner.name}'s`;
  return [
    {
      what: `neighbour entry ${address} ${mac}`,
      where: `${device} (${bridge})`,
      remedy: `the bridge answers for ${address} with it, so that frames go to ${ports.join(', ')}, and ${because}; delete it (ip neigh del ${address} dev ${device}), or answer for it with trust`,
    },
  ];
}

/**
 * Neighbour entries whose answer has a wrong MAC, or one that only a static entry confirms. The bridge answers if it
 * knows the MAC (br_do_proxy_suppress_arp, net/bridge/br_arp_nd_proxy.c).
 */
export function answerBypasses(
  state: HostState,
  bridges: ReadonlySet<string>,
  endpoints: Place['endpoints'],
): readonly Bypass[] {
  const { neighbours = [], links } = state;
  const bridgeOf = new Map(
    links.flatMap(({ name, kind, lower }): readonly (readonly [string, string])[] => {
      if (bridges.has(name)) return [[name, name]];
      return kind === 'vlan' && bridges.has(lower ?? '') ? [[name, lower ?? '']] : [];
    }),
  );
  return neighbours.flatMap((entry) => {
    const bridge = bridgeOf.get(entry.device);
    return bridge === undefined ? [] : wrongAnswer({ bridge, state, endpoints }, entry);
  });
}
