import type { GuestRecord } from '../../model/host-config.js';
import { type Fields, fieldsOf, textOf } from '../../text/json-text.js';
import { type GuestManager, idsIn } from './guest-manager.js';
import { guestInSandbox, networkOf, sandboxPath, zoneBy } from './sandbox.js';

declare module '../../model/host-config.js' {
  interface Managers {
    readonly cri: true;
  }
}

/** Of containerd or CRI-O, as crictl is set up. */
export const cri: GuestManager = {
  what: 'pods (CRI)',
  where: ['/etc/crictl.yaml', '/run/crio/crio.sock', '/run/containerd/containerd.sock'],
  async queries(ask) {
    const ids = idsIn(await ask(['crictl', 'pods', '--state', 'ready', '--quiet']), 'crictl pods');
    return ids.map((id) => ({ argv: ['crictl', 'inspectp', '--output', 'json', id] }));
  },
  guests: ({ json }) => criGuests(json()),
};

/**
 * A pod, from `crictl inspectp ID`, of containerd or CRI-O, by its namespace, also if Kata runs it in a machine. The
 * zone is Kubernetes' namespace. A pod on the host's network has no port and is left out.
 */
export function criGuests(json: unknown): readonly GuestRecord[] {
  const pod = fieldsOf(json);
  const status = fieldsOf(pod?.['status']);
  const metadata = fieldsOf(status?.['metadata']);
  const [id, name] = [textOf(status?.['id']), textOf(metadata?.['name'])];
  const network = networkOf(fieldsOf(pod?.['info'])?.['runtimeSpec']);
  const path = sandboxPath(textOf(network?.['path']));
  if (path === null || id === null || !name || textOf(status?.['state']) !== 'SANDBOX_READY') return [];
  return [
    guestInSandbox('cri', name, path, {
      id,
      ips: addressesOf(status),
      zone: zoneBy(textOf(metadata?.['namespace']), 'Kubernetes namespace'),
    }),
  ];
}

function addressesOf(status: Fields | null): readonly string[] {
  const ip = textOf(fieldsOf(status?.['network'])?.['ip']);
  return ip === null || ip === '' ? [] : [ip];
}
