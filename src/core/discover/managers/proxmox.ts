import type { ConfigurationManager } from '../../model/fix.js';
import type { IsolatedPort } from '../../model/host-config.js';
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

/** With firewall the port is `fwpr<ID>p<N>` in place of the guest's own, which is on `fwbr<ID>i<N>`. */
export function proxmoxIsolated(
  managers: readonly ConfigurationManager[],
  isolating: ReadonlySet<string>,
): readonly IsolatedPort[] {
  return managers.flatMap((port) =>
    port.by === 'Proxmox VE' && isolating.has(port.bridge) ? [{ by: port.by, device: port.device, mac: null }] : [],
  );
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
