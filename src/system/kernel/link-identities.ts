import { closeSync, statSync } from 'node:fs';
import { libc } from './libc.js';
import { inNamespace } from './namespaces.js';
import { procNames } from './proc-files.js';

/**
 * What distinguishes the interfaces of a network namespace from later ones of the same name and index: the inodes of
 * their folders in sysfs, which the kernel numbers on and on (__kernfs_new_node, fs/kernfs/dir.c). Measured on Linux
 * 6.12: it stays while an interface is renamed, set up or made a port. Sysfs is mounted for this alone, nowhere in the
 * tree (0.1 ms); null = this user may not, or the kernel is older than 5.2.
 */
export function linkIdentities(netns: string | null): ReadonlyMap<string, string> | null {
  const mount = inNamespace(netns, () => libc().detachedMount('sysfs'));
  if (mount < 0) return null;
  const folder = `/proc/self/fd/${mount}/class/net`;
  try {
    return new Map(procNames(folder).flatMap((name) => identityIn(folder, name)));
  } finally {
    closeSync(mount);
  }
}

function identityIn(folder: string, name: string): readonly (readonly [string, string])[] {
  try {
    return [[name, String(statSync(`${folder}/${name}`, { bigint: true }).ino)]];
  } catch {
    return []; // it has gone just now
  }
}
