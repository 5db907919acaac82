import type { ConfigurationManager } from '../../model/fix.js';
import type { Declared } from '../../model/host-config.js';
import { objectsOf, textOf } from '../../text/json-text.js';
import { readProxmoxConfig } from '../guests/proxmox.js';

/**
 * VNets whose guests' ports are to be isolated ("Isolate Ports"), from `pvesh get /cluster/sdn/vnets --output-format
 * json`.
 */
export function isolatingVnets(vnets: unknown): ReadonlySet<string> {
  const ticked = (value: unknown): boolean => value === 1 || value === '1' || value === true;
  return new Set(
    objectsOf(vnets)
      .filter((vnet) => ticked(vnet['isolate-ports']))
      .flatMap((vnet) => textOf(vnet['vnet']) ?? []),
  );
}

/**
 * What a guest's configuration says of its ports: their bridge, their VLAN on a bridge that filters, and whether the
 * VNet isolates them. With its firewall on, the port that counts is `fwpr<ID>p<N>`; that one takes the place of the
 * guest's own, which is then on `fwbr<ID>i<N>`.
 */
export function proxmoxDeclared(
  id: number,
  program: 'qm' | 'pct',
  config: string,
  isolating: ReadonlySet<string>,
): readonly Declared[] {
  return readProxmoxConfig(config).nics.flatMap(({ number, parts }): readonly Declared[] => {
    const bridge = parts.get('bridge') ?? '';
    if (bridge === '' || parts.get('link_down') === '1') return [];
    const device =
      parts.get('firewall') === '1' ? `fwpr${id}p${number}` : `${program === 'qm' ? 'tap' : 'veth'}${id}i${number}`;
    const common = {
      by: 'Proxmox VE',
      readFrom: `${program} config ${id}`,
      device,
      mac: null,
      apply: 'restart the guest',
    };
    const tag = Number(parts.get('tag'));
    return [
      // With a tag, a bridge that does not filter has one beside it for each VLAN (vmbr0v20), where the guest is.
      Number.isInteger(tag) && tag > 0
        ? ({ ...common, key: 'native_vlan', value: tag } as const)
        : ({ ...common, key: 'master', value: bridge } as const),
      ...(isolating.has(bridge)
        ? [
            {
              ...common,
              readFrom: `pvesh get /cluster/sdn/vnets (${bridge}: isolate-ports)`,
              key: 'isolated',
              value: true,
            } as const,
          ]
        : []),
    ];
  });
}

/**
 * The ports of a guest (`qm config ID`, `pct config ID`), with and without its firewall. `vnets`: names of the VNets of
 * the software-defined network.
 */
export function proxmoxManagers(
  id: number,
  program: 'qm' | 'pct',
  config: string,
  vnets: ReadonlySet<string>,
): readonly ConfigurationManager[] {
  const { values, nics } = readProxmoxConfig(config);
  const hookscript = values.get('hookscript');
  return nics.flatMap(({ number, parts }): readonly ConfigurationManager[] => {
    const bridge = parts.get('bridge') ?? '';
    const nic = `net${number}`;
    if (bridge === '') return [];
    const portName = `${program === 'qm' ? 'tap' : 'veth'}${id}i${number}`;
    return (parts.get('firewall') === '1' ? [`fwpr${id}p${number}`, portName] : [portName]).map((device) => ({
      by: 'Proxmox VE',
      device,
      program,
      id,
      nic,
      value: values.get(nic) ?? '',
      bridge,
      isVnet: vnets.has(bridge),
      ...(hookscript === undefined ? {} : { hookscript }),
    }));
  });
}
