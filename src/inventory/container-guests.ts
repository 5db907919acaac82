import { fieldsOf, objectsOf, textOf } from '../model/json-fields.js';
import type { GuestRecord } from '../model/guest-record.js';
import { macText } from './mac-text.js';

/**
 * The interfaces of running containers, from `docker inspect ID…` (Podman prints the same shape). Neither names the interface on the host: they are
 * found by MAC. A zone comes from the Compose project.
 */
export function containerGuests(manager: 'docker' | 'podman', json: unknown): readonly GuestRecord[] {
  return objectsOf(json).flatMap((container) => {
    const name = textOf(container['Name'])?.replace(/^\//, '') ?? '';
    if (name === '' || fieldsOf(container['State'])?.['Running'] !== true) return [];
    const labels = fieldsOf(fieldsOf(container['Config'])?.['Labels']) ?? {};
    const project = textOf(labels['com.docker.compose.project']) ?? textOf(labels['io.podman.compose.project']);
    const settings = fieldsOf(container['NetworkSettings']);
    const networks = objectsOf(Object.values(fieldsOf(settings?.['Networks']) ?? {}));
    return (networks.length > 0 ? networks : [settings ?? {}]).flatMap((network): readonly GuestRecord[] => {
      const mac = macText(textOf(network['MacAddress']));
      if (mac === null) return [];
      const ips = [network['IPAddress'], network['GlobalIPv6Address']].flatMap((ip) => textOf(ip) || []);
      return [{ manager, name, port: null, mac, ips, zone: project === null || project === '' ? null : { name: project, from: 'Compose project' }, firewall: null }];
    });
  });
}
