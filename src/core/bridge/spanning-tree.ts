import type { LinkState } from '../model/state.js';
import { counted } from '../text/escape.js';
import { hopsOf } from './hops.js';

/** What spanning tree has not come to the end of on a bridge of the kernel's. */
export interface Settling {
  readonly bridge: string;
  /** Ports that will forward: they listen or learn. */
  readonly ports: readonly string[];
  /**
   * It takes no longer than this, in ms: twice forward_delay until a port forwards, then max_age + forward_delay of a
   * topology change, in which what was learned ages early (br_topology_change_detection; net/bridge/br_stp.c).
   */
  readonly maxMs: number;
}

const onTheWay: readonly unknown[] = ['listening', 'learning'];

/** Bridges of which guests sit behind a hop's port count as the bridge that the hop leads to. */
function withHopsOf(names: ReadonlySet<string>, links: readonly LinkState[]): ReadonlySet<string> {
  const masters = new Map(links.map(({ name, master }) => [name, master]));
  const hops = [...hopsOf({ links })].flatMap(([port, { bridge }]) =>
    names.has(masters.get(port) ?? '') ? [bridge] : [],
  );
  return new Set([...names, ...hops]);
}

/**
 * Bridges that a guest which started, or a cable, has set in motion. `names`: only these, and the hops to them; null =
 * all of the host. Times are the kernel's hundredths of a second.
 */
export function settlingBridges(links: readonly LinkState[], names: readonly string[] | null): readonly Settling[] {
  const wanted = names === null ? null : withHopsOf(new Set(names), links);
  return links.flatMap(({ name, bridge }) => {
    if (bridge === null || (wanted !== null && !wanted.has(name))) return [];
    const ports = links.flatMap((link) =>
      link.master === name && onTheWay.includes(link.port?.['state']) ? [link.name] : [],
    );
    if (ports.length === 0 && bridge['topology_change'] !== 1) return [];
    const [delay, age] = [Number(bridge['forward_delay'] ?? 0), Number(bridge['max_age'] ?? 0)];
    return [{ bridge: name, ports, maxMs: 10 * ((ports.length > 0 ? 2 * delay : 0) + age + delay) }];
  });
}

/** Why it is waited, and for how long at most. `remainingMs`: until it is waited no more. */
export function settlingText(settling: readonly Settling[], remainingMs: number): string {
  const bridges = settling.map(({ bridge, ports }) =>
    ports.length > 0
      ? `${counted(ports.length, 'port')} of ${bridge} ${ports.length === 1 ? 'does' : 'do'} not forward yet`
      : `a topology change makes ${bridge} forget MACs early`,
  );
  return `spanning tree: ${bridges.join(', ')}; waiting ${Math.ceil(remainingMs / 1000)} s at most`;
}
