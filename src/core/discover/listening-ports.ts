import type { HostState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { isOutward } from './found-endpoints.js';
import { deafness, endpointName, macsBehind } from './host-topology.js';

/** A port of a bridge at which something can be heard. */
export interface ListeningPort {
  readonly name: string;
  readonly port: string;
  readonly role: 'guest' | 'uplink';
}

/**
 * The ports of a bridge that can be heard, under names that files may have. `asked`: of these, who is reported; empty =
 * all. Throws VerifyError (69) where one of them is none.
 */
export function listeningPorts(
  state: HostState,
  bridge: string,
  asked: readonly string[],
): { readonly ports: readonly ListeningPort[]; readonly reported: readonly ListeningPort[] } {
  const taken = new Set<string>();
  const links = state.links.filter((link) => link.master === bridge && deafness(link) === null);
  const ports = links.map((link): ListeningPort => {
    const name = endpointName(link.name, taken);
    taken.add(name);
    return { name, port: link.name, role: isOutward(link) ? 'uplink' : 'guest' };
  });
  const wrong = asked.filter((port) => !ports.some((known) => known.port === port));
  if (wrong.length > 0) {
    throw new VerifyError(
      'interface-gone',
      69,
      `nothing can be heard at ${wrong.map((port) => JSON.stringify(port)).join(', ')}`,
      `ports of ${bridge} that can be heard: ${ports.map(({ port }) => JSON.stringify(port)).join(', ') || 'none'}`,
    );
  }
  return { ports, reported: asked.length === 0 ? ports : ports.filter(({ port }) => asked.includes(port)) };
}

/** MACs on record behind each port, by its name: what the bridge knew before and what it knows now. */
export function macsOnRecord(
  ports: readonly ListeningPort[],
  bridge: string,
  states: readonly HostState[],
): ReadonlyMap<string, readonly string[]> {
  return new Map(
    ports.map(({ name, port }) => [name, [...new Set(states.flatMap((state) => macsBehind(state.fdb, bridge, port)))]]),
  );
}
