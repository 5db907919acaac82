import type { GuestRecord } from '../../model/host-config.js';
import { fieldsOf, objectsOf, textOf } from '../../text/json-text.js';
import { guestInSandbox, sandboxPath } from './sandbox.js';

/**
 * A pod, from `crictl inspectp ID`, of containerd or CRI-O; one that Kata runs in a machine of its own is named like any
 * other, by its namespace. A zone comes from Kubernetes' namespace. A pod on the host's own network has no port, and
 * is nobody.
 */
export function criGuests(json: unknown): readonly GuestRecord[] {
  const pod = fieldsOf(json);
  const status = fieldsOf(pod?.['status']);
  const metadata = fieldsOf(status?.['metadata']);
  const [id, name] = [textOf(status?.['id']), textOf(metadata?.['name'])];
  if (id === null || name === null || name === '' || textOf(status?.['state']) !== 'SANDBOX_READY') return [];
  const info = fieldsOf(pod?.['info']);
  const namespaces = objectsOf(fieldsOf(fieldsOf(info?.['runtimeSpec'])?.['linux'])?.['namespaces']);
  const path = sandboxPath(textOf(namespaces.find(({ type }) => type === 'network')?.['path']));
  if (path === null) return [];
  const space = textOf(metadata?.['namespace']);
  const ip = textOf(fieldsOf(status?.['network'])?.['ip']);
  return [
    guestInSandbox('cri', name, path, {
      id,
      ips: ip === null || ip === '' ? [] : [ip],
      zone: space === null || space === '' ? null : { name: space, from: 'Kubernetes namespace' },
    }),
  ];
}
