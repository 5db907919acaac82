import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Neighbour } from '../../core/discover/host-topology.js';
import { parseLeases } from '../../core/discover/leases.js';
import { readRegular } from '../evidence/read/regular-file.js';

/** dnsmasq, ISC dhcpd, Kea, libvirt, Incus and LXD. `*`: any one name. */
const leaseFiles = [
  '/var/lib/misc/dnsmasq.leases',
  '/var/lib/dhcp/dhcpd.leases',
  '/var/lib/kea/kea-leases4.csv',
  '/var/lib/libvirt/dnsmasq/*.status',
  '/var/lib/incus/networks/*/dnsmasq.leases',
  '/var/lib/lxd/networks/*/dnsmasq.leases',
  '/var/snap/lxd/common/lxd/networks/*/dnsmasq.leases',
];
/** A lease has some 100 bytes. */
const maxBytes = 1 << 22;
const maxFiles = 256;

function pathsOf(pattern: string): readonly string[] {
  const at = pattern.split('/').findIndex((part) => part.includes('*'));
  if (at < 0) return [pattern];
  const parts = pattern.split('/');
  const [folder, rest] = [parts.slice(0, at).join('/'), parts.slice(at + 1)];
  const ending = (parts[at] ?? '').slice(1);
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .sort()
      .map((name) => join(folder, name, ...rest));
  } catch {
    return [];
  }
}

/** Reads only regular files up to 4 MiB, following no links: others than root write them. */
export function readLeases(root = '/'): readonly Neighbour[] {
  const paths = leaseFiles.flatMap((pattern) => pathsOf(join(root, pattern)));
  return paths.slice(0, maxFiles).flatMap((path) => {
    try {
      return parseLeases(readRegular(path, maxBytes), Date.now() / 1000);
    } catch {
      return [];
    }
  });
}
