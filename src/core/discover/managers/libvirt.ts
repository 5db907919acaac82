import type { ConfigurationManager } from '../../model/fix.js';
import type { HostState } from '../../model/state.js';
import type { LibvirtNetwork } from '../declared/libvirt.js';
import { linkOfRecord } from '../../bridge/view.js';
import { normalizeMac } from '../guests/guest-manager.js';
import { childOf, readXml } from '../guests/read-xml.js';

/**
 * The bridges that libvirt's networks make themselves; a network that only points at a bridge of somebody else
 * (`forward mode='bridge'`) keeps none.
 */
export function libvirtNetworkManagers(networks: readonly LibvirtNetwork[]): readonly ConfigurationManager[] {
  return networks.flatMap(({ name, bridge, isManaged }): readonly ConfigurationManager[] =>
    bridge === null || !isManaged ? [] : [{ by: 'libvirt', device: bridge, keeps: 'network', network: name }],
  );
}

/**
 * The ports of a domain (`virsh -r dumpxml --inactive`), found on the host by their MAC. Throws Error where the text is
 * no domain.
 */
export function libvirtDomainManagers(
  xml: string,
  networks: readonly LibvirtNetwork[],
  state: Pick<HostState, 'links' | 'fdb'>,
): readonly ConfigurationManager[] {
  const domain = readXml(xml);
  const guest = childOf(domain, 'name')?.text ?? '';
  if (domain.name !== 'domain' || guest === '') throw new Error('line 1: no <domain> with a <name>');
  return (childOf(domain, 'devices')?.children ?? [])
    .filter(({ name }) => name === 'interface')
    .flatMap((element): readonly ConfigurationManager[] => {
      const mac = normalizeMac(childOf(element, 'mac')?.attributes['address']);
      const source = childOf(element, 'source')?.attributes ?? {};
      const network = networks.find(({ name }) => name === source['network']);
      const bridge = source['bridge'] ?? network?.bridge ?? null;
      const device = mac === null ? undefined : linkOfRecord({ device: null, mac }, state)?.name;
      return mac === null || bridge === null || device === undefined
        ? []
        : [
            {
              by: 'libvirt',
              device,
              keeps: 'guest',
              guest,
              mac,
              network: source['bridge'] === undefined ? (network?.name ?? null) : null,
              bridge,
            },
          ];
    });
}
