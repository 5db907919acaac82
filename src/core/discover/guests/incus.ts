import type { GuestRecord } from '../../model/host-config.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { type GuestManager, normalizeMac } from './guest-manager.js';

declare module '../../model/host-config.js' {
  interface Managers {
    readonly incus: true;
    readonly lxd: true;
  }
}

export const incus: GuestManager = {
  what: 'Incus',
  queries: async () => [{ argv: ['incus', 'list', '--all-projects', '--format', 'json'] }],
  guests: ({ json }) => incusGuests('incus', json()),
};

export const lxd: GuestManager = {
  what: 'LXD',
  where: ['/var/lib/lxd/unix.socket', '/var/snap/lxd/common/lxd/unix.socket'],
  queries: async () => [{ argv: ['lxc', 'list', '--all-projects', '--format', 'json'] }],
  guests: ({ json }) => incusGuests('lxd', json()),
};

/**
 * Interfaces of running instances, from `incus list --all-projects --format json` (`lxc list` of LXD prints the same
 * shape). The state names the host's interface, `volatile.NIC.host_name` that of machines. The zone is the project
 * unless `default`, else the device's VLAN.
 */
export function incusGuests(manager: 'incus' | 'lxd', json: unknown): readonly GuestRecord[] {
  return objectsOf(json).flatMap((instance) => {
    const name = textOf(instance['name']);
    if (name === null || textOf(instance['status'])?.toLowerCase() !== 'running') return [];
    const config = fieldsOf(instance['expanded_config']) ?? fieldsOf(instance['config']) ?? {};
    const networks = objectsOf(Object.values(fieldsOf(fieldsOf(instance['state'])?.['network']) ?? {}));
    const nics = Object.entries(fieldsOf(instance['expanded_devices']) ?? {}).filter(
      ([, device]) => fieldsOf(device)?.['type'] === 'nic',
    );
    return nics.map(([nic, device]): GuestRecord => {
      const mac = normalizeMac(textOf(config[`volatile.${nic}.hwaddr`]) ?? textOf(fieldsOf(device)?.['hwaddr']));
      const state = networks.find((network) => normalizeMac(textOf(network['hwaddr'])) === mac && mac !== null);
      const port = textOf(state?.['host_name']) || textOf(config[`volatile.${nic}.host_name`]) || null;
      return {
        manager,
        name,
        id: `${textOf(instance['project']) ?? ''}/${name}`,
        port,
        mac,
        ips: addressesOf(state),
        zone: zoneOf(textOf(instance['project']), textOf(fieldsOf(device)?.['vlan'])),
      };
    });
  });
}

function addressesOf(state: Fields | undefined): readonly string[] {
  return objectsOf(state?.['addresses'])
    .filter((address) => address['scope'] === 'global')
    .flatMap((address) => textOf(address['address']) ?? []);
}

function zoneOf(project: string | null, vlan: string | null): GuestRecord['zone'] {
  if (project !== null && project !== '' && project !== 'default') return { name: project, from: 'project' };
  return vlan === null || vlan === '' ? null : { name: `vlan${vlan}`, from: 'VLAN' };
}
