import type { GuestRecord } from '../model/host-config.js';
import type { FdbState, HostState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { deafness, isOutward, macsBehind } from '../bridge/view.js';
import { endpointName } from './host-topology.js';

/** An observable port of a bridge. */
export interface ListeningPort {
  readonly name: string;
  readonly port: string;
  readonly role: 'guest' | 'uplink';
}

/**
 * A bridge's observable ports, under names for files. `wanted`: those to report; empty = all. Throws VerifyError (69)
 * if one is not a port of the bridge.
 */
export function listeningPorts(
  state: HostState,
  bridge: string,
  wanted: readonly string[],
): { readonly ports: readonly ListeningPort[]; readonly reported: readonly ListeningPort[] } {
  const taken = new Set<string>();
  const links = state.links.filter(
    (link) => link.master === bridge && link.kind !== 'patch' && deafness(link) === null,
  );
  const ports = links.map((link): ListeningPort => {
    const name = endpointName(link.name, taken);
    taken.add(name);
    return { name, port: link.name, role: isOutward(link) ? 'uplink' : 'guest' };
  });
  const wrong = wanted.filter((port) => !ports.some((known) => known.port === port));
  if (wrong.length > 0) {
    throw new VerifyError(
      'interface-gone',
      69,
      `nothing can be heard at ${wrong.map((port) => JSON.stringify(port)).join(', ')}`,
      `ports of ${bridge} that can be heard: ${ports.map(({ port }) => JSON.stringify(port)).join(', ') || 'none'}`,
    );
  }
  return { ports, reported: wanted.length === 0 ? ports : ports.filter(({ port }) => wanted.includes(port)) };
}

/**
 * MACs behind each port, by its name: from the bridge's earlier and present entries, and from frames heard there while
 * a static entry has it elsewhere. Such an entry is no proof: a MAC heard at another port, or that `guests` has there,
 * is not this one's. `spoke`: MACs heard at one port only.
 */
export function macsOnRecord(
  ports: readonly ListeningPort[],
  bridge: string,
  states: readonly HostState[],
  { guests = [], spoke = new Map() }: WhoElse = {},
): ReadonlyMap<string, readonly string[]> {
  const known = (port: string): readonly string[] => states.flatMap((state) => macsBehind(state, bridge, port));
  const written = new Set(
    states.flatMap(({ fdb }) => fdb.flatMap(({ state, mac }) => (state === 'static' ? [mac] : []))),
  );
  const isElsewhere = (mac: string, { name, port }: ListeningPort): boolean =>
    written.has(mac) &&
    ports.some(
      (neighbour) =>
        neighbour.name !== name &&
        ((spoke.get(neighbour.name)?.includes(mac) ?? false) ||
          guests.some((guest) => guest.mac === mac && guest.port === neighbour.port && guest.port !== port)),
    );
  return new Map(
    ports.map((listening) => {
      const here = (spoke.get(listening.name) ?? []).filter((mac) => written.has(mac));
      const macs = new Set([...known(listening.port), ...here]);
      return [listening.name, [...macs].filter((mac) => !isElsewhere(mac, listening))];
    }),
  );
}

/**
 * Newly learned entries, without MACs that `before` or `guests` has at another port: a guest may send with another's
 * MAC.
 */
export function learnedAnew(
  learned: readonly FdbState[],
  before: HostState,
  guests: readonly Pick<GuestRecord, 'mac' | 'port'>[] = [],
): readonly FdbState[] {
  const bridgeOf = new Map(before.links.map(({ name, master }) => [name, master]));
  const onRecord = [
    ...before.fdb,
    ...guests.map(({ mac, port }) => ({ mac, port, master: bridgeOf.get(port ?? '') ?? null })),
  ];
  const portsOf = new Map<string, Set<string>>();
  for (const { mac, port, master } of onRecord) {
    if (mac === null || port === null || master === null) continue;
    const key = `${master} ${mac}`;
    portsOf.set(key, (portsOf.get(key) ?? new Set()).add(port));
  }
  return learned.filter(({ mac, port, master }) => portsOf.get(`${master ?? ''} ${mac}`)?.has(port) ?? true);
}

/** Sources of MACs' places beside the forwarding database. */
export interface WhoElse {
  readonly guests?: readonly Pick<GuestRecord, 'mac' | 'port'>[];
  readonly spoke?: ReadonlyMap<string, readonly string[]>;
}
