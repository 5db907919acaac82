import type { NeighbourState } from '../../model/routing-state.js';
import type { HostState } from '../../model/state.js';
import type { Neighbour } from '../host-topology.js';
import type { TwinEndpoint } from './endpoints.js';

/** Commands for a twin's bridge to answer ARP like the live one, and steps that try wrong answers. */
export interface CopiedNeighbours {
  readonly commands: readonly (readonly string[])[];
  readonly steps: readonly object[];
  readonly missing: readonly string[];
}

const listed = (value: string | readonly string[] | undefined): readonly string[] => [value ?? []].flat();

const hasAddress = ({ ip }: TwinEndpoint, address: string): boolean =>
  listed(ip).some((written) => written.split('/')[0] === address);

/**
 * Neighbour entries by which the live bridge answers (`neigh_suppress`, `proxy_arp`): only for MACs in its FDB, never
 * at a port with `neigh_suppress` (br_do_proxy_suppress_arp, net/bridge/br_arp_nd_proxy.c). If the MAC is another
 * endpoint's, a third guest pings the address through its own stack.
 */
export function copiedNeighbours(
  { neighbours }: Pick<HostState, 'neighbours'>,
  bridge: string,
  endpoints: Readonly<Record<string, TwinEndpoint>>,
): CopiedNeighbours {
  const entries = (neighbours ?? []).filter(({ device }) => device === bridge);
  const named = Object.entries(endpoints);
  const holdersOf = (mac: string): typeof named => named.filter(([, endpoint]) => listed(endpoint.mac).includes(mac));
  const missing: string[] = [];
  const ownerOf = (address: string): string | undefined =>
    named.find(([, endpoint]) => hasAddress(endpoint, address))?.[0];
  /** Several may have an address (VRRP): any of them is right. */
  const isOwners = ({ address, mac }: NeighbourState): boolean =>
    holdersOf(mac).some(([, endpoint]) => hasAddress(endpoint, address));
  const traffic = entries.flatMap((entry): readonly object[] => {
    const { address, mac } = entry;
    const [owner, holders] = [ownerOf(address), holdersOf(mac).map(([name]) => name)];
    if (holders.length === 0 || isOwners(entry)) return [];
    const from = named.find(
      ([name, { role, settings }]) =>
        role === undefined && settings?.['neigh_suppress'] !== 'on' && name !== owner && !holders.includes(name),
    )?.[0];
    if (owner !== undefined && from !== undefined) return [{ kind: 'ping', from, to: owner }];
    missing.push(
      `the answer ${mac} of ${bridge} for ${address}: ${owner === undefined ? 'no record says whose address that is' : 'no third guest is given it'}`,
    );
    return [];
  });
  const learned = entries.flatMap(({ mac }) =>
    holdersOf(mac).flatMap(([, { port }]) =>
      port === undefined ? [] : [['bridge', 'fdb', 'replace', mac, 'dev', port, 'master', 'dynamic']],
    ),
  );
  return {
    commands: [
      // the owner's first frame would correct a wrong entry that is not permanent
      ...entries.map((entry) => [
        ...['ip', 'neigh', 'replace', entry.address, 'lladdr', entry.mac, 'dev', bridge],
        ...['nud', isOwners(entry) && !entry.isStatic ? 'stale' : 'permanent'],
      ]),
      ...learned,
    ],
    steps:
      traffic.length === 0
        ? []
        : [{ name: 'an answer of the bridge leads to no other guest', traffic, expect: 'private' }],
    missing,
  };
}

/**
 * Guests' addresses if a bridge answers for them, without static neighbour entries and those that another record
 * contradicts.
 */
export function addressesBeside(
  { neighbours }: Pick<HostState, 'neighbours'>,
  known: readonly Neighbour[],
  records: readonly Neighbour[],
): readonly Neighbour[] {
  const answers = neighbours ?? [];
  const isStatic = ({ address, mac }: Neighbour): boolean =>
    answers.some((entry) => entry.isStatic && entry.address === address && entry.mac === mac);
  const isContradicted = ({ address, mac }: Neighbour): boolean =>
    records.some((recorded) => recorded.address === address && recorded.mac !== mac);
  return [
    ...known.filter((neighbour) => answers.length === 0 || !(isStatic(neighbour) || isContradicted(neighbour))),
    ...records,
  ];
}
