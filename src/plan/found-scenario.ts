import type { HostState, LinkState } from '../model/state.js';
import { VerifyError } from '../model/verify-error.js';
import { endpointName } from './endpoint-name.js';
import { deafness, macsBehind, type Neighbour } from './host-topology.js';

/** Kinds of virtual links that lead out of the machine; a link without a kind is a NIC (`ip -d link`). */
const outwardKinds: readonly (string | null)[] = [null, 'bond', 'team', 'vlan', 'vxlan', 'gretap', 'geneve'];

/** An endpoint as a scenario file has it. */
interface WrittenEndpoint {
  readonly bridge: string;
  readonly port: string;
  readonly role?: 'uplink';
  readonly mac?: string;
  readonly ip?: string;
}

/** A scenario file as data: what runs on a bridge now, and a first question to ask about it. */
export interface FoundScenario {
  readonly version: 1;
  readonly name: string;
  readonly topology: { readonly provider: 'host'; readonly bridges: Readonly<Record<string, object>>; readonly endpoints: Readonly<Record<string, WrittenEndpoint>> };
  readonly steps: readonly object[];
}

/** The bridge that is meant: the one named, or the only one with ports. Throws VerifyError: 69 where there is none, 64 where there are several. */
export function chooseBridge(state: HostState, named: string | null): string {
  const withPorts = state.links.filter(({ name, kind }) => kind === 'bridge' && state.links.some(({ master }) => master === name)).map(({ name }) => name);
  if (named !== null) {
    if (withPorts.includes(named)) return named;
    throw new VerifyError('interface-gone', 69, `there is no Linux bridge ${JSON.stringify(named)} with ports`, withPorts.length === 0 ? 'no bridge here has any' : `there are: ${withPorts.map((name) => JSON.stringify(name)).join(', ')}`);
  }
  const [first, second] = withPorts;
  if (first === undefined) throw new VerifyError('interface-gone', 69, 'there is no Linux bridge with ports', 'run it on the virtualization host, in the namespace of its bridge');
  if (second !== undefined) throw new VerifyError('usage', 64, `there are several bridges: ${withPorts.map((name) => JSON.stringify(name)).join(', ')}`, 'choose one with --bridge');
  return first;
}

/**
 * A scenario of what runs on a bridge: every port that can be heard, with the MAC and address on record, and a step in which guests talk to the
 * uplink (else two guests to each other) while everybody else listens. Throws VerifyError (3) where too little is known to ask anything.
 */
export function foundScenario(state: HostState, neighbours: readonly Neighbour[], bridge: string): FoundScenario {
  const ports = state.links.filter((link) => link.master === bridge && deafness(link) === null);
  const taken = new Set<string>([bridge]);
  const entries = ports.map((link) => {
    const name = endpointName(link.name, taken);
    taken.add(name);
    return [name, writtenEndpoint(link, state, neighbours, bridge)] as const;
  });
  const speaking = entries.filter(([, { mac }]) => mac !== undefined);
  const guests = speaking.filter(([, { role }]) => role === undefined).map(([name]) => name);
  const uplink = speaking.find(([, { role }]) => role === 'uplink')?.[0];
  const [first, second] = guests;
  const [from, to] = uplink === undefined ? [first, second] : [guests, uplink];
  if (entries.length < 3 || from === undefined || to === undefined || from.length === 0) {
    throw new VerifyError('too-little-found', 3, `${bridge} has ${entries.length} ports that can be heard, ${speaking.length} of them with a known MAC: two must talk while a third listens`, 'start the guests, let each speak once (a ping will do), and run init again');
  }
  return {
    version: 1,
    name: `host-${bridge}`,
    topology: { provider: 'host', bridges: { [bridge]: {} }, endpoints: Object.fromEntries(entries) },
    steps: [{ name: 'nobody overhears known unicast', probe: [{ class: 'known-unicast', from, to, both_ways: true, count: 100 }], expect: 'private' }],
  };
}

function writtenEndpoint(link: LinkState, state: HostState, neighbours: readonly Neighbour[], bridge: string): WrittenEndpoint {
  const macs = macsBehind(state.fdb, bridge, link.name);
  const mac = macs.find((one) => neighbours.some((neighbour) => neighbour.mac === one)) ?? macs[0];
  const ip = neighbours.find((neighbour) => neighbour.mac === mac && !neighbour.address.includes(':'))?.address;
  return {
    bridge, port: link.name, ...(outwardKinds.includes(link.kind) ? { role: 'uplink' as const } : {}),
    ...(mac === undefined ? {} : { mac }), ...(ip === undefined ? {} : { ip: `${ip}/24` }),
  };
}
