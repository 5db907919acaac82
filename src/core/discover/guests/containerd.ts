import type { GuestRecord } from '../../model/host-config.js';
import { fieldsOf, textOf } from '../../text/json-text.js';
import { type GuestManager, type GuestQuery, idsIn, rowsIn } from './guest-manager.js';
import { guestInSandbox, networkOf, sandboxPath, zoneBy } from './sandbox.js';

declare module '../../model/host-config.js' {
  interface Managers {
    readonly containerd: true;
  }
}

export const containerd: GuestManager = {
  what: 'containerd',
  where: ['/run/containerd/containerd.sock'],
  async queries(ask) {
    const spaces = idsIn(await ask(['ctr', 'namespaces', 'list', '--quiet']), 'ctr namespaces list');
    const queries: GuestQuery[] = [];
    // Docker reports its own
    for (const space of spaces.filter((name) => name !== 'moby')) {
      const ctr = ['ctr', '--namespace', space];
      for (const [id = '', pid = '', status] of rowsIn(await ask([...ctr, 'tasks', 'list'])))
        if (status === 'RUNNING' && Number(pid) > 0)
          queries.push({ argv: [...ctr, 'containers', 'info', id], about: { space, pid } });
    }
    return queries;
  },
  guests: ({ json, about: { space = '', pid } }) => containerdGuests(space, Number(pid), json()),
};

/**
 * A running container, from `ctr containers info ID` and its process in `ctr tasks list`, by its name in nerdctl or
 * Kubernetes. Its zone is Kubernetes' namespace, else containerd's unless `default`.
 */
export function containerdGuests(space: string, pid: number, json: unknown): readonly GuestRecord[] {
  const container = fieldsOf(json);
  const id = textOf(container?.['ID']);
  if (id === null || id === '') return [];
  const network = networkOf(container?.['Spec']);
  // without an entry it has the host's own network, and no port
  if (network === undefined) return [];
  const labels = fieldsOf(container?.['Labels']) ?? {};
  const [pod, named] = [textOf(labels['io.kubernetes.pod.name']), textOf(labels['nerdctl/name'])];
  const zone =
    zoneBy(textOf(labels['io.kubernetes.pod.namespace']), 'Kubernetes namespace') ??
    zoneBy(space === 'default' ? null : space, 'containerd namespace');
  const netns = sandboxPath(textOf(network['path'])) ?? `/proc/${pid}/ns/net`;
  return [guestInSandbox('containerd', pod || named || id, netns, { zone, id: `${space}/${id}` })];
}
