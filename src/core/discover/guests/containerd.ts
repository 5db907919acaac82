import type { GuestRecord } from '../../model/host-config.js';
import { fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { guestInSandbox, sandboxPath } from './sandbox.js';

/**
 * A running container, from `ctr containers info ID` and its process in `ctr tasks list`. Its name is that which nerdctl
 * or Kubernetes shows; a zone comes from Kubernetes' namespace, else from containerd's unless that is `default`.
 */
export function containerdGuests(space: string, pid: number, json: unknown): readonly GuestRecord[] {
  const container = fieldsOf(json);
  const id = textOf(container?.['ID']);
  if (id === null || id === '') return [];
  const labels = fieldsOf(container?.['Labels']) ?? {};
  const pod = textOf(labels['io.kubernetes.pod.name']);
  const project = textOf(labels['io.kubernetes.pod.namespace']);
  const namespaces = objectsOf(fieldsOf(fieldsOf(container?.['Spec'])?.['linux'])?.['namespaces']);
  const network = namespaces.find(({ type }) => type === 'network');
  // without an entry it has the host's own network, and no port
  if (network === undefined) return [];
  const netns = sandboxPath(textOf(network['path'])) ?? `/proc/${pid}/ns/net`;
  const zone =
    project !== null && project !== ''
      ? { name: project, from: 'Kubernetes namespace' }
      : space === 'default'
        ? null
        : { name: space, from: 'containerd namespace' };
  return [
    guestInSandbox('containerd', pod || textOf(labels['nerdctl/name']) || id, netns, { zone, id: `${space}/${id}` }),
  ];
}
