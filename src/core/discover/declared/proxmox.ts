import type { ConfigurationManager } from '../../model/fix.js';
import type { Declared } from '../../model/host-config.js';
import { objectsOf, textOf } from '../../text/json-text.js';
import { readProxmoxConfig } from '../guests/proxmox.js';

/** VNets with "Isolate Ports", from `pvesh get /cluster/sdn/vnets --output-format json`. */
export function isolatingVnets(vnets: unknown): ReadonlySet<string> {
  const ticked = (value: unknown): boolean => value === 1 || value === '1' || value === true;
  return new Set(
    objectsOf(vnets)
      .filter((vnet) => ticked(vnet['isolate-ports']))
      .flatMap((vnet) => textOf(vnet['vnet']) ?? []),
  );
}

/**
 * A guest's ports by its configuration: bridge, VLAN on a filtering bridge, isolation by the VNet. With firewall the
 * port is `fwpr<ID>p<N>` in place of the guest's own, which is on `fwbr<ID>i<N>`.
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

/** A guest's ports (`qm config ID`, `pct config ID`), with and without firewall. `vnets`: names of the SDN's VNets. */
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
