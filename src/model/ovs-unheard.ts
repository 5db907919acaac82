import type { HostState, OvsPortState } from './state.js';

/** Where frames of a bridge go and nobody listens: a port, or what gets copies. */
export interface UnheardPort {
  readonly bridge: string;
  readonly port: string;
  readonly reason: string;
}

/** Types of interfaces (ovs-vswitchd.conf.db(5), Interface, type) that carry frames to another machine. */
const tunnels: readonly string[] = [
  'bareudp',
  'erspan',
  'geneve',
  'gre',
  'gtpu',
  'ip6erspan',
  'ip6gre',
  'lisp',
  'srv6',
  'stt',
  'vxlan',
];

function whatItIs({ type = '' }: OvsPortState): string {
  if (type === 'bond') return 'a bond of several interfaces';
  if (type === 'patch') return 'a patch port, which leads to another bridge';
  if (tunnels.includes(type)) return `a tunnel (${type})`;
  if (type.startsWith('dpdk')) return `an interface of DPDK (${type})`;
  return type === '' || type === 'internal' ? 'its interface is in another network namespace' : `of type ${type}`;
}

/**
 * Ports that Open vSwitch forwards to and that are no interface of this network namespace, so that no packet socket
 * hears what leaves through them. Those that the switch has not taken get nothing, and are left out.
 */
export function unheardPorts({ links, ovs }: Pick<HostState, 'links' | 'ovs'>): readonly UnheardPort[] {
  const ports = (ovs?.ports ?? []).filter(({ ofport, type }) => ofport !== null || type === 'bond');
  if (ports.length === 0) return [];
  const heard = new Set(links.map(({ name }) => name));
  return ports
    .filter(({ name }) => !heard.has(name))
    .map((port) => ({
      bridge: port.bridge,
      port: port.name,
      reason: `${whatItIs(port)}: no packet socket hears what leaves there`,
    }));
}
