import { entriesOf, linkNamed } from '../../bridge/host.js';
import type { ConfigurationManager } from '../../model/fix.js';
import type { IsolatedPort } from '../../model/host-config.js';
import type { HostState, LinkState } from '../../model/state.js';
import { readDomain } from '../guests/libvirt.js';
import { childOf, readXml, type XmlElement } from '../guests/read-xml.js';

const by = 'libvirt';

/** A network of libvirt (libvirt.org/formatnetwork.html): its guests' bridge, and whether their ports are isolated. */
export interface LibvirtNetwork {
  readonly name: string;
  readonly bridge: string | null;
  /** libvirt makes the bridge, unless `<forward>` names an existing one. */
  readonly isManaged: boolean;
  readonly isolated: boolean;
}

function isolatedIn(element: XmlElement): boolean | null {
  const value = childOf(element, 'port')?.attributes['isolated'];
  return value === undefined ? null : value === 'yes';
}

/** From `virsh -r net-dumpxml`. Throws Error if the text is no network. */
export function libvirtNetwork(xml: string): LibvirtNetwork {
  const network = readXml(xml);
  const name = childOf(network, 'name')?.text ?? '';
  if (network.name !== 'network' || name === '') throw new Error('line 1: no <network> with a <name>');
  const bridge = childOf(network, 'bridge');
  const isManaged = !['bridge', 'private', 'vepa', 'passthrough', 'hostdev'].includes(
    childOf(network, 'forward')?.attributes['mode'] ?? 'nat',
  );
  return {
    name,
    bridge: bridge?.attributes['name'] ?? null,
    isManaged,
    isolated: isolatedIn(network) ?? false,
  };
}

interface DomainPort {
  readonly guest: string;
  readonly mac: string;
  readonly bridge: string;
  /** The network that names the bridge; null = the domain does. */
  readonly network: string | null;
  readonly isolated: boolean;
}

/** As bridges know the guest's MAC, or as libvirt's tap has it (first byte fe). */
function deviceOf(mac: string, state: Pick<HostState, 'links' | 'fdb'>): string | undefined {
  const port = entriesOf(state, mac).find((entry) => entry.master !== null && entry.state !== 'permanent')?.port;
  const tap = (): LinkState | undefined =>
    state.links.find((link) => link.master !== null && link.mac === `fe${mac.slice(2)}`);
  return (linkNamed(state, port) ?? tap())?.name;
}

function portsOf(xml: string, networks: readonly LibvirtNetwork[]): readonly DomainPort[] {
  const { name: guest, interfaces } = readDomain(xml);
  return interfaces.flatMap(({ device, mac }) => {
    const source = childOf(device, 'source')?.attributes ?? {};
    const network = networks.find(({ name }) => name === source['network']);
    const bridge = source['bridge'] ?? network?.bridge ?? null;
    const isolated = isolatedIn(device) ?? network?.isolated ?? false;
    const naming = source['bridge'] === undefined ? (network?.name ?? null) : null;
    return mac === null || bridge === null ? [] : [{ guest, mac, bridge, network: naming, isolated }];
  });
}

/**
 * Ports with `<port isolated='yes'/>` in a domain (`virsh -r dumpxml --inactive`, libvirt.org/formatdomain.html) or its
 * network, found by MAC: each start makes the host's port anew.
 */
export function libvirtIsolated(xml: string, networks: readonly LibvirtNetwork[]): readonly IsolatedPort[] {
  return portsOf(xml, networks).flatMap(({ mac, isolated }) => (isolated ? [{ by, device: null, mac }] : []));
}

/** Bridges that libvirt's networks make, not existing ones (`forward mode='bridge'`). */
export function libvirtNetworkManagers(networks: readonly LibvirtNetwork[]): readonly ConfigurationManager[] {
  return networks.flatMap(({ name, bridge, isManaged }): readonly ConfigurationManager[] =>
    bridge === null || !isManaged ? [] : [{ by: 'libvirt', device: bridge, keeps: 'network', network: name }],
  );
}

/** A domain's ports, found by MAC. Throws Error if the text is no domain. */
export function libvirtDomainManagers(
  xml: string,
  networks: readonly LibvirtNetwork[],
  state: Pick<HostState, 'links' | 'fdb'>,
): readonly ConfigurationManager[] {
  return portsOf(xml, networks).flatMap(({ isolated: _, ...port }): readonly ConfigurationManager[] => {
    const device = deviceOf(port.mac, state);
    return device === undefined ? [] : [{ by, device, keeps: 'guest', ...port }];
  });
}
