import type { GuestRecord } from '../../model/host-config.js';
import type { LinkState } from '../../model/state.js';
import { VerifyError } from '../../model/verify-error.js';
import { type Fields, fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { type AskProgram, type GuestManager, idsIn, normalizeMac, rowsIn } from './guest-manager.js';
import { sandboxPath } from './sandbox.js';
import { given } from '../../text/collections.js';

declare module '../../model/host-config.js' {
  interface Managers {
    readonly docker: true;
    readonly podman: true;
  }
}

const maxTogether = 100;

export const docker = managerOf('docker', 'Docker', async () => '*');
export const podman: GuestManager = {
  ...managerOf('podman', 'Podman', isolatedNetworks),
  where: ['/var/lib/containers/storage'],
};

/**
 * Networks with `isolate`, kept apart by netavark (podman-network-create(1)); Podman before 4 has none, and its list no
 * options.
 */
async function isolatedNetworks(ask: AskProgram): Promise<string> {
  const listed = await ask(['podman', 'network', 'ls', '--format', '{{.Name}} {{.Options}}']).catch(
    (error: unknown) => {
      if (error instanceof VerifyError) return '';
      throw error;
    },
  );
  return rowsIn(listed)
    .flatMap(([name = '', ...options]) => (/\bisolate:(true|strict)\b/.test(options.join(' ')) ? [name] : []))
    .join(' ');
}

/** `apartOf`: names of networks that the manager keeps apart from each other, `*` = all. */
function managerOf(
  program: 'docker' | 'podman',
  what: string,
  apartOf: (ask: AskProgram) => Promise<string>,
): GuestManager {
  return {
    what,
    async queries(ask) {
      const listed = await ask([program, 'ps', '--quiet', '--no-trunc']);
      const ids = idsIn(listed, `${program} ps`, /^[0-9a-f]{12,64}$/);
      if (ids.length === 0) return [];
      const about = { apart: await apartOf(ask) };
      return Array.from({ length: Math.ceil(ids.length / maxTogether) }, (_, at) => ({
        argv: [program, 'inspect', ...ids.slice(at * maxTogether, (at + 1) * maxTogether)],
        about,
      }));
    },
    guests: ({ json, about }) => containerGuests(program, json(), about['apart']),
  };
}

/**
 * Interfaces of running containers, from `docker inspect ID…` (Podman prints the same shape). The host's interface is
 * found by the namespace of its other end, or by MAC. The zone is the Compose project. A pod's infra container is left
 * out: its members have its MAC. `apart`: as `apartOf`.
 */
export function containerGuests(manager: 'docker' | 'podman', json: unknown, apart = ''): readonly GuestRecord[] {
  const isApart = (network: string): boolean => apart === '*' || apart.split(' ').includes(network);
  const containers = objectsOf(json).map((container) => ({
    guests: interfacesOf(manager, container, isApart),
    infra: container['IsInfra'] === true,
  }));
  const members = new Set(containers.flatMap(({ guests, infra }) => (infra ? [] : guests.map(({ mac }) => mac))));
  return containers.flatMap(({ guests, infra }) => (infra ? guests.filter(({ mac }) => !members.has(mac)) : guests));
}

function interfacesOf(
  manager: 'docker' | 'podman',
  container: Fields,
  isApart: (network: string) => boolean,
): readonly GuestRecord[] {
  const name = textOf(container['Name'])?.replace(/^\//, '') ?? '';
  if (name === '' || fieldsOf(container['State'])?.['Running'] !== true) return [];
  const labels = fieldsOf(fieldsOf(container['Config'])?.['Labels']) ?? {};
  const project = textOf(labels['com.docker.compose.project']) ?? textOf(labels['io.podman.compose.project']);
  const settings = fieldsOf(container['NetworkSettings']);
  const netns = sandboxPath(textOf(settings?.['SandboxKey']));
  const id = textOf(container['Id']);
  const networks = Object.entries(fieldsOf(settings?.['Networks']) ?? {}).flatMap(([network, value]) =>
    objectsOf([value]).map((fields) => [network, fields] as const),
  );
  const listed = networks.length > 0 ? networks : [['', settings ?? {}] as const];
  return listed.flatMap(([networkName, network]): readonly GuestRecord[] => {
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
        ...(isApart(networkName) ? { isApart: true } : {}),
        ...given({ netns, id }),
      },
    ];
  });
}

/**
 * The guest with its port: the other end of the veth in its namespace with its MAC. `inside`: `ip -j -d link` there;
 * `links`: of the bridges' namespace. Unchanged without such a pair, as with other devices.
 */
export function withSandboxPort(guest: GuestRecord, inside: unknown, links: readonly LinkState[]): GuestRecord {
  const insideLink = objectsOf(inside).find(
    ({ address }) => typeof address === 'string' && address.toLowerCase() === guest.mac,
  );
  const port = links.find(
    ({ ifindex, peer }) =>
      insideLink !== undefined && ifindex === insideLink['link_index'] && peer === insideLink['ifindex'],
  )?.name;
  return port === undefined ? guest : { ...guest, port };
}
