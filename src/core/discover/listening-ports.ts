import type { GuestRecord } from '../model/host-config.js';
import type { FdbState, HostState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { deafness, isOutward, macsBehind } from '../bridge/view.js';
import { endpointName } from './host-topology.js';

/** A port of a bridge at which something can be heard. */
export interface ListeningPort {
  readonly name: string;
  readonly port: string;
  readonly role: 'guest' | 'uplink';
}

/**
 * The ports of a bridge that can be heard, under names that files may have. `wanted`: the ones to report; empty =
 * all. Throws VerifyError (69) where one of them is not a port of the bridge.
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
 * MACs on record behind each port, by its name: what the bridge knew before and what it knows now, and what spoke there
 * alone where a static entry has it elsewhere. Such an entry is no proof: a MAC that speaks at another port, or that
 * `guests` has there, is not this one's. `spoke`: MACs that were heard at a port alone.
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
 * Entries that bridges learned meanwhile, but for MACs that `before` or `guests` has at another port. A guest may speak
 * with the MAC of another.
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

/** What says of MACs whose they are beside the bridge's forwarding database. */
export interface WhoElse {
  readonly guests?: readonly Pick<GuestRecord, 'mac' | 'port'>[];
  readonly spoke?: ReadonlyMap<string, readonly string[]>;
}
