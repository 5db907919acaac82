import type { GuestRecord } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { normalizeMac } from './guest-of-port.js';
import { sandboxPath } from './sandbox.js';

/**
 * The interfaces of running containers, from `docker inspect ID…` (Podman prints the same shape). Neither names the
 * interface on the host: they are found by the namespace that holds their other end, or by MAC. A zone comes from the
 * Compose project. A pod's infra container is nobody: its members have its MAC.
 */
export function containerGuests(manager: 'docker' | 'podman', json: unknown): readonly GuestRecord[] {
  const found = objectsOf(json).map((container) => ({
    guests: interfacesOf(manager, container),
    infra: container['IsInfra'] === true,
  }));
  const members = new Set(found.flatMap(({ guests, infra }) => (infra ? [] : guests.map(({ mac }) => mac))));
  return found.flatMap(({ guests, infra }) => (infra ? guests.filter(({ mac }) => !members.has(mac)) : guests));
}

function interfacesOf(manager: 'docker' | 'podman', container: Fields): readonly GuestRecord[] {
  const name = textOf(container['Name'])?.replace(/^\//, '') ?? '';
  if (name === '' || fieldsOf(container['State'])?.['Running'] !== true) return [];
  const labels = fieldsOf(fieldsOf(container['Config'])?.['Labels']) ?? {};
  const project = textOf(labels['com.docker.compose.project']) ?? textOf(labels['io.podman.compose.project']);
  const settings = fieldsOf(container['NetworkSettings']);
  const netns = sandboxPath(textOf(settings?.['SandboxKey']));
  const id = textOf(container['Id']);
  const networks = objectsOf(Object.values(fieldsOf(settings?.['Networks']) ?? {}));
  return (networks.length > 0 ? networks : [settings ?? {}]).flatMap((network): readonly GuestRecord[] => {
    const mac = normalizeMac(textOf(network['MacAddress']));
    if (mac === null) return [];
    const ips = [network['IPAddress'], network['GlobalIPv6Address']].flatMap((ip) => textOf(ip) || []);
    const zone = project === null || project === '' ? null : { name: project, from: 'Compose project' };
    return [
      {
        manager,
        name,
        port: null,
        mac,
        ips,
        zone,
        firewall: null,
        ...(netns === null ? {} : { netns }),
        ...(id === null ? {} : { id }),
      },
    ];
  });
}

/**
 * The guest with its port on the host: the other end of the veth in its namespace that has its MAC. `inside`: `ip -j -d
 * link` in there; `links`: those of the bridges' namespace. The record as it was where there is no such pair, as with a
 * device that is no veth.
 */
export function withSandboxPort(guest: GuestRecord, inside: unknown, links: readonly LinkState[]): GuestRecord {
  const own = objectsOf(inside).find(
    ({ address }) => typeof address === 'string' && address.toLowerCase() === guest.mac,
  );
  const port = links.find(
    ({ ifindex, peer }) => own !== undefined && ifindex === own['link_index'] && peer === own['ifindex'],
  )?.name;
  return port === undefined ? guest : { ...guest, port };
}
