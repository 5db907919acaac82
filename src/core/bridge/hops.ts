import { linkNamed, portsOf } from './host.js';
import { placeOf } from '../model/attach.js';
import type { Hop } from '../model/attach.js';
import type { Endpoint, Scenario } from '../model/scenario.js';
import { type HostState, type LinkState, pairKinds } from '../model/state.js';
import { isEndOfGuest } from './beside.js';
import { isOutward } from './view.js';
import { findNamed } from '../text/collections.js';

/** By the port of the other bridge. */
export type Hops = ReadonlyMap<string, Hop>;

interface Joint extends Hop {
  readonly port: string;
  /** The other bridge. */
  readonly next: LinkState;
  readonly ifindex: number;
}

const bridgeKinds: readonly (string | null)[] = ['bridge', 'openvswitch'];

/**
 * Hops by structure. `addresses`: by device. A bridge with an address, a further port or a device on top is separate.
 */
export function hopsOf(
  state: Pick<HostState, 'links'>,
  addresses: Readonly<Record<string, readonly string[]>> = {},
): Hops {
  const { links } = state;
  const stoodOn = new Set(links.flatMap(({ kind, lower }) => (pairKinds.includes(kind) ? [] : (lower ?? []))));
  const isBare = ({ name }: LinkState): boolean => !stoodOn.has(name) && (addresses[name] ?? []).length === 0;
  const farEnd = ({ kind, lower, master }: LinkState): Pick<Joint, 'port' | 'next'> | null => {
    const peer = pairKinds.includes(kind) ? linkNamed(state, lower) : undefined;
    const next = linkNamed(state, peer?.master);
    if (peer === undefined || next === undefined || next.name === master || !bridgeKinds.includes(next.kind))
      return null;
    return portsOf(state, next.name).length > 1 ? { port: peer.name, next } : null;
  };
  const joints = links.flatMap((bridge): readonly Joint[] => {
    const ports = portsOf(state, bridge.name);
    if (!bridgeKinds.includes(bridge.kind) || bridge.master !== null || ports.length !== 2) return [];
    const [far] = ports.flatMap((port) => farEnd(port) ?? []);
    // Nobody can listen at a patch port itself
    const isPatched = ports.some(({ kind }) => kind === 'patch');
    const near = ports.find((port) => isEndOfGuest(port) || (isPatched && isOutward(port)));
    return near === undefined || far === undefined || ![bridge, ...ports].every(isBare)
      ? []
      : [{ ...far, bridge: bridge.name, near: near.name, ifindex: bridge.ifindex }];
  });
  const older = new Map(joints.map(({ bridge, ifindex }) => [bridge, ifindex]));
  // Of two that lead to each other the older one is the network
  return new Map(
    joints
      .filter(({ next, ifindex }) => ifindex > (older.get(next.name) ?? -1))
      .map(({ port, bridge, near }) => [port, { bridge, near }]),
  );
}

export function hopBridges(hops: Hops): ReadonlySet<string> {
  return new Set([...hops.values()].map(({ bridge }) => bridge));
}

/** Puts guests behind hops at their bridge's port, whichever end the file names. */
export function withHops(scenario: Scenario, hops: Hops, state: HostState): Scenario {
  const ends = new Map([...hops].map(([port, hop]) => [hop.near, port]));
  const endpoints = scenario.topology.endpoints.map((endpoint): Endpoint => {
    const { port, bridge, attach } = endpoint;
    if (port === null || placeOf(attach) !== 'port') return endpoint;
    const far = ends.get(port) ?? port;
    const hop = hops.get(far);
    return hop === undefined || linkNamed(state, far)?.master !== bridge ? endpoint : { ...endpoint, port: far, hop };
  });
  return { ...scenario, topology: { ...scenario.topology, endpoints } };
}

/** A bridge port and its guest's end. */
export interface PortEnds {
  readonly link: LinkState;
  /** The guest's port, or the NIC. Behind a hop not `link`. */
  readonly end: LinkState;
  /** MACs of a hop's devices, which the bridge learns. */
  readonly between: ReadonlySet<string>;
}

/** Bridge ports, without patch ports to a separate network. */
export function portEnds(state: Pick<HostState, 'links'>, bridge: string, hops: Hops): readonly PortEnds[] {
  return portsOf(state, bridge)
    .filter(({ name, kind }) => kind !== 'patch' || hops.has(name))
    .map((link) => {
      const hop = hops.get(link.name);
      if (hop === undefined) return { link, end: link, between: new Set() };
      const devices = [...portsOf(state, hop.bridge), linkNamed(state, hop.bridge)].filter(
        (device) => device !== undefined,
      );
      const end = findNamed(devices, hop.near) ?? link;
      return { link, end, between: new Set(devices.map(({ mac }) => mac)) };
    });
}
