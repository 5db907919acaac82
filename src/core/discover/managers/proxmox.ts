import type { ConfigurationManager } from '../../model/fix.js';
import { readProxmoxConfig } from '../guests/proxmox.js';

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
